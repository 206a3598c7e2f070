"""Figures of the lessons.

Every function returns a matplotlib figure: make it the last line of a cell. Figures
are light and opaque, so that they can be read on a light and on a dark page.
"""

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from IPython.display import Image as NotebookImage
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke
from matplotlib.rcsetup import cycler
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike
from PIL import Image

PIXELS_PER_INCH = 100  # as a page shows a figure
SHARPNESS = 1.5  # stored pixels per pixel of the page, for screens with fine pixels
PAGE_WIDTH = 640  # pixels of the page
MARGIN = 6
GAP = 2

INK = "#222222"
QUIET = "#666666"
FAINT = "#dddddd"
# Petroff, "Accessible color sequences for data visualization", 2021, arXiv:2107.02270
DIGIT_COLOURS = (  # reordered: digits that models confuse are far apart
    "#3f90da",
    "#ffa90e",
    "#94a4a2",
    "#bd1f01",
    "#832db6",
    "#b9ac70",
    "#e76300",
    "#a96b59",
    "#717581",
    "#92dadd",
)
LINE_COLOURS = ("#3f90da", "#e76300", "#832db6", "#717581", "#a96b59", "#ffa90e")

STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.color": INK,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlecolor": INK,
    "axes.labelsize": 9,
    "axes.labelcolor": INK,
    "axes.prop_cycle": cycler(color=LINE_COLOURS),
    "axes.edgecolor": QUIET,
    "axes.facecolor": "white",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": FAINT,
    "grid.linewidth": 0.7,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "figure.facecolor": "white",
    "figure.dpi": PIXELS_PER_INCH,
    "figure.constrained_layout.w_pad": 0.08,
    "figure.constrained_layout.h_pad": 0.08,
}

MOST_POINTS = 3000
ANIMATION_BYTES = 150_000


class Picture(Figure):
    """A figure that a notebook shows once, as a small PNG."""

    def __init__(self, width: float, height: float, words: str, **options: Any):
        """Take width and height in pixels of the page, and a description in words."""
        size = (width / PIXELS_PER_INCH, height / PIXELS_PER_INCH)
        super().__init__(figsize=size, dpi=PIXELS_PER_INCH, **options)
        self.words = words

    def __repr__(self) -> str:
        return f"<Figure: {self.words}>"

    def png(self) -> bytes:
        """Return the figure as a PNG of at most 256 colours."""
        buffer = io.BytesIO()
        self.savefig(buffer, format="png", dpi=PIXELS_PER_INCH * SHARPNESS)
        picture = Image.open(buffer).convert("RGB")
        picture = picture.quantize(256, dither=Image.Dither.NONE)
        buffer = io.BytesIO()
        picture.save(buffer, format="png", optimize=True)
        return buffer.getvalue()

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> tuple[dict[str, str], dict[str, dict[str, int]]]:
        data = {
            "image/png": base64.b64encode(self.png()).decode(),
            "text/plain": repr(self),
        }
        width = round(self.get_figwidth() * PIXELS_PER_INCH)
        return data, {"image/png": {"width": width}}


def as_images(images: ArrayLike, name: str = "images") -> np.ndarray:
    """Return images as float32 (n, height, width) within [0, 1].

    Raises:
        ValueError: another shape, no image at all, or a value that is not a number.
    """
    array = np.asarray(images)
    if array.ndim == 4 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim != 3:
        raise ValueError(
            f"{name} must have the shape (n, height, width) or (n, height, width, 1), "
            f"not {array.shape}; write image[None] to show a single image"
        )
    if array.size == 0:
        raise ValueError(f"{name} has the shape {array.shape}: nothing to show")
    if array.dtype == np.uint8:
        array = array / 255
    array = array.astype("float32")
    if np.isnan(array).any():
        raise ValueError(f"{name} has values that are not a number (NaN)")
    return np.clip(array, 0, 1)


def draw_image(
    axes: Axes, image: np.ndarray, left: float, top: float, scale: float
) -> None:
    """Draw one image with its upper left corner at a place given in page pixels."""
    height, width = image.shape
    axes.imshow(
        image,
        cmap="gray",
        vmin=0,
        vmax=1,
        interpolation="nearest",
        extent=(left, left + width * scale, top + height * scale, top),
    )


