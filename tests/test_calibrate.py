"""Calibration: bars from values, course.toml, and seeds that are not run twice."""

import io
from dataclasses import replace

import nbformat
import pytest
from rich.console import Console

import tiny
from digitdreams import course, machine, stamps
from digitdreams.authoring import calibrate, run
from digitdreams.authoring.calibrate import CalibrationError, bar_for
from digitdreams.authoring.outcomes import Outcome
from digitdreams.course import Number

slow = pytest.mark.slow


# From values to bars ------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "side", "limit", "bar", "digits"),
    [
        ([145.04, 145.9], "below", None, 146.4, 1),  # 145.9 + 0.43 = 146.33
        ([145.04, 145.9], "below", 148.0, 146.4, 1),
        ([145.04, 145.9], "below", 146.0, 146.0, 1),
        ([0.9921, 0.9935], "above", 0.99, 0.9914, 4),  # 0.9921 - 0.0007
        ([0.9921, 0.9935], "above", 0.992, 0.992, 4),
        ([1.0, 2.0], "below", None, 2.5, 1),
        ([100.0, 150.0], "below", None, 180.0, 0),  # 175, in steps of 10
        ([-1.0, 1.0], "above", None, -2.0, 0),
        ([10.0, 10.0], "above", None, 9.95, 2),  # equal: half a percent
        ([0.0, 0.0], "below", None, 1e-6, 6),
    ],
)
def test_the_bar_is_half_a_range_beyond_the_worst(values, side, limit, bar, digits):
    assert bar_for(values, side, limit) == (pytest.approx(bar, rel=1e-12), digits)


@pytest.mark.parametrize("side", ["below", "above"])
@pytest.mark.parametrize("scale", [1e-4, 0.037, 1.0, 1234.5])
def test_every_seed_reaches_the_bar_and_it_is_not_much_wider(side, scale):
    values = [scale * one for one in (1.0, 1.013, 1.0077, 1.002, 1.0131)]
    bar, _ = bar_for(values, side)
    number = Number("n", "n", "", side, bar)
    assert all(number.reached(value) for value in values)
    spread = max(values) - min(values)
    worst = max(values) if side == "below" else min(values)
    assert 0.5 * spread <= abs(bar - worst) + 1e-12 <= spread + 1e-12


def outcomes_with(*values) -> list[Outcome]:
    return [
        Outcome("00", "00_x", seed=seed, numbers=[{"name": "n", "value": value}])
        for seed, value in enumerate(values, 1)
    ]


def test_the_typical_range_is_the_5th_to_95th_percentile():
    number = Number("n", "n", "", "below", 1000.0)
    finding = calibrate.find(number, outcomes_with(*range(101)))
    assert finding.typical == (5.0, 95.0)


def test_every_seed_that_misses_the_limit_is_named():
    number = Number("n", "n", "", "below", 9.0, limit=2.0)
    with pytest.raises(CalibrationError) as caught:
        calibrate.find(number, outcomes_with(1.5, 2.0, 1.0, 2.5))
    assert str(caught.value) == (
        "seed 2: n is 2; seed 4: n is 2.5; the course permits no bar but below 2"
    )


def test_a_number_that_is_not_finite_is_named():
    number = Number("n", "n", "", "below", 9.0)
    with pytest.raises(CalibrationError, match=r"seed 2: n is not a finite number"):
        calibrate.find(number, outcomes_with(1.5, None))


# The whole ----------------------------------------------------------------------


