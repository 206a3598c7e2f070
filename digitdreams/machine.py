"""This machine in words, without names of people or hosts."""

import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import psutil


def describe() -> str:
    """This machine in words, without names: `2 cores, AMD EPYC, 24 GB`."""
    count = cores()
    memory = round(psutil.virtual_memory().total / 2**30)
    plural = "" if count == 1 else "s"
    return f"{count} core{plural}, {processor()}, {memory} GB"


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


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
