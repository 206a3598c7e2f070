"""What a thing was made from: a change makes stale what it concerns, nothing else."""

import json
import os
import re
from pathlib import Path

import pytest

from course_copy import Copy
from digitdreams import course, stamps, tracing
from digitdreams.stamps import Stamp, StampError
from places import ROOT, WITH_EXERCISE


@pytest.fixture(scope="module")
def whole_copy(tmp_path_factory):
    return Copy(tmp_path_factory.mktemp("course"))


@pytest.fixture
def copy(whole_copy):
    yield whole_copy
    whole_copy.restore()


def parts_of(stale: dict[str, list[str]]) -> set[str]:
    """The parts that differ, but for the lessons that lesson 08 needs."""
    found = {part for parts in stale.values() for part in parts}
    return {part for part in found if not part.startswith("lesson ")}


EVERYTHING = {
    *(f"lesson {one.id}" for one in course.load().lessons),
    *(f"exercise {one.id}" for one in WITH_EXERCISE),
    *(f"solution {one.id}" for one in WITH_EXERCISE),
    *(f"benchmark {name}" for name in stamps.BENCHMARKS),
    *("judge", "judgement"),
}
JUDGED = {f"benchmark {name}" for name in ("gan", "conditional", "diffusion")}


def test_a_copy_elsewhere_has_the_same_stamps(copy):
    for one in course.load().lessons:
        assert stamps.of_lesson(one) == copy.before[f"lesson {one.id}"]


def test_a_metric_concerns_those_who_use_it(copy):
    copy.change("digitdreams/metrics.py", "def kid(", "kid = 1\n\n\ndef kid(")
    assert copy.stale() == {"lesson 08": ["digitdreams/metrics.py"]}


@pytest.mark.slow
def test_a_question_or_problem_concerns_the_interview_room_s_text(copy):
    copy.change("content/questions/vae.yaml", "VAE", "vae")
    copy.change("content/problems/gan.py", "def ", "new = 1\n\n\ndef ")
    assert copy.stale() == {}
    changed = {"lesson 18": ["content/problems", "content/questions"]}
    assert copy.stale(display=True) == changed


def test_a_metric_that_the_judge_uses_concerns_whom_the_judge_reports_to(copy):
    name = "def inception_score("
    copy.change("digitdreams/metrics.py", name, name + "_=0, *")
    stale = copy.stale()
    assert {"lesson 00", "lesson 05", "lesson 07", "lesson 08"} <= set(stale)
    assert {"exercise 05", "solution 05", "judgement"} | JUDGED <= set(stale)
    assert not {"lesson 01", "lesson 02", "lesson 18", "exercise 06"} & set(stale)
    assert not {"judge", "benchmark vae"} & set(stale)  # the weights stay
    assert parts_of(stale) == {"digitdreams/metrics.py"}


def test_a_new_metric_concerns_nobody(copy):
    copy.change("digitdreams/metrics.py", "def kid(", "def new(): ...\n\n\ndef kid(")
    assert copy.stale(display=True) == {}


def test_the_judge_concerns_those_whom_it_judges(copy):
    name = "digitdreams/judge.keras"
    copy.write(name, (ROOT / name).read_bytes()[:-1] + b"x")
    stale = copy.stale()
    assert parts_of(stale) == {"digitdreams/judge.keras"}
    of_course = {name for name in EVERYTHING if name[-1].isdecimal()}
    judged = {name for name in of_course if uses_judge(name)} | JUDGED | {"judgement"}
    assert set(stale) == judged
    assert {"lesson 05", "exercise 05", "solution 05"} <= judged
    assert {"exercise 03", "solution 06"} <= EVERYTHING - judged


def uses_judge(name: str) -> bool:
    """Whether the text of a lesson, solution or specification calls the judge."""
    kind, number = name.split()
    folder = {"lesson": "lessons", "exercise": "tasks", "solution": "solutions"}[kind]
    [path] = (ROOT / "sources" / folder).glob(f"{number}_*.py")
    return "judge." in re.sub(r"#.*", "", path.read_text("utf-8"))


def test_the_judge_s_training_concerns_its_weights_alone(copy):
    copy.change("digitdreams/judge.py", "EPOCHS = 10", "EPOCHS = 11")
    assert copy.stale() == {"judge": ["digitdreams/judge.py"]}


def test_how_the_judge_reports_concerns_neither_weights_nor_benchmarks(copy):
    copy.change("digitdreams/judge.py", "SMALLEST_SAMPLE = 100", "SMALLEST_SAMPLE = 99")
    stale = copy.stale()
    assert parts_of(stale) == {"digitdreams/judge.py"}
    assert {"lesson 05", "lesson 07"} <= set(stale)
    assert not {"judge", "judgement", *JUDGED, "exercise 05"} & set(stale)


def test_a_published_recipe_concerns_its_own_curve(copy):
    copy.change("benchmarks/published.py", "= 30, 128, 2", "= 31, 128, 2")
    assert copy.stale() == {"benchmark vae": ["benchmarks/published.py"]}