def empty_page(words: str) -> tuple[Picture, Axes]:
    """Return a figure and axes over all of it, measured in page pixels from the top."""
    figure = Picture(1, 1, words)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.axis("off")
    return figure, axes


def crop(
    figure: Figure, axes: Axes, right: float, bottom: float, title: str | None
) -> None:
    """Fit the figure to what was drawn, up to these coordinates."""
    right = max(right, 9 * len(title or ""))
    left, width, height = -MARGIN, right + 2 * MARGIN, bottom + 2 * MARGIN
    figure.set_size_inches(width / PIXELS_PER_INCH, height / PIXELS_PER_INCH)
    axes.set(xlim=(left, left + width), ylim=(left + height, left), aspect="auto")


def fitting_scale(image_width: int, columns: int, room: float, largest: float) -> float:
    """Return page pixels per image pixel, such that stored pixels come out whole."""
    stored = ((room - GAP * (columns - 1)) * SHARPNESS) // (columns * image_width)
    return max(1, min(stored, round(largest * SHARPNESS))) / SHARPNESS


def title_height(axes: Axes, title: str | None) -> float:
    """Write the title at the top of a page; return the height that it takes."""
    if not title:
        return 0
    axes.text(0, 0, title, va="top", weight="bold", size=STYLE["axes.titlesize"])
    return 24


def check_texts(texts: ArrayLike | None, images: np.ndarray, name: str) -> list[str]:
    """Return texts or numbers as texts, one for each image; none where None is given.

    Raises:
        ValueError: there are not as many as images.
    """
    if texts is None:
        return []
    written = [str(text) for text in np.asarray(texts).reshape(-1).tolist()]
    if len(written) != len(images):
        raise ValueError(f"{len(images)} images but {len(written)} {name}")
    return written


