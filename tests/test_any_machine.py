"""Another user's machine: no home, a closed course, a full disk, other settings."""

import json
import os
import subprocess
import sys

import pytest

from places import ROOT

ODD = "Ann Ö [v2] {x} 100% #1 (copy)"
HIDDEN = ("HOME", "USER", "LOGNAME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "KERAS_HOME")
HIDDEN += ("DIGITDREAMS_HOME", "PYTHONIOENCODING", "TMPDIR")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """What commands said to a stranger, all typed into one process."""
    folder = tmp_path_factory.mktemp("machine")
    work, closed = folder / ODD, folder / "closed"
    for one in (work, closed, folder / "full", folder / "gone"):
        one.mkdir()
    closed.chmod(0o500)
    full = str(folder / "full")
    orders = {
        "list": {"words": ["list"]},
        "start": {"words": ["start", "03"]},
        "problem": {"words": ["problems", "start", "best_pair"], "encoding": "ascii"},
        "progress": {"words": ["progress", "show"]},
        "search": {"words": ["questions", "search", "KL", "--language", "zh"]},
        "own": {"words": ["--home", str(work / "own [v3]"), "start", "03"]},
        "no submissions": {"words": ["grade", "03"]},
        "full": {"words": ["--home", full, "start", "03"]},
        "full deck": {"words": ["anki", f"{full}/deck.apkg"]},
        "closed": {"words": ["--home", str(closed), "problems", "start", "best_pair"]},
        "closed release": {"words": ["release", "03", "--to", str(closed / "new")]},
        "gone": {"words": ["start", "03"], "folder": str(folder / "gone")},
    }
    orders["list"]["folder"] = str(work)
    orders["search"]["encoding"] = "gbk"
    orders["gone"]["gone"] = True
    environment = {k: v for k, v in os.environ.items() if k not in HIDDEN}
    ran = subprocess.run(
        [sys.executable, str(ROOT / "tests" / "room.py"), str(folder)],
        input=json.dumps([*orders.values()]),
        env=environment
        | {
            "COLUMNS": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]),
        },
        capture_output=True,
        text=True,
        timeout=300,
    )
    if "unshare:" in ran.stderr or "uid_map" in ran.stderr:
        pytest.skip(ran.stderr.splitlines()[-1])
    assert ran.returncode == 0, ran.stderr
    answers = json.loads(ran.stdout)
    return work, dict(zip(orders, answers, strict=True))


@pytest.mark.slow
def test_a_stranger_works_in_another_folder(stranger):
    """The course is read-only, umask 077, no home, an output without most letters."""
    work, said = stranger
    for name in ("list", "start", "problem", "progress", "search", "own"):
        assert said[name]["status"] == 0, said[name]
    assert "variational autoencoder" in said["list"]["said"].lower()
    copied = work / "my_work" / "exercises" / "03_vae" / "03_vae.ipynb"
    assert copied.is_file() and copied.stat().st_mode & 0o777 == 0o600
    assert (work / "own [v3]" / "my_work" / "exercises" / "03_vae").is_dir()
    assert "best_pair.py" in said["problem"]["said"]
    for name in ("problem", "progress"):  # nothing in a path is lost
        assert "[v2] {x} 100% #1 (copy)" in said[name]["said"]
    assert str(work / "build" / "home").split("Ö")[1] in said["progress"]["said"]
    assert "完整回答" in said["search"]["said"]
    assert not (work / "~").exists() and not (ROOT / "~").exists()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("no submissions", "submitted does not exist"),
        ("full", "full/my_work"),
        ("full deck", "deck.apkg"),
        ("closed", "closed/my_work"),
        ("closed release", "closed/new"),
        ("gone", "The folder that you work in was removed"),
    ],
)
def test_a_stranger_is_told_in_one_line_what_is_in_the_way(stranger, name, cause):
    answer = stranger[1][name]
    assert answer["status"] == 1
    (line,) = answer["said"].strip().splitlines()
    assert cause in line
    if name.startswith("full"):
        assert "space" in line


# Settings of a user's own, for other work --------------------------------------------

SETTINGS = {
    ".keras/keras.json": json.dumps(
        {
            "floatx": "float16",
            "epsilon": 0.1,
            "backend": "jax",
            "image_data_format": "channels_first",
        }
    ),
    ".config/dask/mine.yaml": """\
temporary-directory: /nonexistent/dask
scheduler-address: tcp://192.0.2.1:8786
distributed:
  worker:
    preload: [there_is_no_such_module]
  nanny:
    preload: [there_is_no_such_module]
    environ: {OMP_NUM_THREADS: none}
  comm:
    timeouts: {connect: 1ms}
""",
}
ASK = """
from digitdreams.grading import cluster

if __name__ == "__main__":
    with cluster.local_cluster(1) as client:
        print(client.submit(sum, [40, 2]).result(timeout=200))
    import dask
    print(dask.config.get("temporary-directory"))
    from digitdreams import files
    import keras
    shape = keras.layers.Conv2D(8, 3)(keras.Input((28, 28, 1))).shape
    print(keras.backend.backend(), keras.config.floatx(), keras.config.epsilon(), shape)
"""


@pytest.mark.slow
def test_settings_of_keras_and_dask_change_nothing(tmp_path):
    for name, content in SETTINGS.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_text(content, encoding="utf-8")
    program = tmp_path / "ask.py"  # a cluster's processes read it anew
    program.write_text(ASK)
    own = {k: v for k, v in os.environ.items() if k not in HIDDEN}
    ran = subprocess.run(
        [sys.executable, str(program)],
        env=own | {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert ran.stdout.splitlines() == [
        "42",
        "/nonexistent/dask",  # put back for whatever else this process does
        "tensorflow float32 1e-07 (None, 26, 26, 8)",
    ], ran.stderr
