"""The leaderboard: its record, what is stale, and the table and pages that follow."""

import io
import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest
from PIL import Image
from rich.console import Console
from test_gallery import Page

from course_copy import Copy
from digitdreams import course, generators, stamps
from digitdreams.authoring import board, leaderboard, status
from digitdreams.authoring.leaderboard import REAL, LeaderboardError, Row, Seed
from digitdreams.authoring.outcomes import Outcome
from places import ROOT

TABLE = course.load()
MACHINE = "2 cores, <unknown>, 24 GB"


def seed(**values) -> Seed:
    known = {one.name: None for one in board.MEASURES}
    return Seed({**known, **values}, MACHINE, MACHINE, "2026-11-30")


def made(lesson: str, name: str, **seeds: Seed) -> Row:
    """A row with today's stamp; seeds by number."""
    row = Row(lesson, name)
    stamp = leaderboard.stamp_of(row, TABLE)
    row.made_from = stamp.numbers_made("measured")
    row.seeds = {int(key[1:]): one for key, one in seeds.items()}
    return row


@pytest.fixture
def root(tmp_path):
    """A record of three generators and real images, beside nothing else."""
    vae = {"fid_over_floor": 60.0, "precision": 0.6, "recall": 0.7}
    gan = {"label_accuracy": 0.99, "classification_accuracy": 0.95}
    rows = [
        made("", REAL, s1=seed(precision=0.9, recall=0.9, fid_over_floor=1.0)),
        made(
            "07",
            "conditional GAN",
            s1=seed(**gan, fid_over_floor=4.0, milliseconds=0.2, weights=345_000.0),
            s2=seed(**gan, fid_over_floor=5.0, milliseconds=0.4, weights=345_000.0),
            s3=seed(**gan, fid_over_floor=4.5, milliseconds=0.3, weights=345_000.0),
        ),
        made("03", "VAE", s1=seed(**vae, nats=98.79, seconds=62.0, bytes=2_198_094.0)),
        made("05", "GAN", s2=seed(fid_over_floor=8.0), s1=seed(fid_over_floor=7.0)),
    ]
    (tmp_path / leaderboard.FILE).parent.mkdir(parents=True)
    leaderboard.write(rows, TABLE, tmp_path)
    return tmp_path


@pytest.fixture
def here(root, monkeypatch):
    """The same record, where stamps are those of the course."""
    real = leaderboard.stamp_of
    monkeypatch.setattr(
        leaderboard, "stamp_of", lambda row, table, *_: real(row, table)
    )
    return root


def shown(root) -> str:
    console = Console(file=io.StringIO(), width=160)
    for part in board.tables(TABLE, root):
        console.print(part)
    return console.file.getvalue()


# The record ---------------------------------------------------------------------------


def test_a_record_is_read_as_it_was_written_in_the_course_s_order(root):
    rows = leaderboard.read(root)
    assert [one.name for one in rows] == ["VAE", "GAN", "conditional GAN", REAL]
    assert list(rows[1].seeds) == [1, 2]
    assert rows[0].seeds[1].values["nats"] == 98.79
    assert rows[2].values("fid_over_floor") == [4.0, 5.0, 4.5]
    assert rows[1].values("label_accuracy") == []
    before = (root / leaderboard.FILE).read_bytes()
    leaderboard.write(rows, TABLE, root)
    assert (root / leaderboard.FILE).read_bytes() == before


def test_a_record_that_is_missing_or_damaged(tmp_path):
    assert leaderboard.read(tmp_path) == []
    with pytest.raises(LeaderboardError, match="digitdreams leaderboard measure"):
        board.recorded(tmp_path)
    (tmp_path / leaderboard.FILE).parent.mkdir(parents=True)
    (tmp_path / leaderboard.FILE).write_text("{")
    with pytest.raises(LeaderboardError, match="cannot read"):
        leaderboard.read(tmp_path)


# What is stale ------------------------------------------------------------------------