def test_our_recipes_and_the_benchmark_s_figure_concern_no_recorded_curve(copy):
    copy.change("benchmarks/tutorials.py", "def figure(results", "def figure(result")
    assert copy.stale(display=True) == {}
    copy.change("digitdreams/models/gan.py", "AVERAGE_DECAY = ", "AVERAGE_DECAY = 0 * ")
    assert not {name for name in copy.stale() if name.startswith("benchmark")}


def test_a_generator_concerns_who_needs_it(copy):
    copy.change(
        "sources/lessons/03_vae.py", "from digitdreams import course", "import re"
    )
    stale = copy.stale()
    assert stale["lesson 08"] == ["lesson 03"]
    assert set(stale) == {"lesson 03", "lesson 08"}


def test_a_specification_concerns_its_exercise(copy):
    copy.change("sources/tasks/03_vae.py", "points=", "points=1 + ")
    assert copy.stale(display=True) == {"exercise 03": ["sources/tasks/03_vae.py"]}


def test_a_data_file_concerns_those_who_load_the_digits(copy):
    copy.change("data/mnist/3.0.1/features.json", "{", "{ ")
    stale = copy.stale()
    # What was measured on the digits names each of their files.
    assert parts_of(stale) == {"data/mnist/3.0.1", "data/mnist/3.0.1/features.json"}
    without = {name for name in EVERYTHING if name.startswith("exercise")}
    assert set(stale) >= EVERYTHING - without - {"solution 06"}
    # The probe and the measure of exercise 06 know eight Gaussians, no digits.
    assert "exercise 06" not in stale


def test_the_style_of_figures_makes_no_number_stale(copy):
    copy.change("digitdreams/plots.py", "GAP = ", "GAP = 1 + ")
    assert copy.stale() == {}
    stale = copy.stale(display=True)
    assert parts_of(stale) == {"digitdreams/plots.py"}
    assert {"lesson 03", "lesson 05", "lesson 07"} <= set(stale)
    assert not any(name.startswith("exercise") for name in stale)


def test_comments_and_docstrings_of_our_code_concern_nobody(copy):
    for name in ("metrics", "plots", "judge", "data"):
        file = f"digitdreams/{name}.py"
        text = (ROOT / file).read_text("utf-8").replace("\n", "\r\n")
        text = re.sub(r'(def .*:\s+""")', r"\1New words. ", text)
        copy.write(file, f"# A remark.\r\n{text}  # Another.\r\n".encode())
    assert copy.stale(display=True) == {}


def test_a_text_cell_or_comment_of_a_lesson_concerns_what_it_shows(copy):
    copy.change("sources/lessons/03_vae.py", "# # ", "# # New title: ")
    assert copy.stale() == {}
    assert copy.stale(display=True) == {"lesson 03": ["text"]}


def test_a_bar_concerns_what_is_printed(copy):
    copy.change("course.toml", "below = 148.0", "below = 147.5")
    assert copy.stale() == {}
    assert copy.stale(display=True) == {
        "lesson 03": ["course.toml"],
        "lesson 04": ["lesson 03 in course.toml"],  # they quote what is typical there
        "lesson 08": ["lesson 03 in course.toml"],
    }


@pytest.mark.parametrize(
    "name",
    [
        "digitdreams/judge.keras",
        "data/mnist/3.0.1/mnist-test.tfrecord-00000-of-00001",
        "digitdreams/metrics.py",
        "sources/tasks/05_gan.py",
    ],
)
def test_a_missing_file_is_an_error_that_names_it(copy, name):
    copy.write(name, None)
    with pytest.raises(StampError, match=re.escape(Path(name).stem)):
        copy.stamps()


def test_a_library_s_version_counts_where_it_is_used(copy, monkeypatch):
    version = stamps.metadata.version
    newer = {"keras": "9.1.2"}
    monkeypatch.setattr(
        stamps.metadata, "version", lambda name: newer.get(name) or version(name)
    )
    assert copy.stale()["lesson 03"] == ["keras"]


# Stamps by themselves -----------------------------------------------------------------


def test_a_file_changed_within_one_process_is_seen(tmp_path):
    path = tmp_path / "one.py"
    path.write_text("x = 1\n")
    first = stamps.of("one.py", root=tmp_path)
    path.write_text("x = 12\n")
    assert stamps.of("one.py", root=tmp_path).changes(first) == ["one.py"]


def test_times_and_line_endings_do_not_count(tmp_path):
    (tmp_path / "one.json").write_bytes(b'{"a":\n1}\n')
    first = stamps.of(files=["one.json"], root=tmp_path)
    os.utime(tmp_path / "one.json", (1, 1))
    assert stamps.of(files=["one.json"], root=tmp_path) == first
    (tmp_path / "one.json").write_bytes(b'{"a":\r\n1}\r\n')
    assert stamps.of(files=["one.json"], root=tmp_path) == first
    with pytest.raises(StampError, match=r"two\.json"):
        stamps.of(files=["two.json"], root=tmp_path)
    with pytest.raises(StampError, match=r"\*\.yaml"):
        stamps.of(files=["*.yaml"], root=tmp_path)


