"""pyproject.toml, requirements.lock and environment.yml name the same versions."""

import re
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
EXTRAS = PROJECT["project"]["optional-dependencies"]
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
WANTED = [
    Requirement(text)
    for text in (
        *PROJECT["project"]["dependencies"],
        *(one for name in EXTRAS for one in EXTRAS[name]),
        *PROJECT["dependency-groups"]["build"],
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


@pytest.mark.parametrize("wanted", WANTED, ids=str)
def test_the_lock_satisfies_pyproject(wanted):
    version, _ = LOCKED[canonicalize_name(wanted.name)]
    assert wanted.specifier.contains(version)


def test_every_locked_package_has_exactly_one_version_and_hashes():
    blocks = re.split(r"^(?=[A-Za-z0-9])", LOCK, flags=re.M)
    named = [one for one in blocks if "==" in one.split("\n")[0]]
    assert len(named) == len(LOCKED) > 100
    assert all("--hash=sha256:" in one for one in named)


def test_the_lock_names_no_package_index():
    assert "://" not in LOCK + STUDENT


def test_a_student_gets_a_part_of_the_same_versions():
    part = locked(STUDENT)
    assert 80 < len(part) < len(LOCKED)
    assert all(LOCKED[name][0] == version for name, (version, _) in part.items())
    for name in ("dask", "distributed", "psycopg2-binary", "genanki", "nbgrader"):
        assert name in LOCKED and name not in part


def test_the_extras_are_there():
    assert set(EXTRAS) == {"grading", "interview", "language", "site", "dev"}


def test_conda_installs_the_lock_and_the_same_python():
    python, _, pip = ENVIRONMENT["dependencies"]
    assert python == "python=3.11"
    assert PROJECT["project"]["requires-python"] == ">=3.11,<3.12"
    assert pip["pip"] == ["--require-hashes", "-r requirements.lock"]


@pytest.mark.parametrize("name", sorted(LOCKED))
def test_what_is_installed_is_what_is_locked(name):
    version, marker = LOCKED[name]
    if marker is not None and not marker.evaluate():
        pytest.skip("not for this system")
    assert metadata.version(name) == version
