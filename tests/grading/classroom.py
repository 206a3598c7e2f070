"""A small exercise without TensorFlow, and submissions of it, for the tests."""

import json
import re
from pathlib import Path

from digitdreams import tasks

STEM = "01_small"
SECRET = "only the course knows"

COURSE = """\
seed = 7

[[lesson]]
id = "01"
name = "small"
title = "A small exercise"
part = "I"
minutes = 1
after = []

[[lesson.exercise]]
name = "held_out_error"
label = "mean squared error on held-out points"
unit = ""
below = 0.05
limit = 0.05
"""

SOURCE = '''\
# %% [markdown]
# # A small exercise
# %%
import numpy as np

from digitdreams.checks import check, hint

# %% [markdown]
# ## Task 1: squares
# %% task="squares"
def squares(values):
    """Return the square of each value."""
    ### BEGIN SOLUTION
    return values**2
    ### END SOLUTION


# %% check="squares"
check(squares)

# %% [markdown]
# ## Task 2: standardise
# %% task="standardise"
def standardise(table):
    """Return each column with mean 0 and standard deviation 1."""
    ### BEGIN SOLUTION
    return (table - table.mean(axis=0)) / table.std(axis=0)
    ### END SOLUTION


# %% check="standardise"
check(standardise)

# %% [markdown]
# ## Task 3: count
# %% task="count"
def count(labels, wanted):
    """Return how many labels are `wanted`, a whole number."""
    ### BEGIN SOLUTION
    return int((labels == wanted).sum())
    ### END SOLUTION


# %% check="count"
check(count)

# %% [markdown]
# ## Fit a line
# %%
rng = np.random.default_rng(7)
places = rng.uniform(-1, 1, 200)
heights = 3 * places - 1 + rng.normal(0, 0.05, 200)

# %% task="fit"
def fit(places, heights):
    """Return slope and intercept of the line of least squares."""
    ### BEGIN SOLUTION
    return np.polyfit(places, heights, 1)
    ### END SOLUTION


# %% check="training" points=4
line = fit(places, heights)
print("error", np.mean((np.polyval(line, places) - heights) ** 2))
'''

TASKS = '''\
import numpy as np

from digitdreams.tasks import Training, task


def square_inputs(rng):
    for size in (3, 8):
        yield {"values": rng.normal(size=size)}


@task(points=2, inputs=square_inputs, hints=["Think.", "Think of **."])
def squares(values):
    return values**2


@squares.wrong("You doubled the values: multiply each by itself.")
def doubled(values):
    return 2 * values


@squares.wrong("You cubed the values: the exponent is 2.")
def cubed(values):
    return values**3


def table_inputs(rng):
    for rows in (4, 9):
        yield {"table": rng.normal(2, 3, size=(rows, 3)).astype("float32")}


@task(points=3, inputs=table_inputs, hints=["Look at axis."])
def standardise(table):
    return (table - table.mean(axis=0)) / table.std(axis=0)


@standardise.wrong("You used the mean of the whole table: use axis=0.")
def over_all(table):
    return (table - table.mean()) / table.std()


@standardise.wrong("Divide by the standard deviation, too.")
def not_divided(table):
    return table - table.mean(axis=0)


def label_inputs(rng):
    for size in (20, 50):
        yield {"labels": rng.integers(0, 4, size=size), "wanted": 2}


@task(points=1, inputs=label_inputs, hints=["Sum the matches."])
def count(labels, wanted):
    return int((labels == wanted).sum())


@count.wrong("You returned the share: return the number.")
def share(labels, wanted):
    return float((labels == wanted).mean())


def line_inputs(rng):
    for size in (10, 30):
        places = rng.uniform(-1, 1, size)
        yield {"places": places, "heights": places * rng.normal() + rng.normal()}


@task(points=2, inputs=line_inputs, hints=["np.polyfit"])
def fit(places, heights):
    return np.polyfit(places, heights, 1)


fit.wrong("Slope first, then intercept.")(
    lambda places, heights: fit(places, heights)[::-1]
)


def held_out(rng):
    places = rng.uniform(-1, 1, 100)
    return {"places": places}, {"heights": 3 * places - 1}


def measure(answer, given, kept):
    answer = np.asarray(answer, "float64")
    if answer.shape != given["places"].shape:
        raise ValueError("one prediction for each place is needed")
    return {"held_out_error": float(np.mean((answer - kept["heights"]) ** 2))}


TRAINING = Training(
    points=4,
    inputs=held_out,
    probe="""
def probe(places):
    return np.polyval(line, places)
""",
    measure=measure,
)
'''

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
BLANK = re.compile(rf"^( *){BEGIN}.*?{END}$", re.MULTILINE | re.DOTALL)


