"""Store figures in fewer bytes, without a difference that an eye could see.

A picture gets the smallest palette in which no pixel's colour moves by more than
`VISIBLE`; where 256 colours are too few for that, it keeps all of its colours. What it
says besides its pixels (program, date, dots per inch) is dropped, and oxipng packs the
rest. The same picture always gives the same bytes, and they give themselves.
"""

import argparse
import base64
import io
from collections.abc import Iterator
from pathlib import Path

import nbformat
import numpy as np
from nbformat import NotebookNode
from numpy.typing import NDArray
from PIL import Image

from digitdreams.files import write_atomically

PALETTES = (64, 128, 256)  # colours: with 64 a row of grey digits looks continuous
# Distance in CIELAB (CIE76). From 2.3 on a difference is just noticeable where two
# large areas touch (Sharma, Digital Color Imaging Handbook, 2003); within one pixel of
# a figure 3 is not.
VISIBLE = 3.0
EFFORT = 4  # of oxipng: levels above it take twice as long for less than 1 %

Pixels = NDArray[np.uint8]
WHITE = np.array([0.95047, 1.0, 1.08883])  # CIE D65
TO_XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)


def lab(colours: Pixels) -> NDArray[np.float64]:
    """Turn sRGB colours, uint8 (..., 3), into CIELAB: lightness 0 to 100, a and b."""
    values = colours / 255
    linear = np.where(
        values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4
    )
    xyz = linear @ TO_XYZ.T / WHITE
    root = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    x, y, z = np.moveaxis(root, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def largest_difference(one: Pixels, other: Pixels) -> float:
    """Return the largest colour difference of two pictures, uint8 (rows, columns, 3).

    Each pair of colours is compared once: a figure has few.
    """
    places = 256 ** np.arange(6)
    both = np.concatenate([one, other], axis=-1).reshape(-1, 6)
    pairs = np.unique(both @ places)[:, None] // places % 256
    colours = lab(pairs.astype("uint8").reshape(-1, 2, 3))
    distances = np.linalg.norm(colours[:, 0] - colours[:, 1], axis=-1)
    return float(distances.max())


def with_few_colours(picture: Image.Image) -> Image.Image:
    """Return an RGB picture with a palette, or itself where 256 colours are too few."""
    pixels = np.asarray(picture)
    for count in PALETTES:
        # Exact where there are no more colours than that. No dithering: its noise
        # costs more bytes than the colours that it imitates.
        reduced = picture.quantize(count, kmeans=1, dither=Image.Dither.NONE)
        if largest_difference(pixels, np.asarray(reduced.convert("RGB"))) <= VISIBLE:
            return reduced
    return picture


def packed(content: bytes) -> bytes:
    """Return a PNG in as few bytes as oxipng finds, without what is not its pixels."""
    import oxipng  # only who builds notebooks has it

    # What says how an animation runs is kept.
    kept = oxipng.StripChunks.keep([b"acTL", b"fcTL", b"fdAT"])
    result: bytes = oxipng.optimize_from_memory(content, level=EFFORT, strip=kept)
    return result


def smaller(content: bytes) -> bytes:
    """Return a PNG that looks the same in no more bytes.

    Pictures that are transparent or move keep every pixel as it is.

    Raises:
        PIL.UnidentifiedImageError: it is not a picture.
        ValueError: it is no PNG.
    """
    # Seldom does a smaller palette do for a picture that is reduced already.
    while (found := once_smaller(content)) != content:
        content = found
    return content


def once_smaller(content: bytes) -> bytes:
    with Image.open(io.BytesIO(content)) as picture:
        if picture.format != "PNG":
            raise ValueError(f"a PNG is needed, this is {picture.format}")
        moves = getattr(picture, "n_frames", 1) > 1
        opacity = np.asarray(picture.convert("RGBA"))[..., 3]
        if moves or opacity.min() < 255:
            found = packed(content)
        else:
            buffer = io.BytesIO()
            with_few_colours(picture.convert("RGB")).save(buffer, format="png")
            found = packed(buffer.getvalue())
    return min(content, found, key=len)  # of equal ones the first: it stays


def pictures(notebook: NotebookNode) -> Iterator[NotebookNode]:
    """The data of each output that holds a PNG."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if "image/png" in output.get("data", {}):
                yield output.data


def shrink(notebook: NotebookNode) -> None:
    """Replace the figures of a notebook by smaller files, in place."""
    for data in pictures(notebook):
        content = smaller(base64.b64decode(data["image/png"]))
        data["image/png"] = base64.b64encode(content).decode()


def main() -> None:
    """Shrink notebooks and PNG files that are there already; say what it saves."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    before = after = 0
    for path in parser.parse_args().files:
        old = path.read_bytes()
        if path.suffix == ".ipynb":
            notebook = nbformat.reads(old.decode(), as_version=4)
            shrink(notebook)
            text = nbformat.writes(notebook, version=4).rstrip("\n") + "\n"
            write_atomically(path, text)
        else:
            path.write_bytes(smaller(old))
        size = path.stat().st_size
        print(f"{path}: {len(old):,} bytes before, {size:,} now")
        before, after = before + len(old), after + size
    print(f"together: {before:,} bytes before, {after:,} now")


if __name__ == "__main__":
    main()
