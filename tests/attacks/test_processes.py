"""Attacks that use too much of something, do not end, or end too early."""

import battlefield
import classroom
import pytest
from battlefield import BRIEF, FULL, NOTHING, STAYS, points, states

HANGS = {
    "infinite loop": "while True:\n    pass",
    "loop that swallows interrupts": """
import signal
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM):
    signal.signal(number, signal.SIG_IGN)
while True:
    try:
        while True:
            pass
    except BaseException:
        pass
""",
    "loop that catches everything": """
while True:
    try:
        while True:
            pass
    except BaseException:
        pass
""",
    "sleep": "import time\ntime.sleep(10_000)",
    "stopped process": "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)",
    "wait for standard input": "import os\nos.read(0, 1)\nwhile True: pass",
}
ENDS = {
    "os._exit in a cell": "import os\nos._exit(0)",
    "kill itself": "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
    "kill everything": """
import os, signal
for number in (-1, 0, os.getppid()):
    try:
        os.kill(number, signal.SIGKILL)
    except OSError:
        pass
os.kill(os.getpid(), signal.SIGKILL)
""",
    "segmentation fault": "import ctypes\nctypes.string_at(0)",
    "exec another program": "import os\nos.execv('/usr/bin/true', ['true'])",
    "close all files": "import os\nos.closerange(0, 200)\nos._exit(0)",
}
MEMORY = {
    "memory bomb": "kept = []\nwhile True:\n    kept.append(bytearray(10_000_000))",
    "memory bomb of children": """
import os, time
for _ in range(12):
    if os.fork() == 0:
        kept = bytearray(90_000_000)
        time.sleep(100)
        os._exit(0)
time.sleep(100)
""",
    "memory bomb in shared memory": """
import mmap
kept = []
while True:
    kept.append(mmap.mmap(-1, 50_000_000))
    kept[-1].write(b"x" * 50_000_000)
""",
    "memory in the buffers of sockets": """
import os, socket, time
kept = []
for _ in range(40):
    if os.fork() == 0:
        while True:
            try:
                pair = socket.socketpair()
                kept.append(pair)
                pair[0].setblocking(False)
                while pair[0].send(bytes(60_000)):
                    pass
            except BlockingIOError:
                continue
            except OSError:
                time.sleep(60)
time.sleep(60)
""",
    "memory without a process": """
import ctypes, os
kept = []
for _ in range(40):
    number = ctypes.CDLL(None).memfd_create(b"attack", 0)
    if number < 0:
        raise MemoryError("refused")
    os.write(number, bytes(15_000_000))
""",
}
CROWDS = {
    "fork bomb": """
import os
while True:
    try:
        os.fork()
    except OSError:
        pass
""",
    "thread bomb": """
import threading, time
for _ in range(5000):
    threading.Thread(target=time.sleep, args=(100,), daemon=True).start()
""",
    "background process": """
import os, subprocess, sys
subprocess.Popen(
    [sys.executable, "-c", "import time; time.sleep(600) # STAYS"],
    start_new_session=True,
)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        import time
        time.sleep(600)
    os._exit(0)
""".replace("STAYS", STAYS),
}
FLOODS = {
    "flood of text": "while True:\n    print('x' * 10_000)",
    "flood past Python": "import os\nwhile True:\n    os.write(1, b'x' * 65_536)",
    "flood of pictures": """
import base64, os
picture = base64.b64encode(os.urandom(300_000)).decode()
for _ in range(20):
    display({"image/png": picture})
""",
    "one file that fills the disk": """
with open("attack", "wb") as stream:
    while True:
        stream.write(bytes(1_000_000))
""",
    "many files that fill the disk": """
for number in range(100):
    with open(f"attack{number}", "wb") as stream:
        stream.write(bytes(1_000_000))
""",
    "very many empty files": """
number = 0
while True:
    open(f"/dev/shm/attack{number}", "wb").close()
    number += 1
""",
    "folders outside the working folder": """
import os
for place in ("/", "/tmp", "/dev", "/usr", "/course", "/packages", "/etc", "/home"):
    try:
        open(os.path.join(place, "attack"), "wb").write(bytes(30_000_000))
    except OSError:
        pass
""",
}


def attacked(wrong, source, place=2):
    return classroom.as_bytes(classroom.add(wrong, source, place=place))