def test_a_row_is_today_s_until_its_lesson_or_its_measure_changes(here, monkeypatch):
    rows = {one.name: one for one in leaderboard.read(here)}
    assert all(leaderboard.changes(one, TABLE, here) == [] for one in rows.values())
    gan = rows["conditional GAN"]
    assert any(part == "lesson 07" for part in gan.stamp.numbers)
    assert "digitdreams/scores.py" in gan.stamp.numbers
    assert "digitdreams/judge.keras" in gan.stamp.numbers

    changed = dict(gan.made_from["numbers"]) | {"lesson 07": "older"}
    gan.made_from["numbers"] = changed
    assert leaderboard.changes(gan, TABLE, here) == ["lesson 07"]
    command = "digitdreams calibrate 07 && digitdreams leaderboard measure 07"
    assert leaderboard.renewal(gan, ["lesson 07"]) == command
    measure = leaderboard.renewal(gan, ["digitdreams/scores.py"])
    assert measure == "digitdreams leaderboard measure 07"
    assert leaderboard.renewal(rows[REAL], ["x"]) == "digitdreams leaderboard measure"

    leaderboard.write(rows.values(), TABLE, here)
    assert command in " ".join(shown(here).split()).replace(" 07 07 ", " 07 ")
    page = Page(board.write(TABLE, here, here / "page").read_text("utf-8"))
    assert f"stale {command}" in page.words
    assert page.words.count("today's") == 3


def test_a_generator_that_the_course_no_longer_has_is_stale(root):
    row = Row("03", "gone")
    [why] = leaderboard.changes(row, TABLE)
    assert why == "course.toml names no gone of lesson 03"


@pytest.mark.slow
def test_status_tells_of_stale_rows_and_pages(tmp_path, monkeypatch):
    monkeypatch.setenv("DIGITDREAMS_MODELS", str(tmp_path / "models"))
    copy = Copy(tmp_path / "course")
    table = course.load(copy.root / "course.toml")
    row = made("05", "GAN", s1=seed(fid_over_floor=7.0))
    leaderboard.write([row], table, copy.root)
    board.update(table, copy.root)

    def found():
        stale = status.stale(copy.root)
        words = ("leaderboard",)
        return {
            one.thing: one.command
            for one in stale
            if any(w in one.thing for w in words)
        }

    assert found() == {}
    copy.change("digitdreams/scores.py", "SUSPECTS = 1_000", "SUSPECTS = 999")
    assert found() == {"leaderboard, GAN": "digitdreams leaderboard measure 05"}
    row.seeds[1].values["recall"] = 0.5
    leaderboard.write([row], table, copy.root)
    assert found()["docs/leaderboard.md"] == "digitdreams readme"


def test_the_course_s_own_page_follows_from_its_record():
    assert board.differences(TABLE, ROOT) == []


# Table, figure, pages -----------------------------------------------------------------


def test_the_table_shows_median_and_range_and_dashes(here):
    text = shown(here)
    lines = [line.split() for line in text.splitlines()]
    [vae] = [line for line in lines if line[:2] == ["03", "VAE"] and "98.8" in line]
    assert vae == ["03", "VAE", "1", "98.8", "60.0", "0.600", "0.700", "-", "-", "-"]
    gan = text.index("07 conditional GAN")
    assert "4.05 to 4.95" in text[gan:]
    assert "99.0 %" in text and "345 k" in text and "2.20 MB" in text
    assert "1 min 02 s" in text
    assert text.count("today's") == 4


def test_the_page_says_the_same_and_needs_nothing_from_elsewhere(here):
    index = board.write(TABLE, here, here / "page")
    page = Page(index.read_text("utf-8"))
    assert "VAE lesson 03, 1 seed 98.8" in page.words
    assert "conditional GAN lesson 07, 3 seeds" in page.words
    assert MACHINE in page.words and "2026-11-30" in page.words
    assert page.all("script") == page.all("link")[1:] == []
    [image] = page.all("img")
    assert "FID / floor: VAE 60.0, GAN 7.50, conditional GAN 4.50" in image["alt"]
    with Image.open(index.parent / image["src"]) as picture:
        assert picture.width == 1470
    assert (index.parent / image["src"]).stat().st_size < 200_000
    text = index.read_text("utf-8")
    assert "prefers-color-scheme: dark" in text and "http" not in text


def test_the_best_are_those_whose_range_holds_the_best_median(root):
    rows = leaderboard.read(root)
    by = {one.name: one for one in board.MEASURES}
    assert not any(board.best_of(rows, one) for one in board.MEASURES)  # few seeds
    for row in rows:
        first = row.seeds[1].values
        row.seeds |= {number: seed(**first) for number in range(4, 9)}
    assert board.best_of(rows, by["fid_over_floor"]) == {"conditional GAN"}
    assert board.best_of(rows, by["nats"]) == {"VAE"}
    assert board.best_of(rows, by["near_copies"]) == set()
    for number in (1, 4):
        rows[1].seeds[number].values["fid_over_floor"] = 1.5  # a wide range for the GAN
    assert board.best_of(rows, by["fid_over_floor"]) == {"GAN", "conditional GAN"}


