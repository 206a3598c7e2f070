"""Each mistake of the articles that the course answers has a place of its own.

A mistake in code is a bug hunt with that mistake alone: the program fails its check,
and the repair of that one mistake makes it pass. A mistake in theory is a question
with numbers to compute. The exercises hold the mistakes in code, too, several of them
together in one program.
"""

import ast
import re

import pytest
from test_bank import QUESTIONS

from digitdreams import checks, tasks
from digitdreams.authoring import build
from digitdreams.interview import bank, problems

# Mistake: the bug hunt that has it alone, the repair (old text, new text, ...), and
# the exercise's task that holds it.
IN_CODE = {
    "GAN: upsampling never reaches 28 x 28": (
        "digit_generator",
        [("strides=1", "strides=2")],
        "05_gan#build_generator",
    ),
    "GAN: a bare Dense(1), but a loss for probabilities": (
        "score_loss",
        [("BinaryCrossentropy()", "BinaryCrossentropy(from_logits=True)")],
        "05_gan#gan_losses",
    ),
    "GAN: the generator learns with the label fake": (
        "generator_step",
        [("np.zeros(", "np.ones(")],
        "05_gan#gan_losses",
    ),
    "GAN: the discriminator never sees a real image": (
        "discriminator_step",
        [
            ("images = fake", "images = np.concatenate([fake, real])"),
            ("np.zeros(len(fake))", "np.repeat([0, 1], [len(fake), len(real)])"),
        ],
        "05_gan#discriminator_step",
    ),
    "GAN: the discriminator learns in the generator's turn": (
        "generator_turn",
        [("    discriminator = discriminator - rate * of_discriminator\n", "")],
        "05_gan#generator_step",
    ),
    "GAN: z_dim is undefined": (
        "noise_batch",
        [("size=(batch_size, z_dim)", "size=(batch_size, len(generator))")],
        "05_gan#build_generator",
    ),
    "GAN: np is undefined": (
        "dense_generator",
        [("import keras\n", "import keras\nimport numpy as np\n")],
        "05_gan#build_generator",
    ),
    "GAN: a list is formatted as a float": (
        "progress_line",
        [("(step, losses, losses)", "(step, losses[0], losses[1])")],
        "05_gan#rest_of_script",
    ),
    "GAN: predict in a training loop": (
        "fakes_of_steps",
        [("generator.predict(one)", "generator(one)")],
        "05_gan#generator_step",
    ),
    "GAN: the legacy format .h5": (
        "kept_model",
        [("generator.h5", "generator.keras")],
        "05_gan#rest_of_script",
    ),
    "GAN: LeakyReLU(alpha=)": (
        "leaky_response",
        [("alpha=", "negative_slope=")],
        "05_gan#build_discriminator",
    ),
    "VAE: no mean and variance": (
        "gaussian_encoder",
        [
            ("codes =", "two ="),
            ("(latent_size)(x)", "(latent_size)(x), layers.Dense(latent_size)(x)"),
            ("(images, codes)", "(images, list(two))"),
        ],
        "04_conditional_vae#build_encoder",
    ),
    "VAE: no sampling": (
        "drawn_codes",
        [("codes = mean", "codes = mean + deviation * noise")],
        "04_conditional_vae#cvae_loss",
    ),
    "VAE: no KL term": (
        "vae_cost",
        [(").mean()", ").mean() + divergence(mean, log_variance).mean()")],
        "04_conditional_vae#cvae_loss",
    ),
    "VAE: Dense over the last axis of an image": (
        "dense_encoder",
        [('"relu")(images)', '"relu")(layers.Flatten()(images))')],
        "04_conditional_vae#build_encoder",
    ),
    "VAE: a decoder built from the image shape": (
        "code_decoder",
        [("dense_part(image_shape, hidden", "dense_part((latent_size,), hidden")],
        "04_conditional_vae#build_decoder",
    ),
    "VAE: a decoder fed with the encoder's input": (
        "rebuild_images",
        [("images @ decoder", "codes @ decoder")],
        "04_conditional_vae#swap_digit",
    ),
    "VAE: .numpy() on an array": (
        "predicted_codes",
        [("codes.numpy()", "codes")],
        "04_conditional_vae#class_means",
    ),
    "7 x 7 x 1 reshaped to 28 x 28": (
        "patch_generator",
        [("layers.Dense(1, ", "layers.Conv2DTranspose(1, 4, strides=4, ")],
        "05_gan#build_generator",
    ),
    "Flatten(d)": (
        "flat_discriminator",
        [("Flatten(x)", "Flatten()(x)")],
        "05_gan#build_discriminator",
    ),
    "data in [-1, 1] against a sigmoid": (
        "discriminator_batch",
        [("(pixels - 127.5) / 127.5", "pixels / 255")],
        "05_gan#discriminator_step",
    ),
    "both losses compare images": (
        "gan_losses",
        [("fake = real_images, fake_images", "fake = real_logits, fake_logits")],
        "05_gan#discriminator_step",
    ),
    "gradients that are all None": (
        "descent_step",
        [
            ("    with tf.GradientTape() as tape:\n    ", ""),
            ("    logits", "    with tf.GradientTape() as tape:\n        logits"),
            ("    losses =", "        losses ="),
            ("    loss =", "        loss ="),
        ],
        "05_gan#discriminator_step",
    ),
    "watch on a NumPy array": (
        "better_noise",
        [("    with", "    noise = tf.constant(noise)\n    with")],
        "05_gan#generator_step",
    ),
    "10,000 epochs": (
        "update_plan",
        [("return plan", "return plan[:updates]")],
        "05_gan#rest_of_script",
    ),
}

