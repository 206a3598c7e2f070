"""Attacks on the mark itself: forged answers, changed cells, patched libraries."""

import json

import classroom
import pytest
from battlefield import BRIEF, FULL, NOTHING, WRONG, points, states

EVERY_TASK = ("squares", "standardise", "count", "fit")

# Each of these is the body of every function of the submission.
ANSWERS = {
    "always-equal object": """
    class Equal:
        def __eq__(self, other): return True
        def __ne__(self, other): return False
        def __array__(self, *args, **kwargs): return np.zeros(3)
        def __len__(self): return 3
        def __getattr__(self, name): return Equal()
    return Equal()
""",
    "always-equal array": """
    class Equal(np.ndarray):
        def __eq__(self, other): return np.ones(self.shape, bool)
        def __array_ufunc__(self, *args, **kwargs): return True
        def __array_function__(self, *args, **kwargs): return True
    return np.zeros(3).view(Equal)
""",
    "always-equal number": """
    class Equal(float):
        def __eq__(self, other): return True
        def __sub__(self, other): return 0.0
        __rsub__ = __sub__
    return Equal(1)
""",
    "always-equal text": """
    class Equal(str):
        def __eq__(self, other): return True
        __hash__ = str.__hash__
    return Equal("right")
""",
    "NaN": "    return np.full(3, np.nan)",
    "NaN as a number": "    return float('nan')",
    "infinity": "    return np.full(3, np.inf)",
    "masked": "    return np.ma.masked_all(3)",
    "huge number": "    return 10**5000",
    "huge float": "    return 1e308 * 10",
    "huge array": "    return np.zeros(30_000_000)",
    "very many parts": "    return [[0.0] * 1000 for _ in range(1000)]",
    "huge shape": "    return np.broadcast_to(0.0, (2**40,))",
    "empty shape": "    return np.zeros((0, 2**62))",
    "structured": "    return np.zeros(3, [('a', 'f8'), ('b', 'O')])",
    "objects": "    return np.array([object(), None, 'x'])",
    "texts": "    return np.array(['0', '1', '2'])",
    "complex": "    return np.zeros(3, complex)",
    "dates": "    return np.zeros(3, 'datetime64[s]')",
    "long texts": "    return ['x' * 900_000] + ['a'] * 10_000",
    "nested without end": "    a = []\n    a.append(a)\n    return a",
    "deep": """
    a = []
    for _ in range(100_000):
        a = [a]
    return a
""",
    "generator": "    return (one for one in ())",
    "endless generator": "    import itertools\n    return itertools.count()",
    "evil on conversion": """
    class Evil:
        def __array__(self, *args, **kwargs):
            import os
            os._exit(0)
        __repr__ = __str__ = __float__ = __array__
    return Evil()
""",
    "evil dictionary": """
    class Evil(dict):
        def items(self):
            while True:
                yield "a", 1
    return Evil(a=1)
""",
    "evil error": """
    class Evil(Exception):
        def __str__(self):
            while True:
                pass
    raise Evil
""",
    "evil name of an error": """
    class Meta(type):
        __name__ = property(lambda self: 1 / 0)
    class Evil(Exception, metaclass=Meta):
        pass
    raise Evil
""",
    "an error as the answer": "    return {'raised': 'ValueError', 'saying': ''}",
    "pickle payload": """
    class Payload:
        def __reduce__(self):
            import os
            return os.system, ("touch /tmp/attack-pickle",)
    return Payload()
""",
    "pickled bytes": """
    import pickle
    return pickle.dumps(print)
""",
    "the expected result": """
    import gc, sys
    for one in gc.get_objects():
        if isinstance(one, dict) and ("expected" in one or "reference" in one):
            return one.get("expected", one.get("reference"))
    frame = sys._getframe()
    while frame:
        for name in ("expected", "wanted", "reference"):
            if name in frame.f_locals:
                return frame.f_locals[name]
        frame = frame.f_back
    return None
""",
    "the input history": """
    return eval((In if "In" in globals() else get_ipython().history_manager)[-1])
""",
    "the checks on disk": """
    import json
    content = json.load(open("checks.json"))
    cases = next(iter(content["tasks"].values()))["expected"]
    first = cases[0]
    return np.array(first["values"]) if isinstance(first, dict) else first
""",
}

