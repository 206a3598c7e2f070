"""What every attack is tried on: a host with things worth stealing or spoiling."""

import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import classroom
import psutil

from digitdreams.grading.marking import grade
from digitdreams.grading.result import Result
from digitdreams.grading.sandbox import Limits

# Time enough on a slow machine that does other things, too: what ends by itself, or by
# its memory, its files or its output, never ends by these seconds.
LIMITS = Limits(
    wall=200,
    cell=60,
    task=60,
    memory=400,
    disk=20,
    files=400,
    processes=64,
    output=1,
    answers=8,
)
# For what never ends, where every answer is wrong: no mark depends on these seconds.
BRIEF = {"wall": 25, "cell": 1.5, "task": 1.5}
PATIENCE = 500  # seconds for a whole attack; pytest itself gives up after 600
TREASURE = "TREASURE-9f3c"  # never to be seen in what comes out of a sandbox
FULL = {"squares": 2, "standardise": 3, "count": 1, "fit": 2, "training": 4}
NOTHING = dict.fromkeys(FULL, 0)
WRONG = {
    "squares": "def squares(values):\n    return values * 0 - 7",
    "standardise": "def standardise(table):\n    return table * 0 - 7",
    "count": "def count(labels, wanted):\n    return -7",
    "fit": "def fit(places, heights):\n    return np.array([7.0, -7.0])",
}


def wrong(root: Path) -> dict:
    """A submission in which every answer is wrong."""
    notebook = classroom.solution(root)
    for name, source in WRONG.items():
        classroom.put(notebook, f"task-{name}", source)
    return notebook


STAYS = f"attack-stays-{os.getpid()}"  # marks processes that try to outlive their run


class Host:
    """Files, sockets and environment of a grading machine, watched for changes.

    Attributes:
        folder: a course's folder with gradebook, solutions and submissions.
        port: a TCP server on loopback, which nobody may reach.
        reached: connections that came all the same.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.reached: list[str] = []
        for name in (
            "gradebook.db",
            "source/01_small/01_small.ipynb",
            "submitted/other/01_small/01_small.ipynb",
            "home/.ipython/profile_default/startup/readme.py",
            "home/.bashrc",
            "packages/sitecustomize.py",
        ):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{TREASURE} {name}\n", encoding="utf-8")
            path.chmod(0o666)
        for path in [folder, *folder.rglob("*")]:
            if path.is_dir():
                path.chmod(0o777)
        self.servers = [
            self.serve(socket.AF_INET, ("127.0.0.1", 0)),
            self.serve(socket.AF_UNIX, "\0digitdreams-attack-" + str(os.getpid())),
            self.serve(socket.AF_UNIX, str(folder / "socket")),
        ]
        (folder / "socket").chmod(0o777)
        self.port = self.servers[0].getsockname()[1]
        self.before = self.state()
        self.earlier: set[psutil.Process] = set()

    def serve(self, family: int, address) -> socket.socket:
        server = socket.socket(family)
        server.bind(address)
        server.listen()
        threading.Thread(target=self.accept, args=(server,), daemon=True).start()
        return server

    def accept(self, server: socket.socket) -> None:
        while True:
            try:
                server.accept()
            except OSError:
                return
            self.reached.append(str(server.getsockname()))

    def state(self) -> dict:
        """All that an attack could leave behind."""
        files = {
            str(path): (path.stat().st_mtime_ns, path.read_bytes())
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and not path.is_symlink()
        }
        places = (Path("/tmp"), Path("/dev/shm"), Path.home(), Path.cwd())
        return {
            "files": files,
            "names": sorted(str(one) for one in self.folder.rglob("*")),
            "places": {
                str(one): {name for name in os.listdir(one) if "attack" in name.lower()}
                for one in places
            },
        }

    def forget_processes(self) -> None:
        """Hold no attack responsible for what other tests left running."""
        self.earlier = set(psutil.Process().children(recursive=True))

    def left_running(self, seconds: float = 30) -> list[str]:
        """What runs on, though a busy machine had time to bury what was killed."""
        until = time.monotonic() + seconds
        while (found := self.processes()) and time.monotonic() < until:
            time.sleep(0.1)
        return found

    def processes(self) -> list[str]:
        """What runs of all that this process has started since then."""
        found = []
        for one in set(psutil.Process().children(recursive=True)) - self.earlier:
            try:
                if one.status() != psutil.STATUS_ZOMBIE:
                    found.append(" ".join(one.cmdline())[:200])
            except psutil.Error:
                continue
        sleepers = [
            str(one.pid)
            for one in psutil.process_iter(["cmdline"])
            if STAYS in " ".join(one.info["cmdline"] or ())
        ]
        return found + sleepers

    def close(self) -> None:
        for server in self.servers:
            server.close()


class Field:
    """Grades attacks beside an honest student, and checks what has to hold always."""

    def __init__(self, exercise, host: Host, honest: bytes):
        self.exercise = exercise
        self.host = host
        self.honest = honest
        host.forget_processes()

    def grade(self, notebook: bytes, **limits) -> Result:
        """Grade an attack while another student's work is graded, too."""
        allowed = Limits(**{**vars(LIMITS), **limits})
        with ThreadPoolExecutor(2) as pool:
            attack = pool.submit(
                grade, notebook, self.exercise, classroom.SECRET, allowed
            )
            control = pool.submit(grade, self.honest, self.exercise, classroom.SECRET)
            result, other = attack.result(PATIENCE), control.result(PATIENCE)
        assert points(other) == FULL, "another student's result changed"
        assert other.state == "graded"
        self.examine(result)
        return result

    def grade_alone(self, notebook: bytes, **limits) -> Result:
        """Grade without a neighbour: what runs is after its own mark alone, or honest.

        That no attack reaches a neighbour is for `test_host` and `test_processes`.
        """
        allowed = Limits(**{**vars(LIMITS), **limits})
        result = grade(notebook, self.exercise, classroom.SECRET, allowed)
        self.examine(result)
        return result

    def examine(self, result: Result) -> None:
        """What holds after every attack."""
        assert self.host.state() == self.host.before, "something was left on the host"
        assert self.host.reached == []
        assert result.state != "infrastructure", "the machine was blamed"
        assert self.host.left_running() == []
        for text in (result.output, *result.notes, *[t.message for t in result.tasks]):
            assert TREASURE not in text
            assert classroom.SECRET not in text
        assert all(one.points == 0 for one in result.tasks if one.state != "graded")


def points(result: Result) -> dict[str, float]:
    return {one.name: one.points for one in result.tasks}


def states(result: Result) -> dict[str, str]:
    return {one.name: one.state for one in result.tasks}
