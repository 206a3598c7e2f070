"""Compute, on this processor, whatever is recorded somewhere and compared later.

    python tests/on_processor.py RESULTS

`test_processors` starts it on several imitated processors. It writes a pickle of plain
values.
"""

import pickle
import sys

import numpy as np
from numpy._core._multiarray_umath import __cpu_features__
from threadpoolctl import threadpool_info

from digitdreams import checks, data, judge, metrics, tasks
from digitdreams.interview import bank, problems
from places import WITH_EXERCISE

IMAGES = 500


def answers_of(task):
    """Name and function of each answer of a task."""
    yield "right", task.reference
    for number, answer in enumerate(task.right[1:], start=1):
        yield f"also right {number}", answer
    for wrong in task.mistakes:
        yield wrong.message, wrong.answer


def computed(task) -> dict:
    """The inputs of a task and what every answer makes of them."""
    cases = task.cases(tasks.NOTEBOOK_SEED)
    found = {
        name: [checks.outcome(task.observe, answer, case) for case in cases]
        for name, answer in answers_of(task)
    }
    return {"cases": checks.plain(cases), "found": found}


def judged() -> dict:
    """What the judge says of test images, and what is measured with it.

    The images are real ones, once as they are and once too dark.
    """
    images = data.load().test.images
    real, dark = images[:IMAGES], 0.5 * images[IMAGES : 2 * IMAGES]
    outputs = {
        f"{what} of {which} images": getattr(judge, what)(some)
        for which, some in (("all", images), ("real", real), ("dark", dark))
        for what in ("probabilities", "features")
    }
    seen = [outputs[f"features of {which} images"] for which in ("real", "dark")]
    labels = data.load().test.labels[IMAGES : 2 * IMAGES]
    rows = outputs["probabilities of dark images"]
    precision, recall = metrics.precision_recall(*seen)
    measured = {
        "label accuracy": metrics.label_accuracy(rows, labels),
        "score": metrics.inception_score(rows),
        "FID": metrics.fid(*seen),
        "KID": metrics.kid(*seen),
        "precision": precision,
        "recall": recall,
    }
    return {"outputs": outputs, "measured": measured}


def numbers() -> dict:
    """The numbers of the interview questions: value, and what is wrong with it."""
    return {
        f"{question.id}: {number.code}": (number.value(), bank.number_fault(number))
        for question in bank.load()
        for number in question.numbers
    }


def processor() -> dict:
    """What shows which processor this is."""
    return {
        "NumPy": sorted(name for name, there in __cpu_features__.items() if there),
        "BLAS": sorted({one.get("architecture", "?") for one in threadpool_info()}),
    }


def main(path: str) -> None:
    content = {
        "exercises": {
            (one.stem, task.name): computed(task)
            for one in WITH_EXERCISE
            for task in tasks.load(one.stem)
        },
        "problems": {one.name: computed(one) for one in problems.load()},
        "judge": judged(),
        "numbers": numbers(),
        "processor": processor(),
    }
    with open(path, "wb") as stream:
        pickle.dump(content, stream)


if __name__ == "__main__":
    np.seterr(all="ignore")  # wrong answers divide by zero
    main(sys.argv[1])