def mosaic(
    images: np.ndarray,
    columns: int,
    texts: list[str],
    title: str | None,
    largest: float,
    words: str,
) -> Figure:
    """Draw images in rows from left to right, each with a text above it or none."""
    height, width = images.shape[1:]
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    scale = fitting_scale(width, columns, PAGE_WIDTH, largest)
    room = 18 if texts else 0  # above each image
    step_x, step_y = width * scale + GAP, room + height * scale + GAP
    figure, axes = empty_page(words)
    top = title_height(axes, title)
    for i, image in enumerate(images):
        x = (i % columns) * step_x
        y = top + (i // columns) * step_y + room
        draw_image(axes, image, x, y, scale)
        if texts:
            axes.text(
                x + width * scale / 2, y - 4, texts[i], ha="center", va="baseline"
            )
    crop(figure, axes, columns * step_x - GAP, top + rows * step_y - GAP, title)
    return figure


@rc_context(STYLE)
def grid(
    images: ArrayLike,
    columns: int = 10,
    labels: ArrayLike | None = None,
    title: str | None = None,
) -> Figure:
    """Show images in rows, white on black as MNIST is.

    Args:
        images: (n, height, width) or (n, height, width, 1), floats in [0, 1] (values
            outside are clipped) or uint8 in 0 to 255.
        columns: images in a row.
        labels: n texts or numbers to write above the images.
        title: written above all.

    Raises:
        ValueError: wrong shape, no image, NaN, or a wrong number of labels.
    """
    if columns < 1:
        raise ValueError(f"columns must be 1 or more, not {columns}")
    shown = as_images(images)
    texts = check_texts(labels, shown, "labels")
    words = f"{title or 'grid'}, {len(shown)} images"
    return mosaic(shown, columns, texts, title, 4, words)


@rc_context(STYLE)
def strip(
    images: ArrayLike, captions: ArrayLike | None = None, title: str | None = None
) -> Figure:
    """Show images in one row, such as the steps of an interpolation.

    Args:
        images: as for `grid`.
        captions: n texts or numbers to write above the images.
        title: written above all.

    Raises:
        ValueError: wrong shape, no image, NaN, or a wrong number of captions.
    """
    shown = as_images(images)
    texts = check_texts(captions, shown, "captions")
    words = f"{title or 'strip'}, {len(shown)} images"
    return mosaic(shown, len(shown), texts, title, 4, words)


def densities(
    clouds: Sequence[ArrayLike], reach: float = 1.5, boxes: int = 48
) -> np.ndarray:
    """Return clouds of points as images: float (clouds, boxes, boxes) in [0, 1].

    A pixel is a box of the square from -reach to reach in both directions, with the
    second coordinate upwards. It is white (1) if it holds at least 1 % of the points,
    and grey in proportion below; points outside the square are not drawn.

    Args:
        clouds: arrays (n, 2), of any n each.

    Raises:
        ValueError: a cloud of another shape or without points.
    """
    edges = np.linspace(-reach, reach, boxes + 1)
    images = np.zeros((len(clouds), boxes, boxes))
    for image, points in zip(images, map(np.asarray, clouds), strict=True):
        if points.ndim != 2 or points.shape[1] != 2 or not len(points):
            raise ValueError(f"a cloud of points is (n, 2), not {points.shape}")
        counts, *_ = np.histogram2d(points[:, 0], points[:, 1], bins=[edges, edges])
        image[:] = (100 * counts.T[::-1] / len(points)).clip(max=1)
    return images


@rc_context(STYLE)
def panel(rows: Mapping[str, ArrayLike], title: str | None = None) -> Figure:
    """Show one labelled row of images under the other, such as real and generated.

    Args:
        rows: name of each row -> its images, as for `grid`; all of one size.
        title: written above all.

    Raises:
        ValueError: no row, wrong shape, no image, NaN, or images of several sizes.
    """
    if not rows:
        raise ValueError("rows is empty: nothing to show")
    shown = {str(name): as_images(images, str(name)) for name, images in rows.items()}
    sizes = {images.shape[1:] for images in shown.values()}
    if len(sizes) > 1:
        raise ValueError(f"all rows need images of one size, not {sorted(sizes)}")
    (height, width) = sizes.pop()
    columns = max(len(images) for images in shown.values())
    names_width = 10 + 2 * round(3.5 * max(len(name) for name in shown))
    scale = fitting_scale(width, columns, PAGE_WIDTH - names_width, 4)
    step_x, step_y = width * scale + GAP, height * scale + 2 * GAP
    figure, axes = empty_page(f"{title or 'panel'}, rows: {', '.join(shown)}")
    top = title_height(axes, title)
    for row, (name, images) in enumerate(shown.items()):
        y = top + row * step_y
        axes.text(
            names_width - 8, y + height * scale / 2, name, ha="right", va="center"
        )
        for column, image in enumerate(images):
            draw_image(axes, image, names_width + column * step_x, y, scale)
    right, bottom = names_width + columns * step_x, top + len(shown) * step_y
    crop(figure, axes, right - GAP, bottom - 2 * GAP, title)
    return figure


@rc_context(STYLE)
def curve(
    history: Mapping[str, Sequence[float]],
    ylabel: str,
    title: str | None = None,
    bar: float | None = None,
    xlabel: str = "epoch",
    bar_name: str = "bar",
) -> Figure:
    """Draw how numbers changed from epoch to epoch.

    Args:
        history: name -> one value per epoch; NaN leaves a gap.
        ylabel: what the values are, with their unit.
        title: written above the curves.
        bar: value to reach, drawn as a dashed line.
        xlabel: what is counted along the horizontal axis, from 1.
        bar_name: what stands before the value at the dashed line.

    Raises:
        ValueError: no curve, a curve without values, or one that is not a row of
            numbers.
    """
    if not history:
        raise ValueError("history is empty: nothing to show")
    figure = Picture(560, 300, f"{title or ylabel} by {xlabel}", layout="constrained")
    axes = figure.add_subplot()
    for i, (name, values) in enumerate(history.items()):
        points = np.asarray(values, dtype="float64")
        if points.ndim != 1 or not np.isfinite(points).any():
            raise ValueError(f"history[{name!r}] must be a list of numbers, not empty")
        axes.plot(
            np.arange(1, len(points) + 1),
            points,
            color=LINE_COLOURS[i % len(LINE_COLOURS)],
            linestyle="-" if i < len(LINE_COLOURS) else ":",
            marker="o" if len(points) <= 30 else None,
            markersize=3.5,
            linewidth=1.6,
            label=name.replace("_", " "),
        )
    if bar is not None:
        axes.axhline(bar, color=INK, linewidth=1, linestyle=(0, (5, 3)), zorder=1.5)
        axes.annotate(
            f"{bar_name} {bar:g}",
            (1, bar),
            xycoords=("axes fraction", "data"),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
        )
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=10))
    axes.grid(axis="y")
    if len(history) > 1:
        axes.legend()
    return figure


