"""This machine in words, without names of people or hosts; what a container allows."""

import contextlib
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

CONTROL_GROUPS = Path("/sys/fs/cgroup")
MEMBERSHIP = Path("/proc/self/cgroup")


def describe() -> str:
    """This machine in words, without names: `2 cores, AMD EPYC, 24 GB`."""
    count = cores()
    plural = "" if count == 1 else "s"
    return f"{count} core{plural}, {processor()}, {round(memory() / 2**30)} GB"


def cores() -> int:
    """How many cores this process may use, at least 1; a quota of time counts."""
    if hasattr(os, "sched_getaffinity"):
        count = len(os.sched_getaffinity(0))
    else:
        count = os.cpu_count() or 1
    shares = [line.split() for line in quotas("cpu", "cpu.max")]
    times = quotas("cpu", "cpu.cfs_quota_us")
    periods = quotas("cpu", "cpu.cfs_period_us")
    shares += [list(pair) for pair in zip(times, periods, strict=False)]
    for time, period in shares:
        if time.isdecimal() and int(time):
            count = min(count, int(time) // int(period))
    return max(1, count)


def memory() -> int:
    """How many bytes of memory there are for this process and its neighbours."""
    found = [psutil.virtual_memory().total]
    for name in ("memory.max", "memory.limit_in_bytes"):
        found += [int(one) for one in quotas("memory", name) if one.isdecimal()]
    return min(found)


def quotas(controller: str, name: str) -> Iterator[str]:
    """What the control groups of this process say in a file, from ours upwards.

    A container shows its own group as the uppermost one, whatever its path is outside.
    """
    with contextlib.suppress(OSError):
        for line in MEMBERSHIP.read_text("utf-8").splitlines():
            _, kinds, path = line.split(":", 2)
            if kinds and controller not in kinds.split(","):
                continue
            top = CONTROL_GROUPS / (controller if kinds else "")
            own = top / path.lstrip("/")
            for folder in (own, *own.parents):
                with contextlib.suppress(OSError):
                    yield (folder / name).read_text("ascii").strip()
                if folder == top:
                    break


def limit_in_words(name: str) -> str:
    """A limit of this process, such as `NPROC` or `NOFILE`, in words."""
    found = []
    with contextlib.suppress(ImportError, AttributeError, OSError, ValueError):
        import resource  # not there on Windows

        soft, _ = resource.getrlimit(getattr(resource, f"RLIMIT_{name}"))
        found += [] if soft == resource.RLIM_INFINITY else [soft]
    if name == "NPROC":
        found += [int(one) for one in quotas("pids", "pids.max") if one.isdecimal()]
    return f"the limit is {min(found)}" if found else "the machine sets the limit"


def memory_in_words() -> str:
    """The memory that there is, and a limit below it, in words."""
    found = [memory()]
    with contextlib.suppress(ImportError, AttributeError, OSError, ValueError):
        import resource

        for name in ("RLIMIT_AS", "RLIMIT_DATA"):
            soft, _ = resource.getrlimit(getattr(resource, name))
            found += [] if soft == resource.RLIM_INFINITY else [soft]
    return f"there are {min(found) / 2**30:.1f} GB"


def processor() -> str:
    """The processor's model, such as `AMD EPYC`."""
    model = ""
    if sys.platform == "linux":
        text = Path("/proc/cpuinfo").read_text("utf-8", errors="replace")
        found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
        model = found[1] if found else ""
    elif sys.platform == "darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        model = subprocess.run(command, capture_output=True, text=True).stdout
    model = model or platform.processor() or platform.machine()
    model = re.sub(r"\((R|TM)\)|@.*|\b(CPU|Processor|\d+-Core)\b", "", model)
    return " ".join(model.split())


def programs_on_path() -> None:
    """Let programs that lie beside this Python be found: nbgrader starts `alembic`."""
    beside = str(Path(sys.executable).parent)
    path = os.environ.get("PATH", os.defpath).split(os.pathsep)
    if beside not in path:
        os.environ["PATH"] = os.pathsep.join([beside, *path])