# Each of these is a cell of its own, before the (wrong) answers.
CELLS = {
    "syntax tree transformer": """
import ast, builtins, IPython
class Drop(ast.NodeTransformer):
    def visit_Assert(self, node): return None
    def visit_Raise(self, node): return ast.Pass()
kept = builtins.compile
def compile_(source, *args, **kwargs):
    return kept(source, *args, **kwargs)
builtins.compile = compile_
try:
    get_ipython().ast_transformers.append(Drop())
except AttributeError:
    pass
""",
    "input transformer": """
try:
    get_ipython().input_transformers_post.append(lambda lines: ["pass\\n"])
except AttributeError:
    pass
import IPython.core.inputtransformer2 as transformer
transformer.TransformerManager.transform_cell = lambda self, cell: "pass"
""",
    "display hook": """
import sys
sys.displayhook = lambda value: print(2.0)
try:
    get_ipython().displayhook(2.0)
except AttributeError:
    pass
display({"text/plain": "2.0"}, 2.0)
print(2.0)
print("right")
""",
    "patched run_cell": """
import IPython
IPython.InteractiveShell.run_cell = lambda *args, **kwargs: None
for name in ("run_cell", "run_task", "timed", "answer", "run_probe"):
    for module in list(__import__("sys").modules.values()):
        if hasattr(module, name):
            setattr(module, name, lambda *args, **kwargs: None)
""",
    "patched json": """
import json
json.dumps = lambda *args, **kwargs: '{"value": ["bool", true]}'
json.loads = lambda *args, **kwargs: {}
json.JSONEncoder.encode = json.dumps
""",
    "patched numpy": """
import numpy as np
for name in ("isclose", "allclose", "array_equal", "asarray", "equal", "mean", "std"):
    setattr(np, name, lambda *args, **kwargs: True)
np.testing.assert_allclose = lambda *args, **kwargs: None
""",
    "patched check package": """
from digitdreams import checks
checks.matches = lambda *args, **kwargs: True
checks.difference = lambda *args, **kwargs: None
checks.judge = lambda *args, **kwargs: None
checks.check = lambda *args, **kwargs: print("right")
checks.observe = lambda *args, **kwargs: True
checks.outcome = lambda *args, **kwargs: {"raised": "ValueError"}
""",
    "patched course": """
import sys, types
for name in ("digitdreams.course", "digitdreams.tasks", "digitdreams.grading.marking"):
    sys.modules[name] = types.ModuleType(name)
""",
    "patched wire": """
from digitdreams.grading import wire
wire.pack = lambda value, payload, depth=0: ["bool", True]
""",
    "patched os and signal": """
import os, signal
os._exit = lambda code: None
os.write = lambda number, content: len(content)
signal.setitimer = lambda *args: None
""",
    "forged points": """
print("### points: 12 / 12")
score = points = grade = 12
import json
json.dump({"points": 12, "state": "graded"}, open("result.json", "w"))
""",
    "wrapped functions": """
import builtins
kept = builtins.__build_class__
class Everything(dict):
    def __missing__(self, key): return 12
globals().setdefault("__getattr__", lambda name: 12)
""",
}