class Bench:
    """A course of one notebook whose number depends on the seed."""

    def __init__(self, root, limit="4.0"):
        self.root = root
        [self.lesson] = tiny.write_course(root, scatters=limit)
        self.write("course.expect(distance=2 + seed / 10)")

    def write(self, *cells, exercise=False):
        cells = ("Path('seeds').open('a').write(f'{seed} ')", *cells)
        tiny.write_notebook(self.root, self.lesson, *cells, exercise=exercise)

    def calibrate(self, seeds, **options) -> str:
        screen = io.StringIO()
        [lesson] = course.load(self.root / "course.toml").lessons
        calibrate.calibrate(
            lesson,
            seeds=seeds,
            root=self.root,
            console=Console(file=screen, width=100),
            **options,
        )
        return screen.getvalue()

    def executed(self) -> str:
        """The seeds that ran since this was last asked."""
        path = self.root / "lessons" / "seeds"
        seeds = path.read_text() if path.exists() else ""
        path.unlink(missing_ok=True)
        return seeds.strip()

    def is_kept(self, seed: int) -> bool:
        """Whether a calibration would use what is on disk for this seed."""
        at = self.root / calibrate.FOLDER / self.lesson.stem / f"seed_{seed}"
        stamp = run.stamp_of(self.lesson, False, self.root)
        return calibrate.kept(self.lesson, seed, False, at, stamp) is not None

    def stamp(self, exercise=False) -> dict | None:
        """What course.toml says that the calibration was made from."""
        [lesson] = course.load(self.root / "course.toml").lessons
        return lesson.exercise_stamp if exercise else lesson.stamp

    def confirm(self, exercise=False) -> str:
        screen = io.StringIO()
        [lesson] = course.load(self.root / "course.toml").lessons
        console = Console(file=screen, width=100)
        calibrate.confirm(lesson, exercise, root=self.root, console=console)
        return screen.getvalue()

    def change_limit(self, limit: str) -> None:
        file = self.root / "course.toml"
        file.write_text(self.toml.replace("limit = 4.0", f"limit = {limit}"), "utf-8")

    @property
    def toml(self) -> str:
        return (self.root / "course.toml").read_text("utf-8")


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """Its notebook takes 90 s, as far as calibration knows."""
    real = run.run

    def slowly(*arguments, **options):
        return [replace(one, seconds=90.0) for one in real(*arguments, **options)]

    monkeypatch.setattr(run, "run", slowly)
    return Bench(tmp_path)


@slow
def test_a_calibration_writes_course_toml_and_goes_on_where_it_stopped(bench):
    before = bench.toml
    shown = bench.calibrate(2)
    assert bench.executed() == "1 2"
    assert "written to course.toml" in shown

    lesson = course.load(bench.root / "course.toml").lessons[0]
    [number] = lesson.numbers
    assert number.bar == 2.25
    assert number.typical == (2.105, 2.195)
    assert (number.seeds, number.machine) == (2, machine.describe())
    assert (number.limit, number.stretch) == (4.0, 1.0)
    assert lesson.minutes == 1.5
    assert 20 < lesson.memory_mb < 500
    written = {"minutes", "memory_mb", "below", "typical", "seeds", "machine"}
    for line in before.splitlines():
        if line.split(" ")[0] not in written:
            assert line in bench.toml.splitlines()
    assert "# by hand" in bench.toml
    assert "# the bar" in bench.toml
    assert lesson.exercise_numbers[0].bar == 3.0

    # seed 3 misses the new bar, and its value counts all the same
    shown = bench.calibrate(3)
    assert bench.executed() == "3"
    assert "seed 2: done before; distance 2.2 nats" in shown
    assert course.load(bench.root / "course.toml").lessons[0].numbers[0].bar == 2.4

    # other text is the same code
    path = bench.root / "lessons" / f"{bench.lesson.stem}.ipynb"
    path.write_text(path.read_text().replace("# The lesson", "# Lesson"))
    bench.calibrate(3)
    assert bench.executed() == ""

    # seed 2 reached 2.2
    bench.change_limit("2.15")
    before = bench.toml
    with pytest.raises(CalibrationError, match=r"seed 2: distance is 2\.2; .*2\.15"):
        bench.calibrate(2)
    assert bench.executed() == ""
    assert bench.toml == before


@slow
def test_outcomes_of_other_code_are_not_used(bench):
    bench.calibrate(2)
    assert bench.is_kept(seed=1)
    bench.write("course.expect(distance=3 + seed / 10)")
    assert not bench.is_kept(seed=1)
    bench.write("course.expect(distance=2 + seed / 10)")
    assert bench.is_kept(seed=1)
    assert not bench.is_kept(seed=3)
    bench.executed()
    bench.calibrate(2, fresh=True)
    assert bench.executed() == "1 2"


@slow
def test_a_seed_that_fails_is_named_and_the_finished_ones_are_kept(bench):
    before = bench.toml
    bench.write("assert seed != 2, 'no good'", "course.expect(distance=2)")
    reason = r"seed 2 failed: cell \[3\] of 4: AssertionError: no good; see .*seed_2"
    with pytest.raises(CalibrationError, match=reason):
        bench.calibrate(3)
    assert bench.executed() == "1 2"
    assert bench.is_kept(seed=1)
    assert not bench.is_kept(seed=2)
    assert bench.toml == before


