"""A filter of system calls for the sandbox: what no exercise needs is refused.

Namespaces already hide the network, the files and the other processes. The filter adds
what they do not cover: memory that belongs to no process (and so escapes the watch on
the tree of processes), a wider choice of processors, and parts of the kernel that
have often been a way out. Linux's seccomp(2) describes the form of a program.
"""

import errno
import os
import struct

# Numbers on x86_64 and aarch64, from Linux's tables of system calls.
REFUSED = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_getfd": (438, 438),
    "kcmp": (312, 272),
    "sched_setaffinity": (203, 122),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "mount_setattr": (442, 442),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "kexec_load": (246, 104),
    "syslog": (103, 116),
}
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
LOAD, EQUAL, AT_LEAST, RETURN = 0x20, 0x15, 0x35, 0x06
ALLOW, ERRNO, KILL = 0x7FFF0000, 0x00050000, 0x80000000
X32 = 0x40000000  # the other numbering of x86_64's calls


def program() -> bytes | None:
    """The filter for this machine's processor, None where its numbers are unknown."""
    machine = os.uname().machine
    if machine not in MACHINES:
        return None
    column, architecture = MACHINES[machine]
    numbers = sorted(pair[column] for pair in REFUSED.values())

    def step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
        return struct.pack("=HBBI", code, if_true, if_false, value)

    # Three ways out stand at the end: allow, refuse, kill.
    count = len(numbers)
    steps = [
        step(LOAD, 4),  # the architecture
        step(EQUAL, architecture, 0, count + 4),
        step(LOAD, 0),  # the number of the call
        step(AT_LEAST, X32, count + 2, 0),
    ]
    for place, number in enumerate(numbers):
        steps.append(step(EQUAL, number, count - place, 0))
    steps += [
        step(RETURN, ALLOW),
        step(RETURN, ERRNO | errno.EPERM),
        step(RETURN, KILL),
    ]
    return b"".join(steps)
