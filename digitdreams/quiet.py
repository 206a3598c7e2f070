"""Drop the notes that TensorFlow writes while it starts on a machine without a GPU.

They come from code that does not look at TF_CPP_MIN_LOG_LEVEL, and a notebook would
show them in red under its first cell. Every other line passes through.
"""

import importlib.abc
import importlib.util
import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

HARMLESS = (
    "All log messages before absl::InitializeLog() is called",
    "Could not find cuda drivers on your machine",
    "oneDNN custom operations are on.",
)

# A process of its own, not a thread: what TensorFlow says before it aborts (for
# example on a processor without AVX) must still arrive.
FILTER = """
import sys
for line in sys.stdin.buffer:
    if not any(note.encode() in line for note in sys.argv[1:]):
        sys.stderr.buffer.write(line)
        sys.stderr.buffer.flush()
"""


class _QuietLoader(importlib.abc.Loader):
    def __init__(self, loader: importlib.abc.Loader):
        self.loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self.loader
        if module.__spec__ is not None:
            module.__spec__.loader = self.loader
        try:
            kept = os.dup(2)
        except OSError:  # a program without a standard error stream
            return self.loader.exec_module(module)
        command = [sys.executable, "-I", "-S", "-c", FILTER, *HARMLESS]
        filtering = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=kept)
        assert filtering.stdin is not None  # it is a pipe
        os.dup2(filtering.stdin.fileno(), 2)
        try:
            self.loader.exec_module(module)
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            filtering.stdin.close()
            filtering.wait(timeout=10)


class _TensorFlowFinder(importlib.abc.MetaPathFinder):
    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        if name != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _QuietLoader(spec.loader)
        return spec


def drop_start_up_notes() -> None:
    """Filter the first import of TensorFlow in this process; do nothing after it."""
    if "tensorflow" not in sys.modules:
        sys.meta_path.insert(0, _TensorFlowFinder())
