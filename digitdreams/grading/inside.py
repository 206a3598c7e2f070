"""The program inside the sandbox: run a notebook's cells, call its functions.

It is started with a job on standard input (one message, see `wire`), writes messages
to standard output, and shares its process with the student's code. So nothing that it
writes is trusted, and nothing that it reads is secret: neither references nor
expected results ever come here.
"""

import ast
import importlib.abc
import inspect
import linecache
import os
import re
import resource
import signal
import sys
import types
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from typing import Any, NoReturn

from digitdreams import checks
from digitdreams.grading import wire

SHORT = 300  # characters of an error's text
Namespace = dict[str, Any]  # of the notebook


class OutOfTime(BaseException):
    """A cell or task used up its seconds. Not an Exception: `except Exception` in
    the student's loop shall not hold it up."""


def out_of_time(*_: object) -> NoReturn:
    raise OutOfTime


def bound(limits: dict[str, int]) -> None:
    """Set the limits of this process and of all that it starts, for good."""
    for name, value in limits.items():
        number = getattr(resource, name)
        hard = resource.getrlimit(number)[1]
        if hard != resource.RLIM_INFINITY:
            value = min(value, hard)
        resource.setrlimit(number, (value, value))


class Channel:
    """Where messages go; the standard output itself belongs to the student."""

    def __init__(self) -> None:
        self.number = os.dup(1)
        os.dup2(2, 1)

    def send(self, **fields: Any) -> None:
        self.write(wire.message(**fields))

    def write(self, content: bytes) -> None:
        while content:
            content = content[os.write(self.number, content) :]


def read_job() -> wire.Message:
    with open(0, "rb", closefd=False) as stream:
        header, body = wire.HEAD.unpack(stream.read(wire.HEAD.size))
        job = wire.read(stream.read(header), stream.read(body), sys.maxsize)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    return job


def describe(error: BaseException) -> dict[str, str]:
    """The type and the text of an error as plain text."""
    try:
        text = str(error)[:SHORT]
    except Exception:
        text = ""
    line = None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename.startswith("<cell "):
            line = trace.tb_lineno
        trace = trace.tb_next
    if isinstance(error, SyntaxError):
        line = error.lineno
    found = {"type": str(type(error).__name__)[:80], "text": str(text)}
    return found if line is None else {**found, "line": str(line)}