def test_one_function_of_a_file_can_be_asked_for(tmp_path):
    (tmp_path / "one.py").write_text("def a(): return b()\ndef b(): 1\ndef c(): 1\n")
    first = stamps.of("one.py:a", root=tmp_path)
    (tmp_path / "one.py").write_text("def a(): return b()\ndef b(): 1\ndef c(): 2\n")
    assert stamps.of("one.py:a", root=tmp_path) == first
    (tmp_path / "one.py").write_text("def a(): return b()\ndef b(): 2\ndef c(): 1\n")
    assert stamps.of("one.py:a", root=tmp_path) != first
    with pytest.raises(StampError, match="has no gone"):
        stamps.of("one.py:gone", root=tmp_path)


def test_a_stamp_survives_json_and_says_what_changed():
    stamp = Stamp({"a": "1", "b": "2"}, {"c": "3"})
    assert Stamp.from_data(json.loads(json.dumps(stamp.as_data()))) == stamp
    older = Stamp({"a": "0", "d": "4"}, {"c": "0"})
    assert stamp.changes(older) == ["a", "b (new)", "d (no longer used)"]
    assert stamp.changes(older, display=True)[-1] == "c"
    assert stamp.changes(None) == ["made before stamps were kept"]
    assert stamp.digest() != older.digest()
    assert stamp.digest() == Stamp(stamp.numbers).digest()
    assert stamp.digest(display=True) != Stamp(stamp.numbers).digest(display=True)
    for other in (None, {}, {"fingerprint": "x"}, "x", {"numbers": 3}):
        assert Stamp.from_data(other) is None


def test_old_code_in_memory_is_noticed(monkeypatch):
    assert stamps.changed_since_start() == []
    monkeypatch.setitem(stamps._at_start, "digitdreams.course", "of an older file")
    monkeypatch.setitem(stamps._at_start, "digitdreams.not_imported", "older")
    assert stamps.changed_since_start() == ["digitdreams.course"]


# What is declared ---------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(stamps.DISPLAY | stamps.UNCOUNTED))
def test_what_is_declared_exists(name):
    file, _, symbol = name.partition(".py:")
    path = ROOT / (file + ".py" if symbol else file)
    assert path.is_dir() if name.endswith("/") else path.is_file()
    if symbol:
        assert tracing.read(path).binds(symbol)


@pytest.mark.parametrize("name", stamps.FILES)
def test_who_reads_a_declared_file_exists_and_so_does_the_file(name):
    file, _, symbol = name.partition(".py:")
    assert tracing.read(ROOT / f"{file}.py").binds(symbol)
    for pattern in stamps.FILES[name]:
        assert list(ROOT.glob(pattern)), pattern


def test_what_makes_pictures_draws_no_random_numbers_of_others():
    """A style that moved the random numbers of a training would change its result."""
    for name in stamps.DISPLAY:
        path = ROOT / name
        for file in path.glob("*.py") if path.is_dir() else [path]:
            if file.is_file():
                text = file.read_text("utf-8")
                assert "keras.random" not in text, file
                assert "tf.random" not in text, file
                assert not re.search(r"np\.random\.(?!default_rng)", text), file


SOURCES = sorted(
    path.relative_to(ROOT).as_posix() for path in (ROOT / "sources").rglob("*.py")
)


@pytest.mark.parametrize("name", SOURCES)
def test_no_source_uses_a_name_of_ours_that_is_not_there(name):
    places = stamps.places_of(ROOT)
    assert stamps.trace(places, [name], "numbers", "display").unknown == set()


def test_a_lesson_that_reads_course_toml_or_an_exercise_declares_it(lesson):
    text = (ROOT / "sources" / "lessons" / f"{lesson.stem}.py").read_text("utf-8")
    code = re.sub(r"^#.*", "", text, flags=re.MULTILINE)
    quoted = {
        f"lesson {id}" for id in re.findall(r'load\(\)\.find\("(\d+)"\)\.n', code)
    }
    assert quoted <= set(lesson.reads)
    if re.search(r"in course\.load\(\)\.lessons", code):
        assert "course.toml" in lesson.reads
    if '"exercises"' in code:
        assert any(one.startswith("exercises/") for one in lesson.reads)


def test_every_data_file_that_the_package_names_is_declared():
    declared = {one for group in stamps.FILES.values() for one in group}
    others = ROOT / "digitdreams" / "pretrained"  # reads files of installed packages
    for path in {*(ROOT / "digitdreams").rglob("*.py")} - {*others.glob("*.py")}:
        text = path.read_text("utf-8")
        for name in re.findall(r"[\"']([\w./-]+\.(?:keras|npz|npy|h5))[\"']", text):
            assert any(one.endswith(name) for one in declared), (path, name)