@rc_context(STYLE)
def latent_map(
    codes: ArrayLike,
    labels: ArrayLike,
    title: str | None = None,
    axis_names: tuple[str, str] = ("latent number 1", "latent number 2"),
) -> Figure:
    """Draw each image as a point at its two latent numbers, coloured by digit.

    Of more than 3,000 points a random choice is drawn, the same at each call.

    Args:
        codes: (n, 2), floats.
        labels: (n,), integers from 0 to 9.
        title: written above the map.
        axis_names: what the two numbers are.

    Raises:
        ValueError: wrong shape, no point, NaN, or another label.
    """
    codes = np.asarray(codes)
    labels = np.asarray(labels).reshape(-1)
    if codes.ndim != 2 or codes.shape[1] != 2 or len(codes) == 0:
        raise ValueError(f"codes must have the shape (n, 2), not {codes.shape}")
    if len(labels) != len(codes):
        raise ValueError(f"{len(codes)} codes but {len(labels)} labels")
    if not np.isfinite(codes).all():
        raise ValueError("codes has values that are not a finite number")
    check_digits(labels, "labels")
    figure = Picture(
        560, 470, f"{title or 'latent map'}, {len(codes)} points", layout="constrained"
    )
    axes = figure.add_subplot()
    chosen = np.random.default_rng(0).permutation(len(codes))[:MOST_POINTS]
    colours = np.array(DIGIT_COLOURS)[labels[chosen]]
    x, y = codes[chosen].T
    axes.scatter(x, y, s=7, c=colours, alpha=0.75, linewidths=0)
    for digit in np.unique(labels):
        x, y = np.median(codes[labels == digit], axis=0)
        axes.text(
            *(x, y, str(digit)),
            ha="center",
            va="center",
            size=13,
            weight="bold",
            path_effects=[withStroke(linewidth=3, foreground="white")],
        )
        colour = DIGIT_COLOURS[digit]
        axes.scatter([], [], s=45, color=colour, linewidths=0, label=str(digit))
    axes.set(xlabel=axis_names[0], ylabel=axis_names[1], title=title)
    axes.set_aspect("equal", adjustable="datalim")
    axes.grid()
    figure.legend(loc="outside right center", title="digit", handletextpad=0.1)
    return figure


def check_digits(labels: np.ndarray, name: str) -> None:
    """Raise ValueError unless all labels are digits."""
    if (
        not np.issubdtype(labels.dtype, np.integer)
        or not np.isin(labels, range(10)).all()
    ):
        raise ValueError(f"{name} must be integers from 0 to 9")


@rc_context(STYLE)
def confusion(labels: ArrayLike, predictions: ArrayLike) -> Figure:
    """Show how many images of each digit were taken for each digit.

    Args:
        labels: (n,), the true digits, integers from 0 to 9.
        predictions: (n,), the predicted digits.

    Raises:
        ValueError: no label, different lengths, or a value that is not a digit.
    """
    labels = np.asarray(labels)
    predictions = np.asarray(predictions)
    if labels.ndim != 1 or labels.shape != predictions.shape or labels.size == 0:
        raise ValueError(
            "labels and predictions must have one shape (n,), "
            f"not {labels.shape} and {predictions.shape}"
        )
    check_digits(labels, "labels")
    check_digits(predictions, "predictions")
    counts = np.zeros((10, 10), dtype=int)
    np.add.at(counts, (labels, predictions), 1)
    mistakes = counts - np.diag(np.diag(counts))
    figure = Picture(
        460, 450, f"confusion table, {mistakes.sum()} mistakes", layout="constrained"
    )
    axes = figure.add_subplot()
    shown = np.ma.masked_equal(mistakes, 0)
    axes.imshow(shown, cmap="Oranges", vmin=0, vmax=max(mistakes.max() * 1.3, 1))
    for row, column in np.ndindex(10, 10):
        count = counts[row, column]
        if count:
            weight = "bold" if row == column else "normal"
            axes.text(column, row, str(count), ha="center", va="center", weight=weight)
    right = np.trace(counts) / labels.size
    axes.set(
        xticks=range(10),
        yticks=range(10),
        xlabel="predicted digit",
        ylabel="true digit",
        title=f"{mistakes.sum():,} mistakes in {labels.size:,} images "
        f"({right:.2%} right)",
    )
    axes.set_xticks(np.arange(-0.5, 10), minor=True)
    axes.set_yticks(np.arange(-0.5, 10), minor=True)
    axes.grid(which="minor")
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    return figure