# Messages on the channel to the grader, written by the student's code.
FORGE = """
import os, sys
from digitdreams.grading import wire
def channels():
    for number in range(3, 64):
        try:
            if "pipe" in os.readlink(f"/proc/self/fd/{number}"):
                yield number
        except OSError:
            pass
def forge(*messages):
    for number in channels():
        for one in messages:
            try:
                os.write(number, one)
            except OSError:
                pass
def claim(value):
    return wire.message(value=value)
message = wire.message
"""
FORGED = {
    "a whole conversation": """
answers = [message(ended=None), message(ready=True)]
for name in ("squares", "standardise", "count", "fit", "training"):
    answers += [message(task=name), claim(1.0), claim(True), message(ended=None)]
forge(*answers, message(finished=True))
os._exit(0)
""",
    "a conversation in step": """
answers = [message(ended=None)]
for name in range(6):
    answers += [message(cell=str(name)), message(ended=None)]
for name in ("squares", "standardise", "count", "fit"):
    answers += [message(task=name), claim(-7.0), claim(-7.0), message(ended=None)]
answers += [message(task="training"), claim(None), message(ended=None)]
forge(*answers, message(finished=True))
os._exit(0)
""",
    "an early end": "forge(message(finished=True))",
    "points": "forge(message(points=12, state='graded'))",
    "unknown words": "forge(message(value={'points': 12}, task='squares'))",
    "no dictionary": "forge(wire.HEAD.pack(2, 0) + b'[]')",
    "NaN in JSON": "forge(wire.HEAD.pack(14, 0) + b'{\"value\": NaN }')",
    "floats in JSON": "forge(wire.HEAD.pack(16, 0) + b'{\"value\": 1e999}')",
    "nonsense": "forge(os.urandom(5000))",
    "a length without end": "forge(b'\\xff' * 64)",
    "deeply nested JSON": "forge(wire.HEAD.pack(60_000, 0) + b'[' * 60_000)",
    "wrong counts": (
        "import json\n"
        "tree = json.dumps({'value': ['array', '<f8', [10**9]]}).encode()\n"
        "forge(wire.HEAD.pack(len(tree), 8) + tree + bytes(8))"
    ),
    "an array of objects": (
        "import json, pickle\n"
        "tree = json.dumps({'value': ['array', '|O', [1]]}).encode()\n"
        "body = pickle.dumps([print])\n"
        "forge(wire.HEAD.pack(len(tree), len(body)) + tree + body)"
    ),
    "arrays in place of words": """
import numpy as np
answers = [message(ended=None)]
for name in range(6):
    answers += [message(cell=str(name)), message(ended=None)]
pair = np.arange(2)
answers += [message(task="squares"), message(undefined=pair), message(ended=None)]
answers += [message(task="count"), message(raised={"type": pair, "text": pair})]
forge(*answers)
os._exit(0)
""",
    "flood": "while True:\n    forge(message(cell='x' * 50_000))",
    "slow drip": """
import threading, time
def drip():
    while True:
        forge(b"\\x00")
        time.sleep(0.05)
threading.Thread(target=drip, daemon=True).start()
""",
    "answers from a second process": """
if os.fork() == 0:
    import time
    for _ in range(200):
        forge(claim(1.0), message(ended=None), message(task="count"))
        time.sleep(0.001)
    os._exit(0)
""",
}


def all_tasks(notebook: dict, body: str) -> dict:
    """Make `body` the answer to every task."""
    arguments = {
        "squares": "values",
        "standardise": "table",
        "count": "labels, wanted",
        "fit": "places, heights",
    }
    for name in EVERY_TASK:
        source = f"def {name}({arguments[name]}):\n{body.strip(chr(10))}\n"
        classroom.put(notebook, f"task-{name}", source)
    return notebook


@pytest.mark.parametrize("body", ANSWERS.values(), ids=ANSWERS)
def test_answers(field, wrong, body):
    limits = {**BRIEF, "cell": 1, "task": 0.5}
    result = field.grade_alone(classroom.as_bytes(all_tasks(wrong, body)), **limits)
    assert points(result) == NOTHING
    json.dumps(result.as_dict(), allow_nan=False)


@pytest.mark.parametrize("source", CELLS.values(), ids=CELLS)
def test_cells(field, wrong, source):
    notebook = classroom.add(wrong, source, place=2)
    result = field.grade_alone(classroom.as_bytes(notebook))
    assert points(result) == NOTHING


@pytest.mark.parametrize("source", FORGED.values(), ids=FORGED)
def test_forged_messages(field, wrong, source):
    notebook = classroom.add(wrong, FORGE + source, place=2)
    result = field.grade_alone(classroom.as_bytes(notebook))
    assert points(result) == NOTHING


def test_forged_messages_keep_what_is_right(field, root):
    """A forger cannot earn more than the right answers are worth."""
    notebook = classroom.solution(root)
    classroom.put(notebook, "task-squares", WRONG["squares"])
    classroom.add(notebook, FORGE + FORGED["a conversation in step"], place=2)
    result = field.grade(classroom.as_bytes(notebook))
    assert points(result)["squares"] == 0


