"""Honest work has exactly the points that it deserves."""

import classroom
import pytest
from battlefield import FULL, NOTHING, points, states

DIFFERENT = {
    "squares": """
def squares(values):
    return [one * one for one in values.tolist()]
""",
    "standardise": """
def helper(column):
    return (column - np.mean(column)) / np.std(column)

def standardise(table):
    return np.stack([helper(column) for column in table.T], axis=1)
""",
    "count": """
from collections import Counter
count = lambda labels, wanted: np.int64(Counter(labels.tolist())[wanted])
""",
    "fit": """
def fit(places, heights):
    ones = np.stack([places, np.ones_like(places)], axis=1)
    return tuple(np.linalg.lstsq(ones, heights, rcond=None)[0])
""",
}
NOISES = {
    "warnings": "import warnings\nwarnings.warn('old')\nnp.array([1]) / np.array([0])",
    "standard error": "import sys\nprint('E external/log', file=sys.stderr)",
    "standard error past Python": "import os\nos.write(2, b'W0000 tensorflow\\n')",
    "logging": "import logging\nlogging.error('trouble')",
    "much output": "for i in range(5000):\n    print(i, 'x' * 50)",
    "an error in a cell of one's own": "raise ValueError('a try')",
    "a syntax error in a cell of one's own": "for in in in",
    "magics": "%matplotlib inline\n!pip install numpy\nx = 1",
    "time magic": "%%time\nsum(range(10))",
    "display": "display(np.arange(3))\nnp.arange(3)",
    "top-level await": "import asyncio\nawait asyncio.sleep(0.01)",
    "a plain exit": "exit()",
    "a file": "open('notes.txt', 'w').write('mine')\nprint(open('notes.txt').read())",
    "own names": "json = os = sys = signal = wire = checks = None",
    "a thread": "import threading\nthreading.Thread(target=print).start()",
    "slow but allowed": "import time\ntime.sleep(1)",
    "hints and checks": "hint('squares')\ncheck(squares)\nhint('count')",
}


MAGIC = """
%matplotlib inline
%time answer = 6 * 7
value = %time answer + 1
assert (answer, value) == (42, 43)
files = !ls
assert "checks.json" in files
get_ipython().run_line_magic("time", "late = 1")
assert late == 1 and get_ipython().magic("time late + 1") == 2
"""
MAGICS = (
    MAGIC,
    "%%time\n%matplotlib inline\nimport json as j\nx = !ls\ntimed = j.dumps(1)",
    "%%capture said --no-stderr\n%time captured = 1\nprint('quietly')",
    "assert said.stdout.endswith('quietly\\n') and captured == 1 and timed == '1'",
    "%%writefile helper_of_mine.py\ndef double(x):\n    return 2 * x",
    "%%writefile -a helper_of_mine.py\n\ndef triple(x):\n    return 3 * x",
    "from helper_of_mine import double, triple\nassert double(2) + triple(1) == 7",
    "%%timeit\nlost = 1",
    "assert 'lost' not in dir()",
    "%%bash\nprintf 'y = 1' > made.py",
    "from made import y\nassert y == 1",
    "from google.colab import drive, files as f\nimport math\ndrive.mount('/x')",
    "import google.colab\ngoogle.colab.output.clear()\nassert math.pi > 3",
    "import kaggle_secrets\nkaggle_secrets.UserSecretsClient().get_secret('a')",
    "try:\n    import google.colab\n    IN = True\nexcept ImportError:\n    IN = False",
    "assert not IN\nprint('to the end')",
)


def test_magics_and_hosted_lines_do_what_they_do_in_a_notebook(field, root):
    notebook = classroom.solution(root)
    for place, source in enumerate(MAGICS):
        classroom.add(notebook, source, place)
    wrapped = "%%capture\n%time np.zeros(1)\n"
    for cell in notebook["cells"]:
        if cell["id"] in ("task-squares", "task-fit"):
            cell["source"] = wrapped + cell["source"]
    result = field.grade_alone(classroom.as_bytes(notebook))
    assert (points(result), result.notes) == (FULL, [])
    assert "to the end" in result.output