def scores(
    curves: Mapping[str, Mapping[float, float]], xlabel: str, ylabel: str
) -> Figure:
    """Draw measured scores against a cost, both on logarithmic axes.

    Args:
        curves: name -> cost -> score, all above 0; costs are marked where measured.
        xlabel: what the cost is.
        ylabel: what the score is, with its unit.

    Raises:
        ValueError: no curve, an empty one, or a number that is not above 0.
    """
    with rc_context(STYLE):
        points = [pair for curve in curves.values() for pair in curve.items()]
        if not points or not all(map(len, curves.values())):
            raise ValueError("curves has a curve without scores, or none at all")
        if not (np.isfinite(points).all() and np.min(points) > 0):
            raise ValueError("costs and scores must be finite and above 0")
        figure = Picture(560, 320, f"{ylabel} by {xlabel}", layout="constrained")
        axes = figure.add_subplot()
        for name, curve in curves.items():
            axes.plot(list(curve), list(curve.values()), "o-", label=name, markersize=4)
        axes.set_xscale("log", base=2)
        axes.set_yscale("log", base=2)
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter("{x:g}")
        axes.set(xlabel=xlabel, ylabel=ylabel)
        axes.grid()
        axes.legend()
        return figure


def paths(
    groups: Mapping[str, ArrayLike],
    axis_names: tuple[str, str] = ("component 1", "component 2"),
) -> Figure:
    """Draw paths in the plane of their first two coordinates, groups side by side.

    Each path begins at a blue point and ends at an orange one.

    Args:
        groups: title -> paths (n, points of a path, at least 2 coordinates).
        axis_names: what the two coordinates are.

    Raises:
        ValueError: no group, another shape, or values that are not finite.
    """
    with rc_context(STYLE):
        if not groups:
            raise ValueError("groups is empty: nothing to show")
        figure = Picture(
            640,
            40 + 600 // len(groups),
            f"paths: {', '.join(groups)}",
            layout="constrained",
        )
        panels = figure.subplots(
            1, len(groups), sharex=True, sharey=True, squeeze=False
        )
        for axes, (title, group) in zip(panels[0], groups.items(), strict=True):
            lines = np.asarray(group)
            if lines.ndim != 3 or lines.shape[2] < 2 or not np.isfinite(lines).all():
                raise ValueError(
                    f"{title}: finite (n, points, 2 or more), not {lines.shape}"
                )
            axes.plot(*lines[:, :, :2].T, color=QUIET, linewidth=0.6, alpha=0.8)
            for point, colour in ((0, LINE_COLOURS[0]), (-1, LINE_COLOURS[1])):
                axes.plot(*lines[:, point, :2].T, ".", color=colour)
            axes.set(title=title, xlabel=axis_names[0], aspect="equal")
        panels[0, 0].set_ylabel(axis_names[1])
        return figure


