"""How fast grading is, what it holds in memory, and whether a killed worker harms.

    python benchmarks/grading.py [--students 200] [class] [queue] [training]

prints what was measured beside its bar. The bars are meant for two cores that do
nothing else.
"""

import argparse
import contextlib
import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1] / "tests" / "grading"))

import classroom  # noqa: E402

from digitdreams import course  # noqa: E402
from digitdreams.grading import grader, schedule  # noqa: E402
from digitdreams.grading.exercise import Exercise  # noqa: E402
from digitdreams.grading.marking import grade  # noqa: E402

CLASS = 200
QUEUE = 1000
QUEUE_SECONDS = 45  # of grading, while the rest waits
PADDING = 300_000  # bytes of pictures in each waiting notebook
TRAINING_SECONDS = 30
BARS = {
    "class": ("small submissions a minute", "at least", 100),
    "queue": ("MB for scheduler and writer, 1,000 in the queue", "at most", 1000),
    "training": ("% over the plain run of a 30 s training", "at most", 20),
}


# A class of known marks ---------------------------------------------------------------


def put(name: str, source: str):
    return lambda notebook: classroom.put(notebook, name, source)


KINDS = (  # points of 10, and how a solution becomes such a submission
    (10, lambda notebook: notebook),
    (8, put("task-squares", "def squares(values):\n    return 2 * values")),
    (9, put("task-count", "def count(labels, wanted):\n    return 1 / 0")),
    (7, put("task-standardise", "def standardise(table):\n    return table")),
    (
        10,
        lambda notebook: classroom.add(notebook, "import warnings\nwarnings.warn('x')"),
    ),
    (6, put("task-fit", "def fit(places, heights):\n    return 0.0, 0.0")),
)


def hand_in(root: Path, folder: Path, count: int, padding: int = 0) -> dict[str, int]:
    """Write submissions in nbgrader's layout; return the points each deserves."""
    points = {}
    for number in range(count):
        worth, change = KINDS[number % len(KINDS)]
        notebook = change(classroom.solution(root))
        classroom.add(notebook, f"# this is student {number}")
        if padding:
            picture = {"image/png": "A" * padding}
            shown = {"output_type": "display_data", "data": picture, "metadata": {}}
            notebook["cells"][-1]["outputs"] = [shown]
        student = f"student{number:04d}"
        place = folder / "submitted" / student / classroom.STEM
        place.mkdir(parents=True)
        content = classroom.as_bytes(notebook)
        (place / f"{classroom.STEM}.ipynb").write_bytes(content)
        points[student] = worth
    return points


def grader_in(root: Path, folder: Path) -> grader.Grader:
    lesson = course.load(root / "course.toml").find("01")
    return grader.Grader(lesson, folder, grader.Options(), root)


def workers() -> list[psutil.Process]:
    """The processes of the local cluster's workers."""
    return [
        one
        for one in psutil.Process().children()
        if "spawn_main" in " ".join(one.cmdline())
    ]


def peak_memory() -> float:
    """Most megabytes that this process (scheduler and writer) ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


# Measuring ----------------------------------------------------------------------------


def measure_class(folder: Path, count: int) -> dict:
    """Grade a class, kill a worker in the middle, compare every mark."""
    root = classroom.make(folder / "course")
    deserved = hand_in(root, folder, count)
    killed = []
    began = []

    def shown(progress) -> None:
        began.append(time.monotonic())
        if progress.done >= count // 2 and not killed:
            (victim, *_) = workers()
            victim.kill()
            killed.append(victim.pid)

    started = time.monotonic()
    outcome = grader_in(root, folder).run(shown)
    seconds = time.monotonic() - started
    with open(folder / "grades.csv", encoding="utf-8") as stream:
        found = {
            one["student_id"]: float(one["score"]) for one in csv.DictReader(stream)
        }
    wrong = {name for name in deserved if found.get(name) != deserved[name]}
    return {
        "value": 60 * count / (time.monotonic() - began[0]),
        "right": not wrong and len(found) == count and not outcome.failed,
        "detail": f"{count - len(wrong)} of {count} rows right, one worker killed, "
        f"{seconds:.0f} s in all, {peak_memory():.0f} MB",
    }


def measure_queue(folder: Path) -> dict:
    """Grade for a while with a thousand in the queue, and stop."""
    root = classroom.make(folder / "course")
    hand_in(root, folder, QUEUE, PADDING)
    stop = threading.Event()
    last = []

    def shown(progress) -> None:
        last[:] = [progress]
        if progress.seconds > QUEUE_SECONDS:
            stop.set()

    with contextlib.suppress(schedule.Stopped):
        grader_in(root, folder).run(shown, stop)
    return {
        "value": peak_memory(),
        "right": last[0].total == QUEUE and last[0].done > 10,
        "detail": f"{QUEUE} notebooks of {PADDING / 1e6:.1f} MB, "
        f"{last[0].done} of them graded meanwhile",
    }


TRAINING = """
import time
import numpy as np
import keras