def test_the_solution(field, root):
    result = field.grade_alone(classroom.as_bytes(classroom.solution(root)))
    assert points(result) == FULL
    assert (result.state, result.notes) == ("graded", [])


def test_the_exercise_as_handed_out(field, root):
    result = field.grade_alone(classroom.as_bytes(classroom.blank(root)))
    assert points(result) == NOTHING
    assert result.state == "graded"
    messages = {one.name: one.message for one in result.tasks}
    assert messages["squares"] == messages["fit"] == "not started"


def test_written_differently(field, root):
    notebook = classroom.solution(root)
    for name, source in DIFFERENT.items():
        classroom.put(notebook, f"task-{name}", source)
    assert points(field.grade_alone(classroom.as_bytes(notebook))) == FULL


@pytest.mark.parametrize("done", [1, 2, 3])
def test_half_done(field, root, done):
    notebook = classroom.blank(root)
    right = classroom.solution(root)
    names = list(FULL)[:done]
    for cell in right["cells"]:
        if cell["id"].removeprefix("task-") in names:
            classroom.put(notebook, cell["id"], cell["source"])
    result = field.grade_alone(classroom.as_bytes(notebook))
    assert points(result) == {**NOTHING, **{name: FULL[name] for name in names}}
    assert set(states(result).values()) == {"graded"}


@pytest.mark.parametrize("source", NOISES.values(), ids=NOISES)
def test_noise_costs_nothing(field, root, source):
    notebook = classroom.add(classroom.solution(root), source, place=3)
    if "squares" in source:
        notebook["cells"].append(notebook["cells"].pop(3))
    result = field.grade_alone(classroom.as_bytes(notebook))
    assert points(result) == FULL
    assert result.state == "graded"


# What comes after a task costs none of its points; where it stands, what it does, and
# what it may cost all the same.
LATER = {
    "experiments without end": (None, "while True:\n    pass", {}),
    "experiments before the last cell": (-1, "while True:\n    pass", {"training": 0}),
    "an end of the process": (None, "import os\nos._exit(1)", {}),
    "another function of that name": (None, "def squares(values):\n    return 0", {}),
    "another kind of thing": (None, "squares = count = fit = 3", {}),
    "everything deleted": (None, "%reset -f", {}),
    "a damaged library": (None, "np.std = np.mean = np.polyfit = None", {}),
    "much memory": (None, "kept = b'x' * 10**9", {}),
}


@pytest.mark.parametrize(("place", "source", "lost"), LATER.values(), ids=LATER)
def test_what_comes_later_costs_nothing(field, root, place, source, lost):
    notebook = classroom.solution(root)
    place = place and len(notebook["cells"]) + place
    for _ in range(4):
        classroom.add(notebook, source, place)
    limits = {"wall": 4, "cell": 1.5} if "while" in source else {}
    result = field.grade_alone(classroom.as_bytes(notebook), **limits)
    assert points(result) == {**FULL, **lost}


def test_what_is_mended_later_counts(field, root):
    notebook = classroom.blank(root)
    later = {
        "squares": "def squares(values):\n    return helper(values)",
        "standardise": "def standardise(table):\n    return table * 0",
    }
    for name, source in later.items():
        classroom.put(notebook, f"task-{name}", source)
    classroom.add(notebook, "def helper(values):\n    return values**2")
    right = classroom.solution(root)
    for cell in right["cells"]:
        if cell["id"] in ("task-standardise", "task-fit"):
            classroom.add(notebook, cell["source"])
    classroom.add(notebook, "line = fit(places, heights)")
    result = field.grade_alone(classroom.as_bytes(notebook))
    assert points(result) == {**FULL, "count": 0}


