"""`digitdreams status`: what is stale, why, and what renews it."""

import io
import json
import subprocess
import sys

import pytest
import tomlkit
from rich.console import Console

from course_copy import Copy
from digitdreams import course, generators, stamps
from digitdreams.authoring import board, leaderboard, mutation, readme, status
from places import ROOT

pytestmark = pytest.mark.slow  # most work on a copy of the course


def mark_as_made(copy: Copy) -> None:
    """Write today's stamps where they are kept, as if all had been made today."""
    root = copy.root
    toml = tomlkit.parse((root / "course.toml").read_text("utf-8"))
    loaded = course.load(root / "course.toml")
    for one, entry in zip(loaded.lessons, toml["lesson"], strict=True):
        entry["stamp"] = stamps.of_lesson(one, root).numbers_made("in a test")
        set_stamp(stamps.notebook_of("lessons", one, root), stamps.of_lesson(one, root))
        if one.exercise_numbers:
            stamp = stamps.of_solution(one, root)
            entry["exercise_stamp"] = stamp.numbers_made("in a test")
            for kind in ("exercises", "solutions"):
                path = stamps.notebook_of(kind, one, root)
                set_stamp(path, stamps.of_exercise(one, root))
    (root / "course.toml").write_text(tomlkit.dumps(toml), "utf-8")
    loaded = course.load(root / "course.toml")
    change_json(
        root / "digitdreams" / "judge.json",
        made_from=stamps.of_judge(root).as_data(),
        measured_from=stamps.of_judgement(root=root).as_data(),
    )
    for name in stamps.BENCHMARKS:
        path = root / "benchmarks" / "recorded" / f"{name}.json"
        change_json(path, made_from=stamps.of_benchmark(name, root).as_data())
    rows = leaderboard.read(root)
    for row in rows:
        stamp = leaderboard.stamp_of(row, loaded, root)
        row.made_from = stamp.numbers_made("in a test")
    leaderboard.write(rows, loaded, root)
    (root / board.PAGE).write_text(board.document(loaded, root), "utf-8")
    examined, tool = mutation.read(root), mutation.stamp_of_tool(root)
    for source, path in mutation.sources(root).items():
        made_from = mutation.stamp_of(source, path, tool, root).numbers
        examined[source] = mutation.Row(dict(made_from), {})
    mutation.write(examined, root)
    made_from = readme.MADE_FROM.format(stamps.of_handbook(loaded, root).digest())
    (root / "INSTRUCTORS.md").write_text(made_from, "utf-8")
    text = (root / "README.md").read_text("utf-8")
    (root / "README.md").write_text(readme.with_table(text, loaded), "utf-8")
    (root / "images" / "latent_map.png").write_bytes(readme.picture(root))


def change_json(path, **changes) -> None:
    content = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**content, **changes}), "utf-8")


def set_stamp(path, stamp) -> None:
    change_json(
        path,
        metadata={"digitdreams": {"stamp": stamp.as_data()}},
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    copy = Copy(tmp_path_factory.mktemp("course"))
    mark_as_made(copy)
    return copy


@pytest.fixture
def copy(made, tmp_path, monkeypatch):
    monkeypatch.setenv("DIGITDREAMS_MODELS", str(tmp_path / "models"))
    yield made
    made.restore()


def shown(copy) -> dict[str, str]:
    """Thing -> command of all that is stale."""
    return {one.thing: one.command for one in status.stale(copy.root)}


def test_nothing_is_stale_after_all_was_made(copy):
    assert status.stale(copy.root) == []
    screen = io.StringIO()
    status.show([], Console(file=screen))
    assert screen.getvalue() == "Everything is up to date.\n"


def test_a_metric_asks_for_notebook_and_calibration(copy):
    copy.change("digitdreams/metrics.py", "def kid(", "kid = 1\n\n\ndef kid(")
    found = status.stale(copy.root)
    assert {one.thing: one.command for one in found} == {
        "lesson 08": "digitdreams notebooks 08",
        "calibration of lesson 08": "digitdreams calibrate 08",
    }
    assert {one.why for one in found} == {("digitdreams/metrics.py",)}
    screen = io.StringIO()
    status.show(found, Console(file=screen, width=120))
    assert "digitdreams notebooks 08" in screen.getvalue()
    assert "2 stale" in screen.getvalue()
    assert "--confirm" in screen.getvalue()


def test_a_style_asks_for_notebooks_only(copy):
    copy.change("digitdreams/plots.py", "GAP = ", "GAP = 1 + ")
    found = shown(copy)
    assert set(found) <= {f"lesson {one.id}" for one in course.load().lessons}
    assert found["lesson 03"] == "digitdreams notebooks 03"


def test_a_specification_asks_for_exercise_and_handbook(copy):
    copy.change("sources/tasks/03_vae.py", "points=", "points=1 + ")
    assert shown(copy) == {
        "exercise 03": "digitdreams notebooks 03",
        "mutants of tasks/03_vae": "digitdreams mutate",
        "INSTRUCTORS.md": "digitdreams readme",
    }


def test_the_judge_and_the_benchmarks_have_their_commands(copy):
    copy.change("digitdreams/judge.py", "EPOCHS = 10", "EPOCHS = 11")
    assert shown(copy) == {"judge": "digitdreams judge train"}
    copy.restore()
    copy.change("digitdreams/attributes.py", "STROKE = 0.5", "STROKE = 0.6")
    measure = "python tools/measure_digits.py"
    assert shown(copy) == {"the measurements of the digits": measure}
    copy.restore()
    copy.change("benchmarks/published.py", "= 30, 128, 2", "= 31, 128, 2")
    [(thing, command)] = shown(copy).items()
    assert thing == "recorded benchmark vae"
    assert command.startswith("python benchmarks/tutorials.py --record vae")


def test_a_missing_file_is_named(copy):
    copy.write("digitdreams/judge.keras", None)
    found = {one.thing: one.why for one in status.stale(copy.root)}
    assert "judge.keras" in found["lesson 05"][0]
    assert "judge" not in found


def test_a_saved_generator_is_no_fault_of_the_checkout(copy):
    file = generators.path("05")
    file.parent.mkdir()
    file.write_bytes(b"of an older version")
    [found] = status.stale(copy.root)
    assert (found.thing, found.tracked) == ("saved generator of lesson 05", False)
    screen = io.StringIO()
    status.show([found], Console(file=screen, width=120))
    assert "on this machine only" in screen.getvalue()


def test_an_exercise_that_was_built_apart_from_its_solution(copy):
    name = "exercises/03_vae/03_vae.ipynb"
    kept = (copy.root / name).read_bytes()
    set_stamp(copy.root / name, stamps.Stamp({"a": "b"}))
    [found] = status.stale(copy.root)
    assert found.why == ("the exercise and its solution differ in age",)
    (copy.root / name).write_bytes(kept)


def test_the_answer_needs_no_tensorflow():
    code = (
        "import sys; from digitdreams.authoring import status; status.stale(); "
        "assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