def cells_of(source: str, points: dict[str, int]) -> list[dict]:
    """The cells of a percent text, marked as `digitdreams notebooks` marks them."""
    cells = []
    for number, part in enumerate(re.split(r"^# %%", source, flags=re.MULTILINE)[1:]):
        head, _, text = part.partition("\n")
        if head.strip() == "[markdown]":
            text = re.sub(r"^# ?", "", text.strip(), flags=re.MULTILINE)
            cell = {"cell_type": "markdown", "id": f"text-{number}", "metadata": {}}
            cells.append({**cell, "source": text})
            continue
        options = dict(re.findall(r'(\w+)="?(\w+)"?', head))
        name, marks = f"top-{number}", {}
        if options:
            kind, name = next(iter(options.items()))
            graded = kind == "check"
            marks = {"schema_version": 3, "cell_type": "code", "task": False}
            marks |= {"grade_id": f"check_{name}" if graded else name}
            marks |= {"grade": graded, "locked": graded, "solution": not graded}
            if graded:
                marks["points"] = points.get(name) or int(options["points"])
            name = f"{kind}-{name}"
        cell = {"cell_type": "code", "id": name, "outputs": [], "execution_count": None}
        cell["metadata"] = {"nbgrader": marks} if marks else {}
        cells.append({**cell, "source": text.strip()})
    return cells


def make(root: Path, stem: str = STEM, source: str = SOURCE, specs: str = TASKS):
    """Write the exercise, its solution and its specifications below `root`."""
    folder = root / "sources" / "tasks"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{stem}.py").write_text(specs, encoding="utf-8")
    contract = COURSE.replace('"small"', f'"{stem[3:]}"').replace(
        '"01"', f'"{stem[:2]}"'
    )
    (root / "course.toml").write_text(contract, encoding="utf-8")
    specified = tasks.load(stem, folder)
    cells = cells_of(source, {one.name: one.points for one in specified})
    for kind in ("solutions", "exercises"):
        folder = root / kind / stem
        folder.mkdir(parents=True, exist_ok=True)
        notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        (folder / f"{stem}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
        tasks.write(specified, folder / "checks.json")
        cells = [
            {
                **cell,
                "source": BLANK.sub(r"\1raise NotImplementedError", cell["source"]),
            }
            for cell in cells
        ]
    return root


def solution(root: Path, stem: str = STEM) -> dict:
    """The solution as a dictionary, as JSON has it."""
    path = root / "solutions" / stem / f"{stem}.ipynb"
    return json.loads(path.read_text(encoding="utf-8"))


def blank(root: Path, stem: str = STEM) -> dict:
    """The exercise as it is handed out."""
    path = root / "exercises" / stem / f"{stem}.ipynb"
    return json.loads(path.read_text(encoding="utf-8"))


def put(notebook: dict, name: str, source: str) -> dict:
    """Replace the source of one cell, in place."""
    (cell,) = [one for one in notebook["cells"] if one["id"] == name]
    cell["source"] = source
    return notebook


def add(notebook: dict, source: str, place: int | None = None, **more) -> dict:
    """Add a code cell, at the end unless said otherwise, in place."""
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "source": source}
    cell |= {"id": f"added-{len(notebook['cells'])}", "execution_count": None, **more}
    cells = notebook["cells"]
    cells.insert(len(cells) if place is None else place, cell)
    return notebook


def as_bytes(notebook: dict) -> bytes:
    return json.dumps(notebook).encode()