def test_the_document_holds_the_table_and_its_notes(root):
    text = board.document(TABLE, root)
    assert "| 07 | conditional GAN | 3 |" in text
    assert "4.50<br>4.05 to 4.95" in text
    assert "- conditional GAN: with the noise as it comes" in text
    assert "![Dots with ranges" in text and "(../images/leaderboard.png)" in text
    (root / "docs").mkdir()
    assert board.differences(TABLE, root) == ["its tables", "images/leaderboard.png"]
    board.update(TABLE, root)
    assert board.differences(TABLE, root) == []


# What is measured ---------------------------------------------------------------------


def test_training_takes_what_its_cells_took(tmp_path):
    def cell(name, began, ended):
        times = {"iopub.status.busy": began, "iopub.status.idle": ended}
        return {"id": name, "metadata": {"execution": times}}

    path = tmp_path / "05_gan.ipynb"
    day = "2026-11-30T06:00:"
    cells = [
        cell("a", f"{day}01.500000Z", f"{day}11.750000Z"),
        cell("b", f"{day}12.000000Z", f"{day}14.000000Z"),
        {"id": "c", "metadata": {}},
    ]
    path.write_text(json.dumps({"cells": cells}))
    outcome = Outcome("05", "05_gan", path=path)
    assert leaderboard.seconds_of(outcome, ["a"]) == 10.25
    assert leaderboard.seconds_of(outcome, ["a", "b"]) == 12.25
    for cells in (["a", "c"], ["gone"], []):
        assert leaderboard.seconds_of(outcome, cells) is None
    assert leaderboard.seconds_of(replace(outcome, path=None), ["a"]) is None
    assert leaderboard.seconds_of(None, ["a"]) is None


GIVES = """\
# %%
from digitdreams import course

seed = course.start("07")

# %%
import keras
from digitdreams import models

noise, digit = keras.Input((3,)), keras.Input((), dtype="int32")
embedded = keras.layers.Embedding(10, 3)(digit)
x = keras.layers.Add()([noise, embedded])
x = keras.layers.Dense(784, activation="sigmoid")(x)
generator = keras.Model([noise, digit], keras.layers.Reshape((28, 28, 1))(x))

# %%
models.save(generator, "07").name

# %%
course.expect(label_accuracy=1 - seed / 1e4, fid_over_floor=1.0 + seed)
"""
RUN = """
from digitdreams import course, scores
from digitdreams.authoring import board, build, calibrate, leaderboard

scores.SAMPLES = scores.TEACHING = 400
scores.measure.__defaults__ = (400, 400)
scores.measure_real.__defaults__ = (400,)
lesson = course.load().find("07")
build.build_lesson(lesson, force=True)
calibrate.calibrate(lesson, seeds=2)
for _ in range(2):
    leaderboard.measure([course.load().find("07")], course.load())
board.update(course.load())
"""


@pytest.mark.slow
def test_two_calibrated_seeds_reach_the_page(tmp_path, monkeypatch):
    for name in ("DIGITDREAMS_HOME", "DIGITDREAMS_MODELS", "DIGITDREAMS_SEED"):
        monkeypatch.delenv(name, raising=False)
    copy = Copy(tmp_path)
    (tmp_path / leaderboard.FILE).unlink(missing_ok=True)
    copy.change("course.toml", 'cells = ["the-model-8"]', 'cells = ["top-2"]')
    copy.write("sources/lessons/07_conditional_gan.py", GIVES.encode())
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.count("conditional GAN, seed 2: measured before") == 1
    for number in (1, 2):
        at = tmp_path / "build" / "calibrate" / "07_conditional_gan" / f"seed_{number}"
        assert generators.record(at / "07.keras").seed == number
    row, real = leaderboard.read(tmp_path)
    assert (row.name, list(row.seeds), real.name) == ("conditional GAN", [1, 2], REAL)
    for one in row.seeds.values():
        assert 0 < one.values["seconds"] < 60 and one.values["bytes"] > 1000
        assert one.values["label_accuracy"] < 0.5  # nothing was learned
        assert one.values["nats"] is None and one.trained_on == one.measured_on
    table = course.load(tmp_path / "course.toml")
    assert leaderboard.changes(row, table, tmp_path) == []
    assert "| 07 | conditional GAN | 2 |" in (tmp_path / board.PAGE).read_text("utf-8")

    copy.write(
        "sources/lessons/07_conditional_gan.py",
        GIVES.replace("Input((3,))", "Input((4,))").encode(),
    )
    assert leaderboard.changes(row, table, tmp_path) == ["lesson 07"]
    assert (
        leaderboard.kept(
            table.find("07"), *table.find("07").generators, table, tmp_path
        )
        == []
    )
    assert stamps.of_lesson(table.find("07"), tmp_path)
