"""The notebooks match their sources: nothing has drifted."""

import json

import jupytext
import nbformat
import pytest

from digitdreams import checks, tasks
from digitdreams.authoring import build
from digitdreams.authoring.build import BuildError
from places import LESSONS, ROOT, WITH_EXERCISE


def essence(notebook):
    """What has to agree: everything but outputs and counts."""
    return [
        (cell.id, cell.cell_type, cell.source, cell.metadata) for cell in notebook.cells
    ]


def read(path):
    return nbformat.read(ROOT / path, as_version=4)


def test_every_lesson_has_its_files_and_there_are_no_others():
    for folder, suffix in (("lessons", "*.ipynb"), ("sources/lessons", "*.py")):
        found = sorted(one.stem for one in (ROOT / folder).glob(suffix))
        assert found == [one.stem for one in LESSONS], folder
    for folder, pattern in (
        ("sources/solutions", "*.py"),
        ("sources/tasks", "*.py"),
        ("solutions", "*/*.ipynb"),
        ("exercises", "*/*.ipynb"),
    ):
        found = sorted(one.stem for one in (ROOT / folder).glob(pattern))
        assert found == [one.stem for one in WITH_EXERCISE], folder


def test_a_lesson_matches_its_source(lesson):
    built = read(f"lessons/{lesson.stem}.ipynb")
    source = build.lesson_notebook(lesson)
    assert essence(built) == essence(source), "run `make notebooks`"
    assert built.metadata == source.metadata, "run `make notebooks`"


def test_a_lesson_was_executed_in_order_and_without_errors(lesson):
    cells = [
        one
        for one in read(f"lessons/{lesson.stem}.ipynb").cells
        if one.cell_type == "code"
    ]
    assert [one.execution_count for one in cells] == list(range(1, len(cells) + 1))
    outputs = [output for one in cells for output in one.outputs]
    assert not [one for one in outputs if one.output_type == "error"]
    assert not [one for one in outputs if one.get("name") == "stderr"]
    assert sum("image/png" in one.get("data", {}) for one in outputs) >= 1


def test_a_solution_matches_its_source(exercised):
    built = read(f"solutions/{exercised.stem}/{exercised.stem}.ipynb")
    source = build.solution_notebook(exercised)
    assert essence(built) == essence(source), "run `make notebooks`"
    assert built.metadata == source.metadata, "run `make notebooks`"


@pytest.mark.slow
def test_an_exercise_is_what_nbgrader_makes_of_its_solution(exercised, tmp_path):
    build.build_exercise(exercised, root=tmp_path)
    name = f"exercises/{exercised.stem}/{exercised.stem}.ipynb"
    assert essence(read(name)) == essence(read(tmp_path / name)), "run `make notebooks`"

    stored = checks.read(ROOT / "exercises" / exercised.stem)
    fresh = checks.read(tmp_path / "exercises" / exercised.stem)
    beside_solution = checks.read(ROOT / "solutions" / exercised.stem)
    assert stored == beside_solution
    assert same_checks(stored, fresh), "run `make notebooks`"


def same_checks(stored, fresh):
    """Equal but for the last digits, which differ between processors."""
    if isinstance(stored, dict) and set(stored) == {"dtype", "shape", "values"}:
        pair = checks.decode(stored), checks.decode(fresh)
        return checks.difference(*pair, 1e-5, same_dtype=True) is None
    if isinstance(stored, dict):
        return set(stored) == set(fresh) and all(
            same_checks(stored[key], fresh[key]) for key in stored
        )
    if isinstance(stored, list):
        return len(stored) == len(fresh) and all(map(same_checks, stored, fresh))
    if isinstance(stored, float):
        return stored == pytest.approx(fresh, rel=1e-5, abs=1e-5, nan_ok=True)
    return stored == fresh


@pytest.mark.parametrize("folder", ["lessons", "solutions", "exercises"])
def test_notebook_files_are_small_and_hold_no_paths(folder):
    for path in (ROOT / folder).rglob("*.ipynb"):
        text = path.read_text(encoding="utf-8")
        assert len(text.encode()) < build.LARGEST, path
        assert str(ROOT) not in text, path
        assert "site-packages" not in text, path