@slow
def test_an_exercise_has_numbers_and_minutes_of_its_own(bench):
    bench.write("course.expect(distance=1 + seed)", exercise=True)
    before = course.load(bench.root / "course.toml").lessons[0]
    bench.calibrate(2, exercise=True)
    after = course.load(bench.root / "course.toml").lessons[0]
    assert after.exercise_numbers[0].bar == 3.5
    assert after.exercise_minutes == 1.5
    own = {"exercise_numbers": (), "exercise_minutes": None, "exercise_stamp": None}
    assert replace(after, **own) == replace(before, **own)


@slow
def test_a_stamp_says_what_the_calibration_was_made_from(bench):
    assert bench.stamp() is None
    bench.calibrate(2)
    stamp = bench.stamp()
    assert stamp["how"].startswith("2 seeds, finished on 20")
    assert stamp["numbers"] == run.stamp_of(bench.lesson, False, bench.root).numbers
    assert "lessons/00_scatters.ipynb" in stamp["numbers"]
    assert bench.stamp(exercise=True) is None


@slow
def test_one_run_confirms_what_was_calibrated(bench):
    bench.calibrate(2)  # 2.1 and 2.2, typical 2.105 to 2.195, below 2.25
    bench.executed()
    bench.write("course.expect(distance=2 + 2 * seed / 20)")
    shown = bench.confirm()
    assert bench.executed() == "1"
    assert "distance 2.1 nats, typical 2.105 to 2.195: confirmed" in shown
    stamp = bench.stamp()
    assert stamp["how"].startswith("confirmed by seed 1 on 20")
    assert stamp["numbers"] == run.stamp_of(bench.lesson, False, bench.root).numbers
    [lesson] = course.load(bench.root / "course.toml").lessons
    assert (lesson.numbers[0].bar, lesson.numbers[0].seeds) == (2.25, 2)

    bench.confirm()
    assert bench.executed() == ""  # the run of this code is kept

    before = bench.toml
    bench.write("course.expect(distance=2.0)")
    with pytest.raises(CalibrationError, match=r"better by more than 0\.055 .*`digit"):
        bench.confirm()
    bench.write("course.expect(distance=2.26)")
    with pytest.raises(CalibrationError, match=r"distance is 2\.26, not below 2\.25"):
        bench.confirm()
    assert bench.toml == before


@slow
def test_a_current_notebook_confirms_without_a_run(bench):
    bench.calibrate(2)
    bench.write("course.expect(distance=2.11)")
    [outcome] = run.run([bench.lesson], root=bench.root)
    built = nbformat.read(outcome.path, as_version=4)
    stamp = stamps.of_lesson(bench.lesson, bench.root)
    built.metadata.digitdreams = {"stamp": stamp.as_data()}
    nbformat.write(built, run.source_of(bench.lesson, False, bench.root))
    bench.executed()
    assert "distance 2.11 nats" in bench.confirm()
    assert bench.executed() == ""


def test_what_was_never_calibrated_cannot_be_confirmed():
    number = Number("n", "n", "", "below", 9.0)
    assert calibrate.doubt(number, 8.0) == "n was never calibrated"
    number = replace(number, typical=(7.0, 8.0))
    for value, agrees in ((6.1, True), (8.9, True), (5.9, False), (9.0, False)):
        assert (calibrate.doubt(number, value) == "") == agrees
    assert "not a finite" in calibrate.doubt(number, None)
    number = Number("n", "n", "", "above", 9.95, typical=(10.0, 10.0))
    for value, agrees in ((10.0, True), (10.04, True), (10.06, False), (9.94, False)):
        assert (calibrate.doubt(number, value) == "") == agrees


@slow
def test_a_notebook_that_is_older_than_its_source_is_not_calibrated(bench):
    source = bench.root / "sources" / "lessons" / f"{bench.lesson.stem}.py"
    source.parent.mkdir(parents=True)
    source.write_text("x = 1\n")
    with pytest.raises(CalibrationError, match=r"digitdreams notebooks 00"):
        bench.calibrate(2)


def test_one_seed_is_too_few(bench):
    with pytest.raises(CalibrationError, match="too few"):
        bench.calibrate(1)


def test_a_lesson_without_exercise_numbers_is_refused(tmp_path):
    bench = Bench(tmp_path, limit=None)
    with pytest.raises(CalibrationError, match="no exercise numbers for 00"):
        bench.calibrate(2, exercise=True)