@pytest.mark.parametrize("right", [True, False], ids=["right", "wrong"])
class TestTampering:
    """Marks depend on the answers alone, however the notebook is dressed up."""

    @pytest.fixture
    def notebook(self, right, root, wrong):
        return classroom.solution(root) if right else wrong

    @pytest.fixture
    def deserved(self, right):
        return FULL if right else NOTHING

    def check(self, field, notebook, deserved):
        result = field.grade_alone(classroom.as_bytes(notebook))
        assert points(result) == deserved
        return result

    def test_deleted_checks(self, field, notebook, deserved):
        notebook["cells"] = [
            one for one in notebook["cells"] if not one["id"].startswith("check-")
        ]
        result = self.check(field, notebook, deserved)
        assert "the cell check-squares is missing" in result.notes

    def test_edited_checks(self, field, notebook, deserved):
        for cell in notebook["cells"]:
            if cell["id"].startswith("check-"):
                cell["source"] = "line = [3, -1]\nprint('all right')"
        result = self.check(field, notebook, deserved)
        assert any("was changed" in note for note in result.notes)

    def test_stripped_metadata(self, field, notebook, deserved):
        notebook["metadata"] = {}
        for cell in notebook["cells"]:
            cell["metadata"] = {}
        self.check(field, notebook, deserved)

    def test_flagged(self, field, notebook, deserved):
        for cell in notebook["cells"]:
            marks = cell["metadata"].get("nbgrader")
            if marks:
                marks |= {"grade": not marks["grade"], "locked": False}
                marks |= {"solution": not marks["solution"], "checksum": "0"}
        self.check(field, notebook, deserved)

    def test_changed_points(self, field, notebook, deserved):
        for cell in notebook["cells"]:
            if "nbgrader" in cell["metadata"]:
                cell["metadata"]["nbgrader"]["points"] = 1000
        result = self.check(field, notebook, deserved)
        assert result.max_points == 12

    def test_tags(self, field, notebook, deserved):
        for cell in notebook["cells"]:
            cell["metadata"]["tags"] = ["skip-execution", "raises-exception"]
        self.check(field, notebook, deserved)

    def test_doubled(self, field, notebook, deserved):
        notebook["cells"] = [one for one in notebook["cells"] for _ in range(2)]
        result = self.check(field, notebook, deserved)
        assert "the cell task-count is there more than once" in result.notes

    def test_no_ids(self, field, notebook, deserved):
        for cell in notebook["cells"]:
            del cell["id"]
        result = self.check(field, notebook, deserved)
        assert result.notes == []

    def test_forged_time(self, field, notebook, deserved):
        notebook["metadata"] |= {"timestamp": "1999-01-01", "grade": 12}
        source = "import time\ntime.time = time.monotonic = lambda: 0.0"
        classroom.add(notebook, source, place=2)
        self.check(field, notebook, deserved)

    def test_other_kernel(self, field, notebook, deserved):
        notebook["metadata"]["kernelspec"] = {
            "name": "attack",
            "language": "bash",
            "argv": ["touch", "/tmp/attack-kernel"],
        }
        self.check(field, notebook, deserved)

    def test_stored_outputs(self, field, notebook, deserved):
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                cell["outputs"] = [
                    {
                        "output_type": "execute_result",
                        "data": {"text/plain": "2.0", "image/png": "A" * 500_000},
                        "metadata": {},
                        "execution_count": 1,
                    }
                ]
        result = self.check(field, notebook, deserved)
        assert "AAAA" not in str(result.as_dict())


def test_moved_cells(field, root):
    notebook = classroom.solution(root)
    cells = notebook["cells"]
    cells.append(
        cells.pop(next(i for i, c in enumerate(cells) if c["id"] == "task-fit"))
    )
    result = field.grade_alone(classroom.as_bytes(notebook))
    assert "the cell task-fit was moved" in result.notes
    # The line is fitted before the function is there: only that is lost.
    assert points(result) == {**FULL, "training": 0}


def test_deleted_tasks(field, root):
    notebook = classroom.solution(root)
    notebook["cells"] = [c for c in notebook["cells"] if c["id"] != "task-count"]
    result = field.grade_alone(classroom.as_bytes(notebook))
    assert points(result) == {**FULL, "count": 0}
    assert states(result)["count"] == "missing"
    assert "the cell task-count is missing" in result.notes


@pytest.mark.parametrize("kind", ["raw", "markdown", "attack", None, 7])
def test_cells_of_another_type(field, root, kind):
    notebook = classroom.solution(root)
    for cell in notebook["cells"]:
        if cell["id"] == "task-count":
            cell["cell_type"] = kind
    result = field.grade_alone(classroom.as_bytes(notebook))
    assert points(result) == {**FULL, "count": 0}
    assert states(result)["count"] == "missing"
    assert "the cell task-count is not a code cell any more" in result.notes


MARKUP = "<script>alert(1)</script><img src=x onerror=alert(1)>\x1b[31m\x00\u202e"


def test_markup_stays_text(field, wrong):
    """What is shown is plain text; whoever makes a page of it has to escape it."""
    classroom.add(wrong, f"display({MARKUP!r})\nprint({MARKUP!r})", place=2)
    source = f"def squares(values):\n    raise ValueError({MARKUP!r})"
    classroom.put(wrong, "task-squares", source)
    result = field.grade(classroom.as_bytes(wrong))
    assert points(result) == NOTHING
    assert "<script>" in result.output
    for text in (result.output, *[one.message for one in result.tasks]):
        assert all(one.isprintable() or one in "\n\t" for one in text)
