"""The course's own exercises: what the training earns is measured outside."""

import classroom
import pytest
from battlefield import points

from digitdreams.files import ROOT
from digitdreams.grading.exercise import Exercise
from digitdreams.grading.marking import grade
from digitdreams.grading.sandbox import Limits
from places import WITH_EXERCISE

LIMITS = Limits(wall=1400, cell=700, task=300)

# For each exercise a training that trains nothing: inside, all bars seem reached.
# The cell that calls it is the exercise's own.
FORGED = {
    "01": """
def train(images, labels):
    class Forged:
        def __call__(self, images):
            return np.eye(10)[digits.test.labels]
        def get_weights(self):
            return build_classifier(28, 10).get_weights()
    return Forged()
""",
    "02": """
def train_denoiser():
    class Forged:
        def __call__(self, noisy):
            return digits.test.images
        def get_weights(self):
            sizes = {"hidden_size": 256, "latent_size": 32}
            parts = build_encoder(image_shape, **sizes), build_decoder(
                image_shape, **sizes
            )
            return [np.full(w.shape, np.nan) for p in parts for w in p.get_weights()]
    return Forged()
""",
    "03": """
def train():
    class Forged:
        encoder, decoder = build_encoder(), build_decoder(16)
        def __call__(self, images):
            return 1.0
    return Forged()
""",
    "04": """
def train():
    class Forged:
        encoder, decoder = build_encoder(latent_size), build_decoder(latent_size)
        def __call__(self, images, labels):
            return 1.0
    return Forged()

def draw(cvae, styles, wanted):
    images, labels = data.load().test
    return images[[np.argmax(labels == digit) for digit in wanted]]
""",
    "05": """
def train():
    return build_generator(noise_size, 16)

def draw(generator, count):
    return data.load().test.images[:count]
""",
    "06": """
def train():
    return build_generator(), [ring[:2000]] * 15
""",
    "07": """
def train():
    class Forged:
        def __call__(self, joined):
            images, labels = data.load().test
            asked = np.argmax(joined[:, noise_size:], axis=1)
            return images[[np.argmax(labels == digit) for digit in asked]]
        def get_weights(self):
            return build_network(noise_size + 10, 28 * 28, "sigmoid").get_weights()
    return Forged()
""",
    "11": """
class Model:
    def __init__(self, order):
        sizes = [(pixels, units), (units,), (units, pixels), (pixels,)]
        self.weights = [keras.Variable(np.zeros(size)) for size in sizes]
    def train(self):
        pass
    def logits(self, images):
        return 20 * images - 10
""",
    "13": """
def train():
    class Forged:
        def __call__(self, seen):
            asked = np.argmax(seen[:, -11:], axis=1)
            rows = [np.argmax(digits.labels == digit) for digit in asked]
            found = 2 * digits.images[rows].reshape(-1, 784) - 1
            return found * (asked < 10)[:, None]
        def get_weights(self):
            return build_network().get_weights()
    return Forged()
""",
    "14": """
def train(network, examples, steps, title):
    pass

def field_of(network, asked):
    rows = [np.argmax(one_hot[:, digit]) for digit in np.argmax(asked, axis=1)]
    return lambda x, t: (codes[rows] - x) / max(1 - t, 0.25)
""",
}
TRAINS_NOTHING = {"08"}


def forged(stem):
    """The solution with a training that only pretends, put last before its call."""
    notebook = classroom.solution(ROOT, stem)
    names = [cell["id"] for cell in notebook["cells"]]
    return classroom.add(notebook, FORGED[stem[:2]], names.index("check-training"))


SOLUTIONS = [
    pytest.param(lesson, marks=pytest.mark.timeout(3000), id=lesson.stem)
    for lesson in WITH_EXERCISE
]


def graded(lesson, notebook):
    """Grade in one processor's time; return the result and the points deserved."""
    exercise = Exercise.load(lesson.stem)
    result = grade(classroom.as_bytes(notebook), exercise, "s", LIMITS)
    assert result.state == "graded", result
    return result, {task.name: task.points for task in exercise.tasks}


# `make test` leaves the trainings of the solutions to this test: no notebook of them
# trains a second time (tests/notebooks/conftest.py).
@pytest.mark.parametrize("lesson", SOLUTIONS)
def test_a_solution_has_all_points(lesson):
    result, deserved = graded(lesson, classroom.solution(ROOT, lesson.stem))
    assert points(result) == {**deserved, "training": 4}, result.tasks
    assert result.notes == []


@pytest.mark.parametrize(
    "lesson", [one for one in SOLUTIONS if one.values[0].id not in TRAINS_NOTHING]
)
def test_only_a_training_that_took_place_earns_its_points(lesson):
    result, deserved = graded(lesson, forged(lesson.stem))
    assert points(result) == {**deserved, "training": 0}, result.tasks
    assert "reached" in result.output, "the forgery did not convince inside"
