"""pyproject.toml, requirements.lock and environment.yml name the same versions."""

import ast
import re
import sys
import sysconfig
import tomllib
from importlib import metadata

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from places import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
STUDENT = (ROOT / "requirements-student.lock").read_text(encoding="utf-8")
SITE = (ROOT / "requirements-site.lock").read_text(encoding="utf-8")
LANGUAGE = (ROOT / "requirements-language.lock").read_text(encoding="utf-8")
GROUPS = PROJECT["dependency-groups"]
EXTRAS = PROJECT["project"]["optional-dependencies"]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
WANTED = [
    Requirement(text)
    for text in (
        *PROJECT["project"]["dependencies"],
        *(one for name in EXTRAS for one in EXTRAS[name]),
        *GROUPS["build"],
        *PROJECT["build-system"]["requires"],
    )
    if not text.startswith("digitdreams[")
]


def locked(text: str) -> dict:
    """Name: (version, marker) of each package that a lock holds."""
    return {
        canonicalize_name(found[1]): (
            found[2],
            Requirement(found[0].rstrip(" \\")).marker,
        )
        for found in re.finditer(r"^([A-Za-z0-9._-]+)==([^\s;]+)[^\n]*", text, re.M)
    }


LOCKED = locked(LOCK)
MODELS = locked(LANGUAGE)


def test_the_lock_satisfies_pyproject():
    assert len(WANTED) > 50
    for wanted in WANTED:
        version, _ = LOCKED[canonicalize_name(wanted.name)]
        assert wanted.specifier.contains(version), wanted


@pytest.mark.parametrize(
    ("lock", "least"), [(LOCK, 100), (STUDENT, 80), (SITE, 100), (LANGUAGE, 8)]
)
def test_every_locked_package_has_exactly_one_version_and_hashes(lock, least):
    blocks = re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.M)
    named = [one for one in blocks if "==" in one.split("\n")[0]]
    assert len(named) == len(locked(lock)) > least
    assert all("--hash=sha256:" in one for one in named)


def test_the_locks_name_no_package_index():
    assert "://" not in LOCK + STUDENT + SITE + LANGUAGE


def test_the_lock_of_the_language_models_holds_what_its_group_names():
    group = [Requirement(text) for text in GROUPS["language"]]
    assert {canonicalize_name(one.name) for one in group} == MODELS.keys()
    for one in group:
        assert one.specifier.contains(MODELS[canonicalize_name(one.name)][0])
    # They are installed beside the others, without what they name themselves.
    shared = LOCKED.keys() & MODELS.keys()
    assert shared and all(LOCKED[name] == MODELS[name] for name in shared)
    assert not MODELS.keys() & {"torch", "llama-cpp-python", "tensorflow-text"}


def test_a_student_gets_a_part_of_the_same_versions():
    part = locked(STUDENT)
    assert 80 < len(part) < len(LOCKED)
    assert all(LOCKED[name][0] == version for name, (version, _) in part.items())
    for name in ("dask", "distributed", "psycopg2-binary", "genanki", "nbgrader"):
        assert name in LOCKED and name not in part


def test_the_book_adds_its_tools_to_what_a_student_gets():
    part, student = locked(SITE), locked(STUDENT)
    assert all(LOCKED[name][0] == version for name, (version, _) in part.items())
    assert part.keys() > student.keys()
    assert not {"sphinx", "mini-racer", "pagefind", "myst-nb"} & student.keys()
    assert not {"nbgrader", "dask", "mypy", "pytest"} & part.keys()
    wanted = {canonicalize_name(Requirement(one).name) for one in EXTRAS["site"]}
    assert wanted <= part.keys()


def test_the_extras_are_there():
    assert set(EXTRAS) == {"grading", "interview", "language", "site", "dev"}


def test_conda_installs_the_lock_and_the_same_python():
    python, _, pip = ENVIRONMENT["dependencies"]
    assert python == "python=3.11"
    assert PROJECT["project"]["requires-python"] == ">=3.11,<3.12"
    assert pip["pip"] == ["--require-hashes", "-r requirements.lock"]


def test_what_is_installed_is_what_is_locked():
    here = {
        name: version
        for name, (version, marker) in (LOCKED | MODELS).items()
        if marker is None or marker.evaluate()
    }
    assert len(here) > 200
    # Not all of sys.path: setuptools, once imported, adds packages of its own to it.
    installed = metadata.distributions(path=[sysconfig.get_path("purelib")])
    found = {canonicalize_name(one.name): one.version for one in installed}
    assert {name: found.get(name) for name in here} == here


def extra(name: str) -> set[str]:
    """The distributions that an extra names, or the ground floor for an empty name."""
    wanted = EXTRAS[name] if name else PROJECT["project"]["dependencies"]
    parts = [Requirement(text) for text in wanted]
    return {
        canonicalize_name(one) for part in parts for one in (part.name, *part.extras)
    }


FLOOR = extra("")
EVERYTHING = set(LOCKED)
DECLARED = {  # the first that fits
    "digitdreams/authoring/site": FLOOR | extra("site"),
    "digitdreams/authoring": FLOOR | extra("grading") | extra("dev"),
    "digitdreams/grading": FLOOR | extra("grading"),
    "digitdreams/interview": FLOOR | extra("interview"),
    "digitdreams/pretrained": FLOOR | extra("language") | set(MODELS),
    "digitdreams": FLOOR,
    "content": FLOOR,
    "sources": FLOOR,
    "benchmarks": EVERYTHING,
    "tests": EVERYTHING,
    "tools": EVERYTHING,
}


def imported(path) -> set[str]:
    """The packages that a file imports, without Python's own and ours."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module)
    ours = {"digitdreams"}
    for folder in ("tests", "benchmarks"):
        ours |= {one.stem for one in (ROOT / folder).rglob("*.py")}
    tops = {one.partition(".")[0] for one in names}
    return tops - ours - set(sys.stdlib_module_names)


@pytest.fixture(scope="module")
def known():
    """The distributions that bring a package: Python looks at every installed file."""
    return metadata.packages_distributions()


@pytest.mark.parametrize("folder", DECLARED)
def test_what_a_folder_imports_is_declared_for_it(folder, known):
    others = [one for one in DECLARED if one.startswith(f"{folder}/")]
    for path in (ROOT / folder).rglob("*.py"):
        name = path.relative_to(ROOT).as_posix()
        if any(name.startswith(f"{one}/") for one in others):
            continue
        for package in imported(path):
            found = {canonicalize_name(one) for one in known.get(package, ())}
            assert found & DECLARED[folder], f"{name} imports {package}"
