"""Write digitdreams/grading/calls.py: the system calls that a sandbox may make.

The numbers come from libseccomp, which has them for every processor (Debian:
`apt install libseccomp2`). Add a name to `ALLOWED` and run

    python tools/system_calls.py
"""

import ctypes
from pathlib import Path

TARGET = Path(__file__).parents[1] / "digitdreams" / "grading" / "calls.py"
MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
# What programs use that compute, read and write files of their own, start processes
# and wait. Whatever is not here does not exist inside: locks of files, memory without
# an owner, notices of what others read, other kinds of sockets, tracing, namespaces.
ALLOWED = """
access alarm arch_prctl brk capget chdir chmod chown clock_getres clock_gettime
clock_nanosleep clone clone3 close close_range copy_file_range creat dup dup2 dup3
epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd
eventfd2 execve execveat exit exit_group faccessat faccessat2 fallocate fchdir fchmod
fchmodat fchown fchownat fdatasync fgetxattr flistxattr fork fstat fstatfs fsync
ftruncate futex futimesat get_mempolicy get_robust_list getcpu getcwd getdents
getdents64 getegid geteuid getgid getgroups getitimer getpgid getpgrp getpid getppid
getpriority getrandom getresgid getresuid getrlimit getrusage getsid gettid
gettimeofday getuid getxattr ioctl kill lchown lgetxattr link linkat listxattr
llistxattr lseek lstat madvise mbind membarrier mkdir mkdirat mlock mknod mknodat mmap
mprotect mremap msync munlock munmap nanosleep newfstatat open openat openat2 pause
pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free pkey_mprotect poll ppoll
prctl pread64 preadv prlimit64 pselect6 pwrite64 pwritev read readlink readlinkat readv
rename renameat renameat2 restart_syscall rmdir rseq rt_sigaction rt_sigpending
rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait
rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min sched_getaffinity
sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_yield
select sendfile set_mempolicy set_robust_list set_tid_address setitimer setpgid
setpriority setrlimit setsid sigaltstack signalfd signalfd4 stat statfs statx symlink
symlinkat sysinfo tgkill time timer_create timer_delete timer_getoverrun timer_gettime
timer_settime timerfd_create timerfd_gettime timerfd_settime times tkill truncate umask
uname unlink unlinkat utime utimensat utimes vfork wait4 waitid write writev
accept accept4 bind connect getpeername getsockname getsockopt listen recvfrom recvmmsg
recvmsg sendmmsg sendmsg sendto shutdown
"""
# These depend on an argument, see `seccomp`.
WATCHED = ("socket", "socketpair", "setsockopt", "fcntl")
TEXT = '''"""The numbers of system calls, written by `tools/system_calls.py`."""

# name: on x86_64, on aarch64; -1 where there is no such call
NUMBERS = {{
{lines}
}}
'''


def main() -> None:
    """Ask libseccomp and write the module."""
    library = ctypes.CDLL("libseccomp.so.2")
    resolve = library.seccomp_syscall_resolve_name_arch
    resolve.argtypes = [ctypes.c_uint32, ctypes.c_char_p]
    names = sorted({*ALLOWED.split(), *WATCHED})
    found = {
        name: tuple(max(-1, resolve(one, name.encode())) for one in MACHINES.values())
        for name in names
    }
    unknown = [name for name, numbers in found.items() if max(numbers) < 0]
    if unknown:
        raise SystemExit(f"libseccomp knows no {', '.join(unknown)}")
    lines = "\n".join(f'    "{name}": {numbers},' for name, numbers in found.items())
    TARGET.write_text(TEXT.format(lines=lines), encoding="utf-8")


if __name__ == "__main__":
    main()
