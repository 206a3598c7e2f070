"""A lesson that needs a generator gets it from the lesson that saves it."""

import json
import os
import subprocess
import sys

import pytest

from course_copy import Copy
from digitdreams import generators

GIVES = """\
# %%
from digitdreams import course

seed = course.start("05")

# %%
import keras
from digitdreams import models

noise = keras.Input((3,))
x = keras.layers.Dense(784, activation="sigmoid")(noise)
generator = keras.Model(noise, keras.layers.Reshape((28, 28, 1))(x))

# %%
models.save(generator, "05").name
"""
NEEDS = """\
# %%
from digitdreams import course

seed = course.start("08")

# %%
from digitdreams import models

generators = {name: models.get(id) for id, name in models.needed().items()}
len(generators)
"""


class Authored(Copy):
    """A copy of the course with two short lessons, worked on as a checkout."""

    def __init__(self, root):
        super().__init__(root)
        declared = 'needs = ["03", "04", "05", "07"]'
        self.change("course.toml", declared, 'needs = ["05"]')
        self.write("sources/lessons/05_gan.py", GIVES.encode())
        self.write("sources/lessons/08_measuring.py", NEEDS.encode())

    def build(self) -> str:
        """Build lesson 08 with the copy's own package, in a process of its own."""
        code = (
            "from digitdreams import course; from digitdreams.authoring import build; "
            "print('built:', build.build_lesson(course.load().find('08')))"
        )
        environment = {**os.environ, "PYTHONPATH": str(self.root)}
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
        )
        return done.stdout + done.stderr

    def outputs(self) -> str:
        path = self.root / "lessons" / "08_measuring.ipynb"
        cells = json.loads(path.read_text("utf-8"))["cells"]
        return json.dumps([cell.get("outputs") for cell in cells])


@pytest.mark.slow
def test_a_needed_generator_is_made_anew_where_the_saved_one_is_stale(
    tmp_path, monkeypatch
):
    for name in ("DIGITDREAMS_HOME", "DIGITDREAMS_MODELS", "DIGITDREAMS_SEED"):
        monkeypatch.delenv(name, raising=False)
    copy = Authored(tmp_path)
    saved = tmp_path / "build" / "models" / "05.keras"
    assert "built: True" in copy.build()
    assert "GAN: as lesson 05 saved it" in copy.outputs()
    first = generators.record(saved)
    assert (first.seed, first.own_code) == (1, False)

    assert "built: False" in copy.build()

    changed = GIVES.replace("Input((3,))", "Input((4,))")
    copy.write("sources/lessons/05_gan.py", changed.encode())
    assert "built: True" in copy.build()
    assert "GAN: as lesson 05 saved it" in copy.outputs()
    second = generators.record(saved)
    assert list(second.stamp.changes(first.stamp)) == ["sources/lessons/05_gan.py"]

    copy.write("sources/lessons/05_gan.py", GIVES.split("# %%\nimport")[0].encode())
    shown = copy.build()
    assert "needs the generator of lesson 05, which has run and saved none" in shown
