"""Measure every digit of MNIST and store what was found for the captions.

    python tools/measure_digits.py

Writes digitdreams/captions/measurements.npz and, beside it, a record of what it was
made from. About a minute and a half on one processor core.
"""

import json

import numpy as np

from digitdreams import attributes, data, stamps
from digitdreams.captions import stored
from digitdreams.files import write_atomically


def main() -> None:
    splits = data.load()
    images = np.concatenate([split.images for split in splits])
    stored.store(attributes.measure(images))
    record = {
        "command": stored.COMMAND,
        "images": len(images),
        "bytes": stored.FILE.stat().st_size,
        "made_from": stamps.of_measurements().numbers_made("measured"),
    }
    path = stored.FILE.with_suffix(".json")
    write_atomically(path, json.dumps(record, indent=2) + "\n")
    print(f"{len(images):,} digits measured, {record['bytes'] / 1000:.0f} kB stored")


if __name__ == "__main__":
    main()