def test_an_exercise_gives_no_solution_away(exercised):
    folder = ROOT / "exercises" / exercised.stem
    assert sorted(one.name for one in folder.iterdir()) == sorted(
        [checks.FILE_NAME, f"{exercised.stem}.ipynb"]
    )
    solution = read(f"solutions/{exercised.stem}/{exercised.stem}.ipynb")
    given = (folder / f"{exercised.stem}.ipynb").read_text(encoding="utf-8")
    for cell in solution.cells:
        if cell.metadata.get("nbgrader", {}).get("solution"):
            inside = cell.source.split("### BEGIN SOLUTION")[1]
            inside = inside.split("### END SOLUTION")[0].strip()
            assert json.dumps(inside)[1:-1] not in given, cell.id


def test_cell_ids_come_from_the_section_and_survive_edits_elsewhere():
    text = "# %% [markdown]\n# # A title\n\n# %%\n1\n\n# %% [markdown]\n# ## Two b\n"
    before = jupytext.reads(text + "\n# %%\n2\n", fmt="py:percent")
    longer = text.replace("1\n", "1\n\n# %%\n11\n", 1)
    after = jupytext.reads(longer + "\n# %%\n2\n", fmt="py:percent")
    for one in (before, after):
        build.name_cells(one)
    assert [one.id for one in before.cells] == [
        "a-title",
        "a-title-2",
        "two-b",
        "two-b-2",
    ]
    assert after.cells[-1].id == before.cells[-1].id


def test_a_check_without_points_or_specification_is_refused():
    for text in ('# %% check="x"\n1\n', '# %% task="x"\n1\n'):
        notebook = jupytext.reads(text, fmt="py:percent")
        build.name_cells(notebook)
        with pytest.raises(BuildError, match=r"points|specification"):
            build.mark_for_nbgrader(notebook, {})


def test_a_notebook_that_grew_too_large_is_refused(tmp_path):
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell("x" * build.LARGEST)]
    )
    with pytest.raises(BuildError, match="smaller figures"):
        build.save(notebook, tmp_path / "large.ipynb")
    assert not (tmp_path / "large.ipynb").exists()


def test_what_did_not_change_is_not_built_again(lesson):
    assert not build.build_lesson(lesson)


@pytest.mark.parametrize(
    ("part", "key", "cell_type", "stand"),
    [
        ("display", "text", "markdown", True),
        ("display", "text", "code", False),  # a comment in a cell, which is shown
        ("display", "course.toml", "markdown", False),
        ("numbers", "keras", "markdown", False),
    ],
)
def test_outputs_stand_where_only_text_changed(part, key, cell_type, stand):
    target = ROOT / "lessons" / f"{LESSONS[1].stem}.ipynb"
    changed = build.lesson_notebook(LESSONS[1])
    cell = next(one for one in changed.cells[3:] if one.cell_type == cell_type)
    cell.source += "  # another word"
    changed.metadata.digitdreams.stamp[part][key] = "0" * 12
    assert build.outputs_stand(changed, target) is stand
    made = [one.outputs for one in read(target).cells if one.cell_type == "code"]
    found = [one.outputs for one in changed.cells if one.cell_type == "code"]
    assert (found == made) is stand


def test_an_exercise_that_did_not_change_is_not_built_again(exercised):
    assert not build.build_exercise(exercised)


def test_specifications_are_in_the_solution_and_worth_points(exercised):
    specified = tasks.load(exercised.stem)
    assert 3 <= len(specified) <= 6
    assert all(one.points > 0 for one in specified)
    solution = build.solution_notebook(exercised)
    names = {
        one.metadata.nbgrader.grade_id
        for one in solution.cells
        if "nbgrader" in one.metadata
    }
    assert names == {
        name for one in specified for name in (one.name, f"check_{one.name}")
    } | {"check_training"}
