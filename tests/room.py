"""Run commands as a stranger to this machine, who finds the course closed.

    python tests/room.py FOLDER < orders.json > answers.json

In namespaces of its own this program is a user without an entry in the system's list,
the course is read-only, and FOLDER/full is a disk of 1 MB without room. An order names
the command's words, and where it differs the working folder and the output's encoding.
"""

import contextlib
import ctypes
import io
import json
import os
import sys
from pathlib import Path

from netless import CLONE_NEWUSER, unshare

ROOT = Path(__file__).resolve().parents[1]
CLONE_NEWNS = 0x00020000
READ_ONLY, REMOUNT, BIND, RECURSIVE, PRIVATE = 1, 32, 4096, 16384, 1 << 18
KEPT = os.ST_NOSUID | os.ST_NODEV | os.ST_NOEXEC | os.ST_NOATIME  # the same bits
STRANGER = 54321


def mount(source: str, target: Path | str, kind: str, flags: int, data: str = ""):
    library = ctypes.CDLL(None, use_errno=True)
    words = [one.encode() for one in (source, str(target), kind)]
    if library.mount(*words, ctypes.c_ulong(flags), data.encode()) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), str(target))


def enter(folder: Path) -> None:
    """Become a stranger; the next program has no rights but a user's."""
    user, group = os.getuid(), os.getgid()
    unshare(CLONE_NEWUSER | CLONE_NEWNS)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{STRANGER} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{STRANGER} {group} 1")
    mount("none", "/", "", RECURSIVE | PRIVATE)
    mount(str(ROOT), ROOT, "", BIND)
    flags = os.statvfs(ROOT).f_flag & KEPT
    mount(str(ROOT), ROOT, "", BIND | REMOUNT | READ_ONLY | flags)
    mount("none", folder / "full", "tmpfs", 0, "size=1m")
    with contextlib.suppress(OSError), open(folder / "full" / "all", "wb") as file:
        for _ in range(300):
            file.write(bytes(4096))
            file.flush()


def obey(order: dict) -> dict:
    """Type one command; return its exit status and what it said."""
    from digitdreams import launch

    os.environ.pop("DIGITDREAMS_HOME", None)  # of the command before
    os.chdir(order.get("folder", "."))
    if order.get("gone"):
        os.rmdir(os.getcwd())
    said = io.BytesIO()
    encoding = order.get("encoding", "latin-1")
    stream = io.TextIOWrapper(said, encoding=encoding, write_through=True)
    sys.argv = ["digitdreams", *order["words"]]
    status: object = 0
    with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
        try:
            launch.main()
        except SystemExit as ended:
            status = ended.code
    text = said.getvalue().decode(encoding)
    if isinstance(status, str):
        status, text = 1, f"{text}{status}\n"
    return {"status": status or 0, "said": text}


if __name__ == "__main__":
    if sys.argv[1:] != ["inside"]:
        enter(Path(sys.argv[1]))
        os.execv(sys.executable, [sys.executable, __file__, "inside"])
    os.umask(0o077)
    print(json.dumps([obey(order) for order in json.load(sys.stdin)]))