keras.utils.set_random_seed(7)
images = np.random.default_rng(7).random((2560, 784), "float32")
model = keras.Sequential([
    keras.layers.Input((784,)),
    keras.layers.Dense(512, "relu"),
    keras.layers.Dense(16, "relu"),
    keras.layers.Dense(512, "relu"),
    keras.layers.Dense(784, "sigmoid"),
])
model.compile("adam", "mse", steps_per_execution=10)
began = time.monotonic()
model.fit(images, images, batch_size=128, epochs={epochs}, verbose=0)
print("trained", time.monotonic() - began)
"""


def run_plainly(notebook: dict, processors: int) -> tuple[float, float]:
    """Run the cells without a grader; return the seconds in all and of the training."""
    sources = [c["source"] for c in notebook["cells"] if c["cell_type"] == "code"]
    program = (
        "import json, os, sys\n"
        f"os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:{processors}])\n"
        "names = {'check': lambda one: None}\n"
        "for source in json.load(sys.stdin):\n"
        "    exec(source.replace('from digitdreams.checks', '#'), names)\n"
    )
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(sources),
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    seconds = time.monotonic() - started
    printed = done.stdout.partition("trained ")[2].split()
    return seconds, float(printed[0])


def measure_training(folder: Path) -> dict:
    """The same notebook plainly and graded, on the same number of processors."""
    from digitdreams.grading.sandbox import Limits

    root = classroom.make(folder / "course")
    limits = Limits()

    def notebook(epochs: int) -> dict:
        made = classroom.solution(root)
        return classroom.add(made, TRAINING.replace("{epochs}", str(epochs)))

    _, brief = run_plainly(notebook(20), limits.processors)
    epochs = max(20, round(20 * TRAINING_SECONDS / brief))
    plain, trained = run_plainly(notebook(epochs), limits.processors)
    exercise = Exercise.load(classroom.STEM, root)
    result = grade(classroom.as_bytes(notebook(epochs)), exercise, "secret", limits)
    return {
        "value": 100 * (result.seconds / plain - 1),
        "right": result.state == "graded" and result.points == result.max_points,
        "detail": f"plainly {plain:.1f} s, of which {trained:.1f} s training, graded "
        f"{result.seconds:.1f} s, each on {limits.processors} processor",
    }


MEASURES = {
    "class": measure_class,
    "queue": measure_queue,
    "training": measure_training,
}


def in_own_process(name: str, students: int = CLASS) -> dict:
    """Measure in a fresh process, so that its memory is its own."""
    with tempfile.TemporaryDirectory() as folder:
        inside = ["--inside", folder, "--students", str(students)]
        done = subprocess.run(
            [sys.executable, HERE, *inside, name],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="what to measure: all when left out")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--students", type=int, default=CLASS, help="of the class")
    given = parser.parse_args()
    names = given.names or list(MEASURES)
    if given.inside:
        sizes = {"class": (given.students,)}.get(names[0], ())
        print(json.dumps(MEASURES[names[0]](given.inside, *sizes)))
        return
    failed = False
    for name in names:
        what, side, bar = BARS[name]
        found = in_own_process(name, given.students)
        value = found["value"]
        reached = value >= bar if side == "at least" else value <= bar
        failed |= not (reached and found["right"])
        verdict = "reached" if reached else "MISSED"
        print(f"{value:8.1f} {what} ({side} {bar}: {verdict})")
        print(f"{'':8} {found['detail']}{'' if found['right'] else ': WRONG'}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
