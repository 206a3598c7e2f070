"""The program inside the sandbox: run a notebook's cells, call its functions.

It is started with a job on standard input (one message, see `wire`), writes messages
to standard output, and shares its process with the student's code. So nothing that it
writes is trusted, and nothing that it reads is secret: neither references nor
expected results ever come here.
"""

import ast
import contextlib
import functools
import importlib.abc
import inspect
import linecache
import os
import random
import resource
import signal
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import ModuleSpec
from typing import Any, NoReturn

import numpy as np

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


def add_shell(module: types.ModuleType) -> None:
    """Let a notebook find its shell. It is slow to import, and few ask for it."""

    @functools.cache
    def get_ipython() -> Any:
        from digitdreams.grading import shell

        return shell.make(module)

    def display(*objects: object, **options: Any) -> Any:
        get_ipython()
        from IPython.display import display

        return display(*objects, **options)

    module.__dict__.update(get_ipython=get_ipython, display=display)


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
        if not any(sign in source for sign in "%!?"):
            raise
        first = error
    from IPython.core.inputtransformer2 import TransformerManager

    try:
        return attempt(TransformerManager().transform_cell(source))
    except SyntaxError:
        raise first from None


def run_cell(source: str, name: str, namespace: Namespace) -> None:
    if "IPython" in source and callable(namespace.get("get_ipython")):
        namespace["get_ipython"]()  # IPython's own functions look for a shell
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
    theirs = {**namespace}
    try:
        run_cell(probe["source"], "probe", namespace)
        value = namespace["probe"](**probe["given"])
    finally:
        namespace.pop("probe", None)
        if "probe" in theirs:
            namespace["probe"] = theirs["probe"]
    channel.send(value=checks.plain(value))


Parts = dict[str, Any]  # what a function's answer hangs on, by name
PLAIN = (types.ModuleType, types.BuiltinFunctionType, int, float, str, type(None))


def parts_of(function: object, namespace: Namespace) -> Parts | None:
    """What a function calls by name in the notebook; None where that is not known."""
    found: Parts = {"": function}
    waiting = [function]
    while waiting:
        one = waiting.pop()
        if type(one) is not types.FunctionType or one.__closure__:
            return None
        for name in names_in(one.__code__) & namespace.keys() - found.keys():
            found[name] = part = namespace[name]
            if not is_fixed(part, namespace):
                waiting.append(part)
    return found


def is_fixed(value: object, namespace: Namespace) -> bool:
    """Whether a value is none of the notebook's own, or one that never changes."""
    if type(value) is types.FunctionType:
        return value.__globals__ is not namespace
    if type(value) is type:
        return value.__module__ != "__main__"
    return type(value) in PLAIN


def names_in(code: types.CodeType) -> set[str]:
    inner = [one for one in code.co_consts if type(one) is types.CodeType]
    return {*code.co_names}.union(*map(names_in, inner))


class Asking:
    """Asks for the tasks: each as soon as its cell has run, and at the end once more.

    What comes after a task's cell can cost none of its points, and what makes it right
    later counts, too. At the end only what may have changed is asked again.
    """

    def __init__(self, job: wire.Message, namespace: Namespace, channel: Channel):
        self.tasks: list[wire.Message] = job["tasks"]
        self.milliseconds: int = job["task_milliseconds"]
        self.namespace = namespace
        self.channel = channel
        self.parts: dict[str, Parts | None] = {}  # when it was last asked
        self.settled: set[str] = set()  # not asked again, whatever comes

    def after(self, cell: str) -> None:
        for task in self.tasks:
            if cell in task["after"] and self.is_there(task):
                self.ask(task)

    def is_there(self, task: wire.Message) -> bool:
        return "cases" not in task or self.namespace.get(task["name"]) is not None

    def at_the_end(self) -> None:
        for task in self.tasks:
            before = self.parts.get(task["name"])
            if before is None or before != self.parts_now(task):
                self.ask(task)

    def parts_now(self, task: wire.Message) -> Parts | None:
        with contextlib.suppress(Exception):
            return parts_of(self.namespace.get(task["name"]), self.namespace)
        return None

    def ask(self, task: wire.Message) -> None:
        name = task["name"]
        if name in self.settled:
            return
        self.channel.send(task=name)
        run = run_task if "cases" in task else run_probe
        with silence(), same_chance():
            error = timed(self.milliseconds, run, task, self.namespace, self.channel)
        self.channel.send(ended=error)
        if (error or {}).get("type") == "OutOfTime" or (
            error is None and "cases" not in task
        ):
            self.settled.add(name)
        self.parts[name] = self.parts_now(task) if error is None else None


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Nothing that a task prints is kept."""
    flush()
    with contextlib.ExitStack() as stack, open(os.devnull, "wb") as nothing:
        for number in (1, 2):
            with contextlib.suppress(OSError):  # the notebook may have closed it
                copy = os.dup(number)
                stack.callback(os.close, copy)
                stack.callback(os.dup2, copy, number)
                os.dup2(nothing.fileno(), number)
        stack.callback(flush)
        yield


def flush() -> None:
    timed(1000, lambda: sys.stdout.flush())
    timed(1000, lambda: sys.stderr.flush())


@contextlib.contextmanager
def same_chance() -> Iterator[None]:
    """Asking a task moves no source of random numbers of the notebook."""
    ours, numpys = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(ours)
        np.random.set_state(numpys)


def run_submitted(
    cell: wire.Message, milliseconds: int, namespace: Namespace, channel: Channel
) -> None:
    """Run a cell; where a given one was changed and fails, the exercise's own."""
    name = cell["name"]
    channel.send(cell=name)
    error = timed(milliseconds, run_cell, cell["source"], name, namespace)
    channel.send(ended=error)
    if error and cell["own"] is not None:
        channel.send(fallback=name)
        error = timed(milliseconds, run_cell, cell["own"], name, namespace)
        channel.send(ended=error)


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
    add_shell(module)
    sys.meta_path.append(Absent())
    sys.path.insert(0, os.getcwd())  # as in a notebook: what it wrote can be imported
    kept = sys.modules["__main__"]
    sys.modules["__main__"] = module
    asking = Asking(job, namespace, channel)
    channel.send(ready=True)
    for cell in job["cells"]:
        run_submitted(cell, job["cell_milliseconds"], namespace, channel)
        asking.after(cell["name"])
    asking.at_the_end()
    flush()
    channel.send(finished=True)
    del kept
    os._exit(0)


if __name__ == "__main__":
    main()
