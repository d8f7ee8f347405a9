"""Folders of images, their labels, and which of them are for calibration and which for measuring."""

from __future__ import annotations

import csv
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from qkernels.measure.images import SUFFIXES

if TYPE_CHECKING:
    import openvino

_INFO = ["qkernels", "calibration_images"]


@dataclass(frozen=True)
class Labelled:
    """An image and the index of its class among the model's outputs."""

    path: Path
    label: int


def images_in(directory: Path) -> list[Path]:
    """By name. ValueError where there is none."""
    paths = sorted(path for path in directory.iterdir() if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise ValueError(f"{directory}: no image ({', '.join(SUFFIXES)})")
    return paths


def shuffled(names: Collection[str], seed: int) -> list[str]:
    """The same order for the same names and seed, whatever order they come in."""
    ordered = sorted(names)
    return [ordered[i] for i in np.random.default_rng(seed).permutation(len(ordered))]


def read_labels(path: Path, directory: Path) -> list[Labelled]:
    """Rows of a CSV file: an image's name within `directory`, the index of its class; a first row of headings may stand.

    Raises ValueError for a file that is no CSV in UTF-8, rows of another form, names given twice or no rows,
    FileNotFoundError for an image that is missing.
    """
    found: dict[str, Labelled] = {}
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: not a CSV file in UTF-8: {error}") from error
    for number, row in enumerate(rows, 1):
        if not row or (number == 1 and len(row) >= 2 and not _is_integer(row[1])):
            continue
        if len(row) != 2 or not _is_integer(row[1]) or int(row[1]) < 0:
            raise ValueError(f"{path}:{number}: {','.join(row)!r}, expected file,index")
        name = row[0].strip()
        if name in found:
            raise ValueError(f"{path}:{number}: {name!r} has a label already")
        image = directory / name
        if not image.is_file():
            raise FileNotFoundError(f"{path}:{number}: {str(image)!r} does not exist")
        found[name] = Labelled(image, int(row[1]))
    if not found:
        raise ValueError(f"{path}: no labels")
    return [found[name] for name in sorted(found)]


def _is_integer(text: str) -> bool:
    try:
        int(text)
    except ValueError:
        return False
    return True


def remember_calibration(model: openvino.Model, paths: Sequence[Path]) -> None:
    """Writes into the model's runtime information which images it was calibrated on, by name."""
    model.set_rt_info(json.dumps(sorted(path.name for path in paths)), _INFO)


def calibrated_on(model: openvino.Model) -> set[str]:
    """The names of the images that `remember_calibration` wrote; none where it did not."""
    if not model.has_rt_info(_INFO):
        return set()
    return set(json.loads(str(model.get_rt_info(_INFO).astype(str))))


def for_measuring(images: Sequence[Labelled], used: Collection[str], *, skip: int = 0, seed: int = 0) -> list[Labelled]:
    """`images` without those `used` for calibration and without the first `skip` of them, shuffled by `seed`.

    Raises ValueError where none is left.
    """
    by_name = {image.path.name: image for image in images}
    left = [name for name in shuffled(by_name, seed)[skip:] if name not in used]
    if not left:
        raise ValueError(f"images: none of {len(images)} is left, {skip} skipped and the others used for calibration")
    return [by_name[name] for name in sorted(left)]
