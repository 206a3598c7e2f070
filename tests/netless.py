"""Run a Python command with no network but the loopback interface.

    python tests/netless.py [--required] <arguments of python>

The command runs in a new network namespace of Linux in which only 127.0.0.1 can be
reached (notebook kernels talk over it). It finds DIGITDREAMS_NETWORK set to `cut`.
Where namespaces are forbidden it runs with the network as it is, and the variable
holds `open: <reason>`; with --required it does not run at all.
"""

import ctypes
import os
import socket
import struct
import subprocess
import sys

CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS = 0x8913
SIOCSIFFLAGS = 0x8914
IFF_UP = 0x1
VARIABLE = "DIGITDREAMS_NETWORK"


def unshare(flags: int) -> None:
    """Move this process into new namespaces.

    Raises:
        OSError: the system does not allow it.
    """
    # os.unshare came with Python 3.12
    library = ctypes.CDLL(None, use_errno=True)
    if library.unshare(flags) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"unshare: {os.strerror(number)}")


def raise_loopback() -> None:
    """Bring up the interface `lo`, as `ip link set lo up` does."""
    import fcntl  # not there on Windows, where this is never called

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        request = struct.pack("16sH14x", b"lo", 0)
        answer = fcntl.ioctl(probe, SIOCGIFFLAGS, request)
        flags = struct.unpack("16sH14x", answer)[1]
        request = struct.pack("16sH14x", b"lo", flags | IFF_UP)
        fcntl.ioctl(probe, SIOCSIFFLAGS, request)


def cut(with_user: bool) -> None:
    """Leave the network; only the loopback interface is there afterwards.

    Args:
        with_user: make a user namespace too, which an ordinary user needs. Users and
            files keep their owners in the eyes of this process.

    Raises:
        OSError: the system does not allow it.
    """
    user, group = os.geteuid(), os.getegid()
    unshare(CLONE_NEWNET | (CLONE_NEWUSER if with_user else 0))
    if with_user:
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{user} {user} 1"),
            ("gid_map", f"{group} {group} 1"),
        ):
            with open(f"/proc/self/{name}", "w") as stream:
                stream.write(text)
    raise_loopback()
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()


def why_not(with_user: bool) -> str:
    """Try `cut` in a child process; return what went wrong, empty if nothing."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            cut(with_user)
        except BaseException as error:
            os.write(writing, f"{error}".encode()[:500])
            os._exit(1)
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as stream:
        said = stream.read().decode(errors="replace")
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return "" if status == 0 else said or f"exit status {status}"


def leave_network() -> str:
    """Cut this process off; return why that was not possible, empty if it was."""
    if sys.platform != "linux":
        return f"network namespaces exist on Linux only, this is {sys.platform}"
    # Root does not need a user namespace, in which files of others would be foreign.
    reasons = []
    for with_user in (False, True) if os.geteuid() == 0 else (True,):
        reason = why_not(with_user)
        if not reason:
            cut(with_user)
            return ""
        reasons.append(reason)
    return "; ".join(dict.fromkeys(reasons))


def main(arguments: list[str]) -> int:
    required = arguments[:1] == ["--required"]
    command = arguments[1:] if required else arguments
    if not command:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    reason = leave_network()
    if reason and required:
        print(f"The network cannot be cut here: {reason}", file=sys.stderr)
        return 3
    os.environ[VARIABLE] = f"open: {reason}" if reason else "cut"
    sys.stdout.flush()
    if sys.platform == "win32":  # execv would not wait there
        return subprocess.call([sys.executable, *command])
    os.execv(sys.executable, [sys.executable, *command])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
