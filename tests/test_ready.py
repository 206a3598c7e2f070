"""What a notebook says where something that it needs is missing."""

import os
import shutil
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient

from digitdreams import checks, data, files, ready
from digitdreams.authoring.kernel import OwnKernelManager
from places import ROOT

START = "from digitdreams import course\nseed = course.start('03', exercise=True)"


def run_cells(folder, *cells, **environment):
    """Run cells in a real kernel; return the outputs of each."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells]
    )
    client = NotebookClient(
        notebook,
        kernel_manager_class=OwnKernelManager,
        allow_errors=True,
        timeout=300,
        startup_timeout=300,
        coalesce_streams=True,  # a kernel may send a line in several pieces
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute(env={**os.environ, **environment})
    return [cell.outputs for cell in notebook.cells]


def only_line(outputs):
    """The one line of an error that a reader sees."""
    (error,) = (one for one in outputs if one.output_type == "error")
    (line,) = error.traceback
    assert "\n" not in line
    return line


@pytest.mark.slow
def test_a_notebook_shows_one_line_and_no_traceback(tmp_path):
    (outputs,) = run_cells(tmp_path, START, KERAS_BACKEND="jax")
    line = only_line(outputs)
    assert line.startswith("NotReady: Keras computes with 'jax' here")
    assert "KERAS_BACKEND" in line and "restart the kernel" in line


@pytest.mark.slow
def test_the_backend_of_the_users_own_settings_does_not_count(tmp_path):
    (tmp_path / ".keras").mkdir()
    (tmp_path / ".keras" / "keras.json").write_text('{"backend": "jax"}')
    environment = {**os.environ, "KERAS_HOME": str(tmp_path / ".keras")}
    environment.pop("KERAS_BACKEND", None)
    code = f"{START}\nimport keras\nprint(keras.backend.backend())"
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.splitlines()[-1] == "tensorflow"


@pytest.mark.slow
def test_keras_with_another_backend_imported_first_is_told(tmp_path):
    """As where a hosted notebook has used Keras before it installs the course."""
    (tmp_path / "torch.py").write_text("raise ImportError('no torch here')")
    code = "import sys\nsys.modules['digitdreams'] = None\n"
    code += "try:\n    import keras\nexcept ImportError:\n    pass\n"
    code += f"del sys.modules['digitdreams']\n{START}"
    environment = {**os.environ, "KERAS_BACKEND": "torch"}
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True
    )
    assert "NotReady: Keras computes with 'torch' here" in run.stderr


def test_a_missing_data_file_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "FOLDER", tmp_path)
    with pytest.raises(ready.NotReady, match=r"dataset_info\.json is missing"):
        ready.check_files()


@pytest.mark.parametrize("spoil", ["judge.keras", "judge.json"])
def test_a_missing_file_of_the_package_is_named(tmp_path, monkeypatch, spoil):
    for name in ("judge.keras", "judge.json"):
        shutil.copy(files.PACKAGE / name, tmp_path)
    monkeypatch.setattr(files, "PACKAGE", tmp_path)
    ready.check_files()
    (tmp_path / spoil).unlink()
    with pytest.raises(ready.NotReady, match=r"judge.* is missing: install"):
        ready.check_files()


def test_a_missing_course_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "ROOT", tmp_path)
    with pytest.raises(ready.NotReady, match=r"course\.toml"):
        ready.check_files()


def installed(folder, *lines):
    """An installation's record that asks for other packages, found before ours."""
    record = folder / "digitdreams-9.dist-info"
    record.mkdir()
    wanted = "".join(f"Requires-Dist: {line}\n" for line in lines)
    (record / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: digitdreams\nVersion: 9\n{wanted}"
    )


def test_another_version_is_a_note(tmp_path, monkeypatch):
    installed(tmp_path, "keras==3.99.0", "tensorflow>=2", "dask; extra == 'grading'")
    monkeypatch.syspath_prepend(tmp_path)
    (line,) = ready.notes()
    assert "the course was measured with ==3.99.0" in line
    assert "%pip install keras==3.99.0" in line and "restart the kernel" in line


def test_this_installation_needs_no_note():
    assert ready.notes() == []


def test_an_older_keras_is_refused(monkeypatch):
    import keras

    monkeypatch.setattr(keras, "__version__", "2.15.0")
    with pytest.raises(ready.NotReady, match=r"This is Keras 2\.15\.0.*pip install"):
        ready.check_keras()


# Where notebooks run ------------------------------------------------------------------

RIGHT = """
def reparameterise(mean, log_variance, noise):
    from keras import ops
    return mean + ops.exp(0.5 * log_variance) * noise
check(reparameterise)"""
WRONG = RIGHT.replace("0.5 *", "")
FIRST = f"{START}\nfrom digitdreams.checks import check, hint"


@pytest.mark.slow
@pytest.mark.parametrize("place", ["my_work/exercises/03_vae", "."])
def test_an_exercise_is_checked_wherever_its_kernel_starts(tmp_path, place):
    """Beside its checks as in JupyterLab, elsewhere as at a hosted service."""
    (tmp_path / place).mkdir(parents=True, exist_ok=True)
    if place != ".":
        source = ROOT / "exercises" / "03_vae" / checks.FILE_NAME
        shutil.copy(source, tmp_path / place)
    cells = (FIRST, WRONG, RIGHT, "hint('reparameterise')")
    _, wrong, (right,), (hint,) = run_cells(tmp_path / place, *cells)
    assert only_line(wrong).startswith("Not yet: reparameterise: ")
    assert right.text.startswith("reparameterise: right")
    assert hint.text.startswith("Hint 1 of ")


@pytest.mark.slow
@pytest.mark.parametrize(
    "kernelspec",
    [
        {"name": "python3", "display_name": "Python 3", "language": "python"},
        {"name": "python3", "display_name": "Python 3 (ipykernel)"},
        {"name": "python3", "display_name": ".venv (Python 3.11)"},
        None,
    ],
    ids=["course", "JupyterLab", "VS Code", "none"],
)
def test_a_notebook_finds_this_python_whatever_it_calls_its_kernel(kernelspec):
    code = "import sys, digitdreams\nprint(sys.prefix)"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    if kernelspec:
        notebook.metadata.kernelspec = kernelspec
    NotebookClient(notebook, timeout=300, startup_timeout=300).execute()
    assert notebook.cells[0].outputs[0].text.strip() == sys.prefix
