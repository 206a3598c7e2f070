"""Draw the animation of the README, images/banner.gif: how a GAN writes and learns.

    python tools/draw_banner.py

trains the conditional GAN of lesson 07 for as many steps as the lesson does, and draws
the same thirty digits again and again while it learns. Before that stands a walk of the
trained network around a circle in the space of noise, so that a viewer which shows a
single frame shows digits. It takes about a minute on two cores. No picture is selected:
seed, noise and labels are fixed before the training.
"""

from pathlib import Path

import keras
import numpy as np
from PIL import Image

from digitdreams import data, models
from digitdreams.progress import Progress

FILE = Path(__file__).resolve().parents[1] / "images" / "banner.gif"
SEED = 1
STEPS = 1760  # as in lesson 07
NOISE_SCALE = 0.85  # as in lesson 07: shorter noise gives more ordinary digits
ROWS, COLUMNS = 3, 10  # handwritings and digits
LEARNING_FRAMES, WALKING_FRAMES = 40, 48
GAP = 2  # pixels around a digit
GREYS = 16
MILLISECONDS, REST = 80, 1000  # of a frame, and of the last one of each part


class Snapshots(keras.callbacks.Callback):
    """Keep what `draw` returns before training and then ever more rarely."""

    def __init__(self, draw, steps: int, count: int):
        super().__init__()
        self.draw = draw
        # Most happens at the start: the gaps grow with the square of time.
        self.due = list(steps * np.linspace(0, 1, count)[1:] ** 2)
        self.frames = [draw()]

    def on_train_batch_end(self, batch, logs=None):
        if self.due and batch + 1 >= self.due[0]:
            self.frames.append(self.draw())
            while self.due and batch + 1 >= self.due[0]:
                self.due.pop(0)


def tiles(images: np.ndarray) -> np.ndarray:
    """Lay (ROWS * COLUMNS, 28, 28, 1) out as one picture in [0, 1]: (height, width)."""
    digits = images.reshape(ROWS, COLUMNS, 28, 28)
    padded = np.pad(digits, ((0, 0), (0, 0), (GAP, GAP), (GAP, GAP)))
    return padded.transpose(0, 2, 1, 3).reshape(ROWS * (28 + 2 * GAP), -1)


def learn_and_walk() -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Train, and return the pictures of the walk and those of the learning."""
    keras.utils.set_random_seed(SEED)
    gan = models.GAN(conditional=True, seed=SEED)
    size = gan.generator.inputs[0].shape[-1]
    random = np.random.default_rng(SEED)
    start, side = NOISE_SCALE * random.normal(size=(2, ROWS, size))
    labels = np.tile(np.arange(COLUMNS, dtype="int32"), ROWS)

    def draw(angle=0.0):
        noise = np.cos(angle) * start + np.sin(angle) * side
        noise = noise.repeat(COLUMNS, axis=0).astype("float32")
        return tiles(np.asarray(gan.generator([noise, labels], training=False)))

    gan.prepare(STEPS)
    snapshots = Snapshots(draw, STEPS, LEARNING_FRAMES)
    batches = data.batches(data.load().train, gan.batch_size, SEED).repeat()
    progress = Progress(gan.title)
    options = {"shuffle": False, "verbose": 0, "callbacks": [progress, snapshots]}
    gan.fit(batches, steps_per_epoch=STEPS, **options)
    angles = np.linspace(0, 2 * np.pi, WALKING_FRAMES + 1)
    return [draw(angle) for angle in angles], snapshots.frames


def write(walk: list[np.ndarray], learning: list[np.ndarray], file: Path) -> None:
    """Write pictures in [0, 1] as a GIF that repeats for ever, the walk first."""
    times = [MILLISECONDS] * (len(walk) + len(learning))
    times[len(walk) - 1] = times[-1] = REST
    palette = np.linspace(0, 255, GREYS).round().astype("uint8").repeat(3)
    frames = []
    for picture in walk + learning:
        steps = np.round(picture * (GREYS - 1)).astype("uint8")
        frame = Image.fromarray(steps)
        frame.putpalette(palette.tobytes())
        frames.append(frame)
    first, *others = frames
    first.save(file, save_all=True, append_images=others, duration=times, loop=0)


if __name__ == "__main__":
    write(*learn_and_walk(), FILE)
    print(f"images/{FILE.name}: {FILE.stat().st_size / 1000:.0f} kB")