# Mistake: the question with numbers to compute.
IN_THEORY = {
    "FID as the similarity of two generators": "metrics-fid-two-generators",
    "a metric that does not exist": "metrics-unknown-metric",
    "a prompt that holds an address as text": "caption-url-as-text",
    "-log(D(x) + D(G(z))) as the discriminator's loss": "gan-loss-sum-inside-log",
    "-log 0.8 = 0.322": "gan-which-logarithm",
    "-log 1.8 = 0.322": "gan-loss-sum-inside-log",
    "the more real, the lower the probability": "gan-real-means-low-probability",
}

# An exercise prints its broken programs in the text of the task.
PRINTED = sorted({place for _, _, place in IN_CODE.values()})
SHOWN = re.compile(r"^```python\n(.*?)^```", re.M | re.S)


def verdict(problem, program):
    """What the check says of a program's text."""
    answer = problems.compiled(program, problem.name)
    return checks.judge(problem.as_data(), problem.name, answer)


@pytest.mark.slow
@pytest.mark.parametrize("mistake", IN_CODE)
def test_a_bug_hunt_has_this_mistake_alone(mistake):
    name, repair, _ = IN_CODE[mistake]
    problem = problems.find(name)
    assert problem.mistakes[0].message in verdict(problem, problem.broken)
    program = problem.broken
    for old, new in repair:
        assert old in program
        program = program.replace(old, new)
    assert verdict(problem, program) is None


@pytest.mark.parametrize("mistake", IN_CODE)
def test_no_constant_repairs_it(mistake):
    """Not even the right result of one of the inputs is right for the others."""
    problem = problems.find(IN_CODE[mistake][0])
    data = problem.as_data()
    expected = [checks.decode(one) for one in data["expected"]]
    for right in expected:
        assert not all(checks.matches(one, right, data) for one in expected)


def test_a_bug_hunt_stands_for_one_mistake():
    names = [name for name, _, _ in IN_CODE.values()]
    assert len(set(names)) == len(names)


def definitions(cells):
    """Imports and functions of code cells; whatever runs or trains is left out."""
    known = (ast.Import, ast.ImportFrom, ast.FunctionDef)
    names = {}
    for cell in cells:
        if cell.cell_type == "code":
            nodes = ast.parse(cell.source).body
            if all(isinstance(one, known) for one in nodes):
                exec(cell.source, names)
    return names


@pytest.mark.slow
@pytest.mark.parametrize("place", PRINTED)
def test_the_program_that_an_exercise_prints_is_broken(place):
    stem, name = place.split("#")
    source = build.SOURCES / "solutions" / f"{stem}.py"
    cells = build.read_source(source).cells
    shown = [
        program
        for cell in cells
        if cell.cell_type == "markdown"
        for program in SHOWN.findall(cell.source)
        if f"def {name}(" in program
    ]
    assert len(shown) == 1
    names = definitions(cells)
    exec(shown[0], names)
    task = next(one for one in tasks.load(stem) if one.name == name)
    assert checks.judge(task.as_data(), name, names[name])


@pytest.mark.parametrize("mistake", IN_THEORY)
def test_a_question_has_numbers_to_compute(mistake):
    found = [one for one in QUESTIONS if one.id == IN_THEORY[mistake]]
    assert len(found) == 1 and found[0].numbers
    assert not [one for one in found[0].numbers if bank.number_fault(one)]
