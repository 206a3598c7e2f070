"""Which code a file uses: names are followed, and where in doubt more counts."""

import textwrap

import pytest

from digitdreams.tracing import Places, Tracer, TracingError, cut, read


class Small:
    """A package of a few modules, and what a file reaches in it."""

    def __init__(self, root):
        self.root = root
        self.write("digitdreams/__init__.py", "")

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), "utf-8")
        return path

    def reach(self, text, name="lessons/it.py"):
        """The names that are reached in each module, and foreign packages."""
        path = self.write(name, text)
        places = Places(self.root / "digitdreams", self.root)
        tracer = Tracer(places, lambda label, unit: True)
        tracer.whole(path)
        found = {
            tracer.label(file): sorted({n for i in used for n in module.units[i].names})
            for file, module, used in tracer
        }
        del found[name]
        found.pop("digitdreams/__init__.py", None)
        return found, tracer.trace.foreign


@pytest.fixture
def small(tmp_path):
    small = Small(tmp_path)
    small.write(
        "digitdreams/metrics.py",
        """
        import numpy as np
        from digitdreams import data
        LIMIT = 3
        UNUSED = 4
        def helper(x): return x + LIMIT
        def fid(x): return np.mean(helper(x))
        def kid(x): return data.load()
        class Score:
            def of(self, x): return kid(x)
        """,
    )
    small.write("digitdreams/data.py", "def load(): return 1\ndef other(): return 2\n")
    return small


ALL = ["LIMIT", "Score", "UNUSED", "fid", "helper", "kid"]
FID = ["LIMIT", "fid", "helper"]


@pytest.mark.parametrize(
    "text",
    [
        "from digitdreams import metrics\nmetrics.fid(1)",
        "from digitdreams import metrics as m\nm.fid(1)",
        "from digitdreams.metrics import fid\nfid(1)",
        "from digitdreams.metrics import fid as f\nprint(f)",
        "import digitdreams.metrics\ndigitdreams.metrics.fid(1)",
        "import digitdreams.metrics as m\nm.fid(1)",
        "def f():\n    from digitdreams import metrics\n    return metrics.fid(1)",
        "class C:\n    def f(self):\n        from digitdreams.metrics import fid\n"
        "        return lambda: fid(1)",
        "from digitdreams import metrics\n[metrics.fid(x) for x in range(3)]",
        "try:\n    from digitdreams.metrics import fid\nexcept ImportError:\n"
        "    fid = None\nfid(1)",
    ],
)
def test_only_what_is_used_is_reached(small, text):
    found, foreign = small.reach(text)
    assert found["digitdreams/metrics.py"] == FID
    assert found["digitdreams/data.py"] == []
    assert "numpy" in foreign


def test_a_class_counts_whole_and_chains_go_on(small):
    found, _ = small.reach("from digitdreams.metrics import Score\nScore()")
    assert found["digitdreams/metrics.py"] == ["Score", "kid"]
    assert found["digitdreams/data.py"] == ["load"]


@pytest.mark.parametrize(
    "text",
    [
        "from digitdreams import metrics\nprint(metrics)",
        "from digitdreams import metrics\ngetattr(metrics, 'fi' + 'd')",
        "from digitdreams import metrics\nmetrics.made_later(1)",
        "from digitdreams import metrics\nmetrics = metrics\nmetrics.fid(1)",
    ],
)
def test_a_module_that_is_handed_on_counts_whole(small, text):
    found, _ = small.reach(text)
    assert found["digitdreams/metrics.py"] == ALL


@pytest.mark.parametrize(
    "text",
    [
        "from digitdreams import metrics\ndef f(metrics): return metrics.fid(1)",
        "from digitdreams import metrics\ndef f():\n    metrics = g()\n"
        "    return metrics",
        "from digitdreams import metrics\n[metrics for metrics in range(3)]",
        "from digitdreams import metrics\nf = lambda metrics: metrics",
    ],
)
def test_a_variable_of_the_same_name_is_no_module(small, text):
    found, _ = small.reach(text)
    assert found["digitdreams/metrics.py"] == []


def test_a_comprehension_hides_a_name_only_inside_itself(small):
    text = """
    from digitdreams import metrics
    def f():
        rows = [metrics for metrics in range(3)]
        return metrics.fid(rows)
    """
    assert small.reach(text)[0]["digitdreams/metrics.py"] == FID


