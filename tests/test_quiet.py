"""TensorFlow starts without its harmless notes, and nothing else is lost."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def start(folder, module: str, code: str):
    """Run code where `import tensorflow` finds a stand-in."""
    (folder / "tensorflow.py").write_text(module)
    return subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
    )


NOTES = (
    "import os\n"
    "os.write(2, b'I0000 cudart_stub.cc:31] Could not find cuda drivers on your "
    "machine, GPU will not be used.\\n')\n"
    "os.write(2, b'I0000 port.cc:153] oneDNN custom operations are on. You may see "
    "slightly different numerical results.\\n')\n"
    "os.write(2, b'a real error\\n')\n"
)


def test_notes_are_dropped_and_errors_kept(tmp_path):
    code = "import digitdreams, tensorflow, os; os.write(2, b'later\\n')"
    ran = start(tmp_path, NOTES, code)
    assert ran.returncode == 0
    assert ran.stderr == "a real error\nlater\n"


def test_last_words_before_an_abort_arrive(tmp_path):
    ran = start(tmp_path, NOTES + "os.abort()", "import digitdreams, tensorflow")
    assert ran.returncode != 0
    assert ran.stderr == "a real error\n"


def test_a_failing_import_raises_as_usual(tmp_path):
    code = "import digitdreams, tensorflow"
    ran = start(tmp_path, NOTES + "raise ImportError('broken')", code)
    assert "ImportError: broken" in ran.stderr


def test_the_package_does_not_start_tensorflow_itself():
    code = (
        "import sys; from digitdreams import data, judge, metrics;"
        "print({'tensorflow', 'keras', 'tensorflow_datasets'} & set(sys.modules))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "set()"