@pytest.mark.parametrize("source", HANGS.values(), ids=HANGS)
def test_what_never_ends_costs_only_its_own_cell(field, root, source):
    notebook = classroom.solution(root)
    classroom.put(notebook, "task-count", source)
    # The other cells need a hundredth of a second each, and have the same limit.
    result = field.grade(classroom.as_bytes(notebook), cell=3)
    assert points(result) == {**FULL, "count": 0}
    assert states(result)["count"] == "timeout"
    assert result.seconds < battlefield.LIMITS.wall / 2


@pytest.mark.parametrize("source", HANGS.values(), ids=HANGS)
def test_a_function_that_never_ends(field, wrong, source):
    body = "\n".join("    " + line for line in source.splitlines())
    classroom.put(wrong, "task-squares", f"def squares(values):\n{body}")
    result = field.grade(classroom.as_bytes(wrong), wall=25, cell=1, task=0.5)
    assert points(result) == NOTHING
    assert states(result)["squares"] == "timeout"


@pytest.mark.parametrize("source", ENDS.values(), ids=ENDS)
def test_what_ends_the_process_costs_only_its_own_cell(field, root, source):
    notebook = classroom.solution(root)
    classroom.put(notebook, "task-count", source)
    result = field.grade(classroom.as_bytes(notebook))
    assert points(result) == {**FULL, "count": 0}
    assert states(result)["count"] == "crashed"
    assert result.state == "crashed"


@pytest.mark.parametrize("source", ENDS.values(), ids=ENDS)
def test_a_function_that_ends_the_process(field, root, source):
    notebook = classroom.solution(root)
    body = "\n".join("    " + line for line in source.splitlines())
    classroom.put(notebook, "task-count", f"def count(labels, wanted):\n{body}")
    result = field.grade(classroom.as_bytes(notebook))
    assert points(result) == {**FULL, "count": 0}
    assert states(result)["count"] == "crashed"


def test_sys_exit(field, wrong):
    result = field.grade(attacked(wrong, "import sys\nsys.exit(0)"))
    assert points(result) == NOTHING
    classroom.put(
        wrong, "task-squares", "def squares(values):\n    raise SystemExit(0)"
    )
    result = field.grade(classroom.as_bytes(wrong))
    assert points(result) == NOTHING


def test_every_cell_ends_the_process(field, wrong):
    for _ in range(8):
        classroom.add(wrong, "import os\nos._exit(0)", place=1)
    result = field.grade(classroom.as_bytes(wrong))
    assert points(result) == NOTHING
    assert set(states(result).values()) == {"crashed"}


@pytest.mark.parametrize("source", MEMORY.values(), ids=MEMORY)
def test_memory(field, wrong, source):
    result = field.grade(attacked(wrong, source))
    assert points(result) == NOTHING
    # It is looked at ten times a second; the kernel alone would give it 4000 more.
    assert result.peak_memory_mb < battlefield.LIMITS.memory + 2000
    assert result.state == "memory" or "MemoryError" in " ".join(result.notes)


@pytest.mark.parametrize("source", CROWDS.values(), ids=CROWDS)
def test_crowds(field, wrong, source):
    result = field.grade(attacked(wrong, source), **BRIEF)
    assert points(result) == NOTHING


@pytest.mark.parametrize("source", FLOODS.values(), ids=FLOODS)
def test_floods(field, wrong, source):
    result = field.grade(attacked(wrong, source))
    assert points(result) == NOTHING
    assert len(result.output) < 70_000
    assert len(str(result.as_dict())) < 150_000


def test_more_processors_than_allowed(field, wrong):
    source = """
import os, multiprocessing, time
try:
    os.sched_setaffinity(0, range(os.cpu_count()))
except OSError as error:
    print("refused:", error)
print("processors:", len(os.sched_getaffinity(0)))
"""
    result = field.grade(attacked(wrong, source))
    assert "refused" in result.output
    assert "processors: 1" in result.output


def test_limits_cannot_be_raised(field, wrong):
    source = """
import resource
for name in ("RLIMIT_AS", "RLIMIT_NPROC", "RLIMIT_FSIZE", "RLIMIT_NOFILE"):
    number = getattr(resource, name)
    try:
        resource.setrlimit(number, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        print("raised", name)
    except (OSError, ValueError):
        print("refused", name)
"""
    result = field.grade(attacked(wrong, source))
    assert result.output.count("refused") == 4
    assert "raised" not in result.output