@pytest.mark.parametrize("end", ["1 / 0", "import os; os._exit(1)", "while 1: pass"])
def test_a_given_cell_that_was_spoilt_is_run_as_it_was(field, root, end):
    notebook = classroom.solution(root)
    (cell,) = (cell for cell in notebook["cells"] if cell["id"] == "top-12")
    cell["source"] = f"{end}\n{cell['source']}"
    result = field.grade_alone(classroom.as_bytes(notebook), cell=1.5)
    assert points(result) == FULL
    (note,) = [note for note in result.notes if "top-12" in note]
    assert note.endswith("; the exercise's own was used")


def test_work_beside_a_locked_line_is_not_lost(field, root):
    notebook = classroom.solution(root)
    cells = {cell["id"]: cell for cell in notebook["cells"]}
    work = cells["task-count"]["source"]
    classroom.put(notebook, "task-count", "")
    cells["check-count"]["source"] = f"{work}\n\ncheck(count)\n\nmine = 3"
    cells["check-training"]["source"] += "\nassert mine == 3\nprint('appended')"
    result = field.grade_alone(classroom.as_bytes(notebook))
    assert points(result) == FULL
    assert "appended" in result.output


def test_asking_moves_no_source_of_random_numbers(field, root):
    """What a notebook draws does not depend on what is asked between its cells."""
    notebook = classroom.solution(root)
    source = "def squares(values):\n    np.random.rand()\n    return values**2"
    classroom.add(notebook, "np.random.seed(3)", 2)
    classroom.put(notebook, "task-squares", source)
    classroom.add(notebook, "assert np.random.rand() == 0.5507979025745755")
    result = field.grade_alone(classroom.as_bytes(notebook))
    assert (points(result), result.notes) == (FULL, [])


def test_noise_inside_a_task_costs_nothing(field, root):
    notebook = classroom.solution(root)
    source = """
import sys, warnings
def squares(values):
    warnings.warn("slow")
    print("working", file=sys.stderr)
    print("x" * 100_000)
    return values * values
"""
    classroom.put(notebook, "task-squares", source)
    assert points(field.grade_alone(classroom.as_bytes(notebook))) == FULL


def test_an_answer_that_changes_its_argument_is_told_so(field, root):
    """As in the notebook: what uses the array afterwards would get another one."""
    notebook = classroom.solution(root)
    source = "def squares(values):\n    values *= values\n    return values"
    classroom.put(notebook, "task-squares", source)
    result = field.grade_alone(classroom.as_bytes(notebook))
    assert points(result) == {**FULL, "squares": 0}
    assert "changes its argument 'values'" in result.tasks[0].message


def test_a_known_mistake_is_named(field, root):
    notebook = classroom.solution(root)
    classroom.put(
        notebook, "task-squares", "def squares(values):\n    return 2 * values"
    )
    result = field.grade_alone(classroom.as_bytes(notebook))
    assert points(result) == {**FULL, "squares": 0}
    first = result.tasks[0]
    assert first.mistake == "squares/doubled"
    assert first.message == "You doubled the values: multiply each by itself."


def test_a_poor_training_misses_its_bar(field, root):
    notebook = classroom.solution(root)
    classroom.put(
        notebook, "task-fit", "def fit(a, b):\n    return np.array([3.0, 0.0])"
    )
    result = field.grade_alone(classroom.as_bytes(notebook))
    assert points(result) == {**FULL, "fit": 0, "training": 0}
    assert "missed" in result.tasks[-1].message


def test_windows_line_ends_and_a_byte_order_mark(field, root):
    notebook = classroom.solution(root)
    for cell in notebook["cells"]:
        cell["source"] = cell["source"].replace("\n", "\r\n")
    content = b"\xef\xbb\xbf" + classroom.as_bytes(notebook)
    assert points(field.grade_alone(content)) == FULL


def test_the_same_file_has_the_same_result_again(field, root):
    notebook = classroom.solution(root)
    classroom.put(notebook, "task-count", "def count(labels, wanted):\n    return 3")
    content = classroom.as_bytes(notebook)
    first, second = field.grade_alone(content), field.grade_alone(content)
    assert first.tasks == second.tasks