class Absent(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Stands in for the modules of the course that are not shown here.

    A line that imports several modules at once goes on; only the use of one that is
    missing fails.
    """

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None = None,
        target: types.ModuleType | None = None,
    ) -> ModuleSpec | None:
        return ModuleSpec(name, self) if name.startswith("digitdreams.") else None

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        if module.__name__ == STAND_IN:
            module.__dict__["__getattr__"] = Nothing().__getattr__
            return

        def missing(attribute: str) -> NoReturn:
            if attribute.startswith("__"):
                raise AttributeError(attribute)
            raise ImportError(
                f"{module.__name__} is not there while an exercise is graded: "
                f"{attribute} has to be your own"
            )

        module.__dict__["__getattr__"] = missing


# Cells ------------------------------------------------------------------------------


HOSTED = ("google.colab", "kaggle_secrets", "kaggle_datasets", "kaggle_web_client")
STAND_IN = "digitdreams.hosted"  # imported in place of these, see `without_hosts`


class Nothing:
    """Stands in for what a host's notebooks can import: it does nothing, quietly."""

    def __call__(self, *_: object, **__: object) -> "Nothing":
        return self

    def __getattr__(self, name: str) -> "Nothing":
        if name.startswith("__"):
            raise AttributeError(name)
        return self


class Shell:
    """What is left of `get_ipython()` here: code in magics runs as in a notebook.

    Magics that do something else are ignored.
    """

    def __init__(self, namespace: Namespace):
        self.namespace = namespace
        self.user_ns = namespace

    def run_line_magic(self, name: str, line: str, *_: Any, **__: Any) -> Any:
        if name in ("time", "prun") and line.strip():
            return self.run(line, name)
        print(f"(%{name} is ignored while grading)", file=sys.stderr)
        return None

    def run_cell_magic(self, name: str, line: str, cell: str) -> Any:
        if name in ("time", "prun"):
            return self.run(cell, name)
        if name == "capture":
            return self.capture(line, cell)
        if name in ("writefile", "file"):
            return self.write(line.split(), cell)
        if name == "timeit":
            kept = {**self.namespace}  # what it assigns is gone, as in a notebook
            exec(compiled(cell, "<%%timeit>"), kept)
            return None
        return self.run_line_magic(name, "")

    def run(self, source: str, name: str) -> Any:
        """Run code; return its value where it is an expression."""
        try:
            code = compile(source.strip(), f"<%{name}>", "eval")
        except SyntaxError:
            exec(compiled(source, f"<%{name}>"), self.namespace)
            return None
        return eval(code, self.namespace)

    def capture(self, line: str, cell: str) -> None:
        from IPython.utils.capture import capture_output

        with capture_output() as captured:
            self.run(cell, "capture")
        for word in line.split():
            if word.isidentifier():
                self.namespace[word] = captured

    def write(self, words: list[str], cell: str) -> None:
        mode = "a" if "-a" in words or "--append" in words else "w"
        with open(words[-1].strip("\"'"), mode, encoding="utf-8") as stream:
            stream.write(cell)

    def magic(self, line: str) -> Any:
        name, _, rest = line.lstrip("%").partition(" ")
        return self.run_line_magic(name, rest)

    def system(self, command: str) -> None:
        print("(! commands are ignored while grading)", file=sys.stderr)

    def getoutput(self, command: str, *_: Any, **__: Any) -> list[str]:
        self.system(command)
        return []


class WithoutHosts(ast.NodeTransformer):
    """Lets a host's import line at the top level stand for nothing.

    In a `try` it fails, as on any other machine.
    """

    def visit_Module(self, node: ast.Module) -> ast.Module:
        node.body = [self.replaced(one) for one in node.body]
        return node

    def replaced(self, node: ast.stmt) -> ast.stmt:
        if isinstance(node, ast.ImportFrom) and is_hosts(str(node.module)):
            names = node.names
        elif isinstance(node, ast.Import) and any(is_hosts(a.name) for a in node.names):
            if len(node.names) > 1:
                return node
            (alias,) = node.names
            names = [ast.alias(alias.name.partition(".")[0], alias.asname)]
        else:
            return node
        made = ast.ImportFrom(STAND_IN, names, 0)
        return ast.copy_location(made, node)


def is_hosts(module: str) -> bool:
    return any(module == host or module.startswith(f"{host}.") for host in HOSTED)


def compiled(source: str, name: str) -> types.CodeType:
    """Compile a cell; IPython's own syntax is translated where there is some."""
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT

    def attempt(text: str) -> types.CodeType:
        linecache.cache[name] = (len(text), None, text.splitlines(True), name)
        if not any(host in text for host in HOSTED):
            return compile(text, name, "exec", flags, dont_inherit=True)
        tree = compile(text, name, "exec", flags | ast.PyCF_ONLY_AST, dont_inherit=True)
        tree = ast.fix_missing_locations(WithoutHosts().visit(tree))
        return compile(tree, name, "exec", flags, dont_inherit=True)

    try:
        return attempt(source)
    except SyntaxError as error:
        if not any(line.lstrip()[:1] in "%!?" for line in source.splitlines()) and not (
            re.search(r"=\s*[%!]", source)
        ):
            raise
        first = error
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        return attempt(TransformerManager().transform_cell(source))
    except SyntaxError:
        raise first from None


def run_cell(source: str, name: str, namespace: Namespace) -> None:
    code = compiled(source, f"<cell {name}>")
    if code.co_flags & inspect.CO_COROUTINE:
        import asyncio  # slow to import, and hardly any cell needs it

        asyncio.run(eval(code, namespace))
    else:
        exec(code, namespace)


def timed(
    milliseconds: int, function: Callable[..., object], *arguments: Any
) -> dict[str, str] | None:
    """Call a function for so long at most; return its error, if any."""
    try:
        signal.signal(signal.SIGALRM, out_of_time)
        signal.setitimer(signal.ITIMER_REAL, milliseconds / 1000, 0.5)
        try:
            function(*arguments)
        except OutOfTime:
            raise
        except BaseException as error:
            return describe(error)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    except OutOfTime as error:
        signal.setitimer(signal.ITIMER_REAL, 0)
        return describe(error)
    return None


# Tasks ------------------------------------------------------------------------------


def answer(function: Callable[..., Any], how: str, case: wire.Message) -> bytes:
    """The message that tells what the student's function does with one case."""
    try:
        return wire.answer(checks.observe(how, function, case))
    except NotImplementedError as error:
        if checks.blank(error):
            return wire.message(blank=True)
        return wire.message(raised=describe(error))
    except (checks.CheckFailed, wire.WireError) as error:
        return wire.message(unfit=str(error)[:SHORT])
    except OutOfTime:
        raise
    except BaseException as error:
        return wire.message(raised=describe(error))


def run_task(task: wire.Message, namespace: Namespace, channel: Channel) -> None:
    function = namespace.get(task["name"])
    if function is None:
        channel.send(undefined=True)
        return
    for case in task["cases"]:
        channel.write(answer(function, task["observe"], case))


def run_probe(probe: wire.Message, namespace: Namespace, channel: Channel) -> None:
    run_cell(probe["source"], "probe", namespace)
    value = namespace["probe"](**probe["given"])
    channel.send(value=checks.plain(value))


def main() -> None:
    channel = Channel()
    job = read_job()
    bound(job["limits"])
    for folder in ("home", "tmp"):
        os.makedirs(folder, exist_ok=True)
    for name, content in job["files"].items():
        with open(name, "wb") as stream:
            stream.write(content.tobytes())
    module = types.ModuleType("__main__")
    namespace = module.__dict__
    shell = Shell(namespace)
    namespace["get_ipython"] = lambda: shell
    namespace["display"] = print
    sys.meta_path.append(Absent())
    sys.path.insert(0, os.getcwd())  # as in a notebook: what it wrote can be imported
    kept = sys.modules["__main__"]
    sys.modules["__main__"] = module
    channel.send(ready=True)
    for cell in job["cells"]:
        channel.send(cell=cell["name"])
        error = timed(
            job["cell_milliseconds"], run_cell, cell["source"], cell["name"], namespace
        )
        channel.send(ended=error)
    for printed in (sys.stdout, sys.stderr):
        timed(1000, printed.flush)
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), 1)
        os.dup2(nothing.fileno(), 2)
    for task in job["tasks"]:
        channel.send(task=task["name"])
        run = run_task if "cases" in task else run_probe
        error = timed(job["task_milliseconds"], run, task, namespace, channel)
        channel.send(ended=error)
    channel.send(finished=True)
    del kept
    os._exit(0)


if __name__ == "__main__":
    main()
