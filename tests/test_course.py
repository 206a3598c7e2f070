"""course.toml, and what `start` and `expect` do with it."""

import json

import pytest

from digitdreams import course, stamps
from digitdreams.course import BarMissed, Number, UnknownLesson
from places import ROOT

BELOW = Number("error", "error", "nats", "below", 10.0, stretch=5.0, typical=(6, 8))
ABOVE = Number("share", "share", "", "above", 0.9)


@pytest.fixture
def running(monkeypatch):
    lesson = course.Lesson("09", "try", "Try", "Part", 1.0, (), (BELOW, ABOVE), ())
    monkeypatch.setattr(course, "_running", course.Running(lesson, False, 1))


@pytest.mark.parametrize("text", ["03", "3", "vae", "03_vae", "VAE", "03_vae.ipynb"])
def test_a_lesson_is_found_by_number_or_name(text):
    assert course.load().find(text).stem == "03_vae"


def test_an_unknown_lesson_is_answered_with_the_list():
    with pytest.raises(UnknownLesson) as caught:
        course.load().find("77")
    for one in course.load().lessons:
        assert one.title in str(caught.value)


def test_lesson_0_is_found_by_its_number_and_none_by_nothing():
    assert course.load().find("0").id == course.load().find("00").id == "00"
    for nothing in ("", " "):
        with pytest.raises(UnknownLesson):
            course.load().find(nothing)


def test_each_lesson_follows_lessons_that_exist_and_stand_before_it():
    seen = set()
    for one in course.load().lessons:
        assert set(one.after) <= seen, one.id
        seen.add(one.id)


def calibrated(numbers):
    for number in numbers:
        assert number.seeds and number.seeds >= 10, number.name
        assert number.machine, number.name
        low, high = number.typical
        assert low <= high
        assert number.reached(low) and number.reached(high)
        if number.limit is not None:
            sign = 1 if number.side == "below" else -1
            assert sign * number.bar <= sign * number.limit, number.name


def test_each_bar_is_within_its_limit_and_calibrated_on_ten_seeds(lesson):
    assert lesson.numbers
    calibrated(lesson.numbers)


def test_each_exercise_is_calibrated_on_ten_seeds(exercised):
    assert exercised.exercise_numbers
    calibrated(exercised.exercise_numbers)


def test_a_number_needs_one_bar():
    with pytest.raises(ValueError, match="exactly one"):
        course.read_number({"name": "x", "label": "x", "unit": ""})


def test_seed_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("DIGITDREAMS_SEED", "17")
    assert course.wanted_seed(1) == 17
    monkeypatch.setenv("DIGITDREAMS_SEED", "")
    assert course.wanted_seed(1) == 1


@pytest.mark.parametrize("text", ["x", "-1", "1.5", "4294967296"])
def test_a_seed_that_is_none_is_refused(monkeypatch, text):
    monkeypatch.setenv("DIGITDREAMS_SEED", text)
    with pytest.raises(ValueError, match="whole number"):
        course.wanted_seed(1)


def test_start_seeds_everything(monkeypatch, capsys):
    import keras
    import numpy as np

    monkeypatch.setenv("DIGITDREAMS_SEED", "5")
    monkeypatch.setattr(course, "_running", None)  # and back: other files share this
    draws = []
    for _ in range(2):
        assert course.start("03") == 5
        noise = keras.random.normal((2,), seed=keras.random.SeedGenerator())
        draws.append([*np.random.rand(2), *np.asarray(noise)])
    assert draws[0] == draws[1]
    said = capsys.readouterr().out
    assert "Variational autoencoder" in said and "seed 5" in said
    for number in course.load().find("03").numbers:
        assert number.describe() in said


def test_expect_accepts_numbers_that_reach_their_bars(running, capsys):
    course.expect(error=7.0, share=0.95)
    said = capsys.readouterr().out
    assert "7 nats" in said and "reached, stretch 5 open" in said


@pytest.mark.parametrize("value", [10.0, 11.0, float("nan")])
def test_expect_names_the_number_and_the_bar_that_it_missed(running, value):
    with pytest.raises(BarMissed) as caught:
        course.expect(error=value, share=0.95)
    assert str(caught.value) == f"error is {value:g}, it must be below 10"


def test_expect_wants_every_number(running):
    with pytest.raises(TypeError, match="share"):
        course.expect(error=1.0)
    with pytest.raises(TypeError, match="other"):
        course.expect(error=1.0, share=1.0, other=1.0)


def test_expect_needs_start(monkeypatch):
    monkeypatch.setattr(course, "_running", None)
    with pytest.raises(RuntimeError, match="first cell"):
        course.expect(error=1.0)


def test_the_verdict_is_data_for_tools(running):
    verdict = course.Verdict(course._running, {"error": 4.0, "share": 0.5})
    data = verdict._repr_mimebundle_()[course.CONTRACT_MIME]
    assert json.loads(json.dumps(data)) == data
    assert [one["passed"] for one in data["numbers"]] == [True, False]
    assert "stretch 5 reached" in repr(verdict) and "MISSED" in repr(verdict)


# Generators that are saved ------------------------------------------------------------

ENTRY = {"id": "11", "number": [{"name": "nats_of_made"}]}


def test_a_lesson_saves_one_generator_or_a_list():
    for saves, names in (("VAE", ["VAE"]), (["MADE", "CNN"], ["MADE", "CNN"])):
        found = course.read_generators({**ENTRY, "saves": saves})
        assert [one.name for one in found] == names
    assert course.read_generators(ENTRY) == ()
    facts = [{"name": "MADE", "nats": "nats_of_made", "cells": ["training-2"]}]
    entry = {**ENTRY, "saves": ["MADE", "CNN"], "generator": facts}
    made, other = course.read_generators(entry)
    assert (made.nats, made.cells) == ("nats_of_made", ("training-2",))
    assert (other.nats, other.cells) == (None, ())


def test_facts_of_a_generator_are_held_against_the_lesson():
    with pytest.raises(ValueError, match="'GAN', which its `saves` does not name"):
        course.read_generators({**ENTRY, "generator": [{"name": "GAN"}]})
    facts = [{"name": "MADE", "nats": "elbo"}]
    with pytest.raises(ValueError, match="no number 'elbo'"):
        course.read_generators({**ENTRY, "saves": "MADE", "generator": facts})


def test_the_cells_that_train_a_generator_exist(lesson):
    path = stamps.notebook_of("lessons", lesson, ROOT)
    code = {
        cell["id"]: "".join(cell["source"])
        for cell in json.loads(path.read_text("utf-8"))["cells"]
        if cell["cell_type"] == "code"
    }
    for generator in lesson.generators:
        assert generator.cells, f"course.toml: which cells train {generator.name}?"
        assert set(generator.cells) <= set(code), generator.name
