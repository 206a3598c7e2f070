"""A filter of system calls for the sandbox: what is not allowed does not exist.

Namespaces hide the network, the files and the other processes. The filter leaves what
programs need that compute (`calls`), and so closes what namespaces do not cover: ways
between two sandboxes that see the same files (locks of a file, notices that somebody
reads it, sockets of families that have no namespace), memory that belongs to no process
and so escapes the watch, a wider choice of processors, and parts of the kernel that
have often been a way out. Linux's seccomp(2) describes the form of a program.
"""

import errno
import os
import socket
import struct
from collections.abc import Iterable, Iterator

from digitdreams.grading.calls import NUMBERS

MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
LOAD, EQUAL, AT_LEAST, ABOVE, RETURN = 0x20, 0x15, 0x35, 0x25, 0x06
ALLOW, ERRNO, KILL = 0x7FFF0000, 0x00050000, 0x80000000
X32 = 0x40000000  # the other numbering of x86_64's calls
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16  # places in what the filter is given

# Of fcntl(2): copying, flags and owners of open files, and the size of a pipe. Its
# locks, leases and notices would pass between sandboxes, larger pipes hold memory.
FCNTL = (0, 1, 2, 3, 4, 8, 9, 1030, 1032, 1033, 1034)
# Of setsockopt(2) everything but the sizes of buffers, which hold memory.
BUFFERS = (socket.SO_SNDBUF, socket.SO_RCVBUF, 32, 33)
# call: which argument decides, its values, whether they are those allowed, the error
WATCHED = {
    "socket": (0, (socket.AF_UNIX,), True, errno.EAFNOSUPPORT),
    "socketpair": (0, (socket.AF_UNIX,), True, errno.EAFNOSUPPORT),
    "fcntl": (1, FCNTL, True, errno.ENOSYS),
    "setsockopt": (2, BUFFERS, False, errno.ENOSYS),
}


def step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def ranges(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The runs of consecutive numbers, first and last."""
    first = last = -2
    for number in sorted(numbers):
        if number != last + 1:
            if last >= 0:
                yield first, last
            first = number
        last = number
    if last >= 0:
        yield first, last


def watched(number: int, call: str) -> bytes:
    """Decide one call by one of its arguments."""
    argument, values, allowed, error = WATCHED[call]
    match, other = (ALLOW, ERRNO | error) if allowed else (ERRNO | error, ALLOW)
    count = len(values)
    return b"".join(
        [
            step(EQUAL, number, 0, count + 3),
            step(LOAD, ARGUMENTS + 8 * argument),
            *(
                step(EQUAL, value, count - place, 0)
                for place, value in enumerate(values)
            ),
            step(RETURN, other),
            step(RETURN, match),
        ]
    )


def program() -> bytes | None:
    """The filter for this machine's processor, None where its numbers are unknown."""
    machine = os.uname().machine
    if machine not in MACHINES:
        return None
    column, architecture = MACHINES[machine]
    numbers = {
        name: pair[column] for name, pair in NUMBERS.items() if pair[column] > -1
    }
    steps = [
        step(LOAD, ARCHITECTURE),
        step(EQUAL, architecture, 1, 0),
        step(RETURN, KILL),
        step(LOAD, NUMBER),
        step(AT_LEAST, X32, 0, 1),
        step(RETURN, KILL),
    ]
    steps += [watched(numbers[call], call) for call in WATCHED]
    free = [number for name, number in numbers.items() if name not in WATCHED]
    for first, last in ranges(free):
        steps += [
            step(AT_LEAST, first, 0, 2),
            step(ABOVE, last, 1, 0),
            step(RETURN, ALLOW),
        ]
    steps.append(step(RETURN, ERRNO | errno.ENOSYS))
    return b"".join(steps)
