"""What CONTRIBUTING.md, the glossary and the files beside them promise."""

import re
import tomllib

import pytest
import yaml

from digitdreams.authoring import handbook, readme
from places import ROOT

CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
with open(ROOT / "pyproject.toml", "rb") as stream:
    PROJECT = tomllib.load(stream)["project"]


def rows(text, heading):
    """The cells of each row of the tables whose first heading is this one."""
    for table in re.findall(r"(?:^\|.*\n)+", text, re.M):
        lines = [
            [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            for line in table.splitlines()
        ]
        if re.fullmatch(heading, lines[0][0]):
            yield from ([lines[0][0], *line] for line in lines[2:])


# The map --------------------------------------------------------------------------

MAPPED = {
    f"{re.search('`(.+)`', heading)[1]}.{name}"
    for heading, names, _ in rows(CONTRIBUTING, "module of `.+`")
    for name in re.findall(r"`([\w.]+)`", names)
}


def modules():
    """Every module and package below the package, and whether it is a package."""
    found = {}
    for path in sorted((ROOT / "digitdreams").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        found[name.removesuffix(".__init__")] = path.stem == "__init__"
    return found


def test_every_module_is_on_the_map():
    """Or the package that holds it is, where all its modules are of one kind."""
    missing = {
        name
        for name, is_package in modules().items()
        if not is_package and not {name, name.rpartition(".")[0]} & MAPPED
    }
    assert not missing, "add a line to CONTRIBUTING.md"


def test_every_module_of_the_map_exists():
    assert modules().keys() >= MAPPED


def test_every_place_of_the_map_exists():
    tree = re.search(r"```\n(course\.toml.*?)```", CONTRIBUTING, re.S)[1]
    made = {"build/", "my_work/"}
    for line in tree.splitlines():
        place = line.split()[0]
        assert place in made or (ROOT / place).exists(), place


def test_every_folder_of_the_course_is_on_the_map():
    tree = re.search(r"```\n(course\.toml.*?)```", CONTRIBUTING, re.S)[1]
    ignored = (ROOT / ".gitignore").read_text().split()
    for folder in ROOT.iterdir():
        name = f"{folder.name}/"
        if folder.is_dir() and not name.startswith(".") and name not in ignored:
            assert name in tree or folder.suffix == ".egg-info"


# The glossary ---------------------------------------------------------------------

TERMS = [row[1:] for row in rows(GLOSSARY, "term")]
AVOIDED = [
    (word.strip(), term)
    for term, _, _, words in TERMS
    for word in re.split("[,、]", words)
    if word.strip()
]
PROSE = [ROOT / f"{name}.md" for name in ("README", "INSTRUCTORS", "CONTRIBUTING")]
PROSE += [page for page in (ROOT / "docs").glob("*.md") if page.name != "glossary.md"]


def without_tables(text):
    """A page without the tables that are made from lessons and specifications."""
    return re.sub(rf"<!-- .*? made by .*?{readme.END}", "", text, flags=re.S)


def test_every_term_is_there_once_and_explained():
    names = [term for term, *_ in TERMS]
    assert len(names) > 50 and len(set(names)) == len(names)
    for _, chinese, meaning, _ in TERMS:
        assert chinese and meaning


@pytest.mark.parametrize(("word", "term"), AVOIDED)
def test_texts_keep_to_the_glossary(word, term):
    if word.isascii():
        texts = {page: without_tables(page.read_text("utf-8")) for page in PROSE}
        pattern = rf"\b{re.escape(word)}\b"
    else:
        content = (ROOT / "content").rglob("*")
        files = [one for one in content if one.suffix in (".py", ".yaml")]
        texts = {one: one.read_text("utf-8") for one in files}
        pattern = re.escape(word)
    found = [page.name for page, text in texts.items() if re.search(pattern, text)]
    assert not found, f"write {term!r}"


def test_generated_tables_are_recognised():
    text = handbook.FILE.read_text("utf-8")
    assert "| task | points |" in text
    assert "| task | points |" not in without_tables(text)


# Licences, versions, tools ----------------------------------------------------------


def test_the_licences_are_there_as_the_project_names_them():
    files = [one for name in PROJECT["license-files"] for one in ROOT.glob(name)]
    texts = [one.read_text(encoding="utf-8") for one in files]
    expected = {
        "Apache-2.0": ("Apache License", "END OF TERMS AND CONDITIONS"),
        "CC-BY-4.0": ("Attribution 4.0 International", "Section 8 -- Interpretation."),
        "CC-BY-SA-3.0": ("Creative Commons Attribution-ShareAlike 3.0",),
    }
    assert set(PROJECT["license"].split(" AND ")) == set(expected)
    for sentences in expected.values():
        assert sum(all(one in text for one in sentences) for text in texts) == 1
    assert PROJECT["license"] in (ROOT / "docs" / "licences.md").read_text("utf-8")


def test_one_version_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.search(r"^## (\d\S+)", changes, re.M)[1]
    assert citation["version"] == PROJECT["version"] == released
    assert citation["license"] in PROJECT["license"]


def test_commits_are_checked_with_the_tools_of_the_tests():
    text = (ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    (repository,) = yaml.safe_load(text)["repos"]
    assert repository["repo"] == "local"  # no network
    entries = [hook["entry"] for hook in repository["hooks"]]
    tools = [
        re.match(r"\.venv/bin/(ruff \w+|mypy|lint-imports)", one)[1] for one in entries
    ]
    assert tools == ["ruff format", "ruff check", "mypy", "lint-imports"]


def test_no_merge_is_left_half_done():
    left = re.compile("^(?:<{7}|={7}|>{7})(?: |$)", re.M)
    ignored = (ROOT / ".gitignore").read_text().split()
    folders = [
        folder
        for folder in ROOT.iterdir()
        if folder.is_dir() and f"{folder.name}/" not in ignored
    ]
    texts = [
        path
        for ending in ("md", "py", "toml", "yaml", "json")
        for path in (
            *ROOT.glob(f"*.{ending}"),
            *(one for folder in folders for one in folder.rglob(f"*.{ending}")),
        )
        if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
    ]
    assert len(texts) > 100
    found = [one for one in texts if left.search(one.read_text(encoding="utf-8"))]
    assert found == []