def stages(
    networks: Mapping[str, Sequence[tuple[str, float]]],
    shortcuts: Mapping[str, Sequence[tuple[int, int]]] | None = None,
) -> Figure:
    """Draw networks as rows of boxes, from input to output.

    Args:
        networks: title -> for each stage its text and its size; heights are in
            proportion to the sizes of a row.
        shortcuts: title -> pairs of stages, counted from 0, of which the later one also
            gets what leaves the earlier one.

    Raises:
        ValueError: no network, or one without stages.
    """
    with rc_context(STYLE):
        if not networks or not all(map(len, networks.values())):
            raise ValueError("networks has a network without stages, or none at all")
        figure = Picture(640, 170 * len(networks), f"networks: {', '.join(networks)}")
        rows = figure.subplots(len(networks), 1, squeeze=False)[:, 0]
        figure.subplots_adjust(
            left=0.01, right=0.99, bottom=0.01, top=0.94, hspace=0.15
        )
        for i, (axes, (title, row)) in enumerate(
            zip(rows, networks.items(), strict=True)
        ):
            largest, ends = max(size for _, size in row), []
            axes.set(xlim=(0, len(row)), ylim=(-0.56, 1.12))
            axes.axis("off")
            axes.text(0.1, 1.02, title, weight="bold", va="center")
            for place, (text, size) in enumerate(row):
                height = size / largest
                box = Rectangle(
                    (place + 0.1, -height / 2), 0.72, height, color=LINE_COLOURS[i]
                )
                box.set_alpha(0.3)
                axes.add_patch(box)
                axes.text(place + 0.46, 0, text, ha="center", va="center")
                ends.append((place + 0.46, height / 2))
                if place:
                    _arrow(axes, (place - 0.18, 0), (place + 0.1, 0), "arc3")
            for start, end in (shortcuts or {}).get(title, ()):
                bend = f"arc3,rad={-0.1 if end - start > 2 else -0.25}"
                _arrow(axes, ends[start], ends[end], bend)
        return figure


def _arrow(
    axes: Axes, start: tuple[float, float], end: tuple[float, float], bend: str
) -> None:
    style = {"arrowstyle": "->", "color": QUIET, "connectionstyle": bend}
    axes.annotate("", end, start, arrowprops=style)


def encode_animation(frames: np.ndarray, seconds: float) -> bytes:
    """Return uint8 frames (t, height, width) as an animated PNG of so many seconds."""
    pictures = [Image.fromarray(frame, mode="L") for frame in frames]
    milliseconds = [round(1000 * seconds / len(pictures))] * len(pictures)
    milliseconds[-1] += 1000  # rest on the last frame before starting again
    buffer = io.BytesIO()
    pictures[0].save(
        buffer,
        format="png",
        save_all=True,
        append_images=pictures[1:],
        duration=milliseconds,
        loop=0,
    )
    return buffer.getvalue()


def animation(frames: ArrayLike, seconds: float = 3.0) -> NotebookImage:
    """Show frames one after the other, again and again (an animated PNG).

    Fewer grey levels, then smaller and fewer frames are kept until the whole is
    smaller than 150 kB.

    Args:
        frames: (t, height, width) or (t, height, width, 1), floats in [0, 1].
        seconds: time for all frames; the last one stays for one second more.

    Raises:
        ValueError: wrong shape, no frame, NaN, or frames too large for 150 kB.
    """
    shown = as_images(frames, name="frames")
    if not seconds > 0:
        raise ValueError(f"seconds must be above 0, not {seconds}")
    width = shown.shape[2]
    largest = int(max(1, min(5, PAGE_WIDTH // width)))
    shown_width = width * largest
    attempts = [(largest, 64, 1), (largest, 16, 1), (largest, 8, 1)]
    attempts += [(max(1, largest // 2), 16, 1), (1, 16, 1), (1, 8, 2), (1, 8, 4)]
    for scale, levels, thinning in attempts:
        kept = shown[::-1][::thinning][::-1]  # the last frame stays
        steps = np.round(kept * (levels - 1)) / (levels - 1)
        pixels = np.round(255 * steps).astype("uint8")
        pixels = pixels.repeat(scale, axis=1).repeat(scale, axis=2)
        data = encode_animation(pixels, seconds)
        if len(data) < ANIMATION_BYTES:
            return NotebookImage(data=data, format="png", width=shown_width)
    raise ValueError(
        f"{shown.shape[0]} frames of {shown.shape[1]} x {width} pixels do not fit "
        "into 150 kB: show fewer or smaller frames"
    )