def test_a_global_that_a_function_sets_is_the_module_s(small):
    small.write(
        "digitdreams/state.py",
        "_now = 1\ndef start():\n    global _now\n    _now = 2\n"
        "def end():\n    return _now\n",
    )
    found, _ = small.reach("from digitdreams import state\nstate.end()")
    assert found["digitdreams/state.py"] == ["_now", "end"]


def test_what_runs_on_import_counts(small):
    small.write(
        "digitdreams/table.py",
        """
        import functools
        TABLE = {}
        TABLE["a"] = 1
        def register(f): return f
        @register
        def known(): return helper()
        def helper(): return 1
        @functools.lru_cache(maxsize=1)
        def cached(): return 2
        if TABLE:
            chosen = 1
        if __name__ == "__main__":
            unseen = 1
        """,
    )
    found, _ = small.reach("import digitdreams.table")
    names = ["TABLE", "chosen", "helper", "known", "register"]
    assert found["digitdreams/table.py"] == names


def test_packages_relative_imports_and_stars(small):
    small.write("digitdreams/models/__init__.py", "from .parts import adam\n")
    small.write(
        "digitdreams/models/parts.py",
        "from ..metrics import *\ndef adam(): return fid(1)\ndef other(): return 1\n",
    )
    found, _ = small.reach("from digitdreams import models\nmodels.adam()")
    assert found["digitdreams/models/parts.py"] == ["adam"]
    assert found["digitdreams/metrics.py"] == FID
    found, _ = small.reach("from digitdreams.models import parts\nparts.other()")
    assert found["digitdreams/models/parts.py"] == ["other"]


def test_a_file_beside_is_ours_and_an_installed_package_is_not(small):
    small.write("sources/tasks/inputs.py", "def draw(): return 1\ndef spare(): pass\n")
    text = "import keras\nimport scipy.special\nfrom inputs import draw\ndraw()"
    found, foreign = small.reach(text, "sources/tasks/03_vae.py")
    assert found["sources/tasks/inputs.py"] == ["draw"]
    assert foreign >= {"keras", "scipy"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import digitdreams.gone", "digitdreams.gone"),
        ("from digitdreams import gone", "imports gone"),
        ("from digitdreams.metrics import gone", "imports gone"),
        ("from .gone import x", r"\.gone"),
        ("def f(:", "line 1"),
    ],
)
def test_what_is_missing_or_no_python_is_named(small, text, message):
    with pytest.raises(TracingError, match=message):
        small.reach(text)


def test_comments_layout_and_docstrings_do_not_count(tmp_path):
    path = tmp_path / "one.py"

    def digests(text):
        path.write_bytes(text.encode())
        return [unit.digest for unit in read(path).units]

    first = digests("def f(x):\n    return x + 1\n")
    assert first == digests(
        '"""Text."""\n# why\ndef f( x ):\r\n    """What."""\r\n\r\n    return (x+1) # b'
    )
    assert first != digests("def f(x):\n    return x + 2\n")
    assert first != digests("def f(y):\n    return y + 1\n")
    assert first != digests("def f(x):\n    'a'; return 'b'\n")


def test_hints_of_types_do_not_count_but_the_fields_of_a_class_do():
    def units(text):
        return [one for one in cut(text).units if one.names]

    bare = units("x = {}\ndef f(a, b=1):\n    c = a\n    return c\n")
    text = "x: dict[str, int] = {}\ny: int\n"
    text += "def f(a: Any, b: metrics.X = 1) -> X:\n    c: X = a\n    return c\n"
    assert units(text) == bare
    fields = units("class C:\n    a: int\n    b: int = 2\n")
    assert fields != units("class C:\n    a: int\n    b: float = 2\n")
    assert fields != units("class C:\n    a: int\n")
    method = "class C:\n    def f(self{}): return 1\n"
    assert units(method.format(", a: int")) == units(method.format(", a"))


def test_a_notebook_is_read_as_its_code_cells(tmp_path):
    (tmp_path / "a.py").write_text("# %% [markdown]\n# Text\n\n# %%\nx = 1\n# %%\nx\n")
    (tmp_path / "a.ipynb").write_text(
        '{"cells": [{"cell_type": "markdown", "source": "Text"},'
        '{"cell_type": "code", "source": ["x =", " 1"]},'
        '{"cell_type": "code", "source": "x  # why"}]}'
    )
    source, notebook = read(tmp_path / "a.py"), read(tmp_path / "a.ipynb")
    assert source.units == notebook.units
