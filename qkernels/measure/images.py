"""Real images through every engine: what each says, and how far apart their probabilities are."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qkernels.engines.base import Engine
from qkernels.graph import ir
from qkernels.models import imagenet_labels, preprocess
from qkernels.report.record import OPENVINO_F32, OPENVINO_INT8, QKERNELS, ImageResult, Prediction

from .preprocessing import Preprocessing, read_image

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
_THUMBNAIL = (96, 96)


@dataclass(frozen=True)
class Picture:
    """An image, as the model's input and as a small PNG."""

    name: str
    x: NDArray[Any]
    thumbnail_png_base64: str


def load_picture(path: Path, how: Preprocessing | None = None) -> Picture:
    """`how` None: as the embedded model wants it. Errors as for `read_image`."""
    small = read_image(path)
    x = preprocess(small) if how is None else how.apply(small)
    small.thumbnail(_THUMBNAIL)
    png = io.BytesIO()
    small.save(png, "PNG", optimize=True)
    return Picture(path.name, x, base64.b64encode(png.getvalue()).decode("ascii"))


def load_pictures(directory: Path, how: Preprocessing | None = None) -> list[Picture]:
    """The images of `directory`, by name. ValueError where there is none."""
    paths = sorted(p for p in directory.iterdir() if p.suffix.lower() in SUFFIXES)
    if not paths:
        raise ValueError(f"{directory}: no image ({', '.join(SUFFIXES)})")
    return [load_picture(path, how) for path in paths]


def top5(probabilities: NDArray[np.float32], labels: Sequence[str]) -> tuple[Prediction, ...]:
    """The five likeliest classes. Classes without a label are named by their number."""
    flat = probabilities.reshape(-1)
    best = np.argsort(-flat, kind="stable")[:5]
    return tuple(Prediction(labels[i] if len(labels) == flat.size else f"class {i}", float(flat[i]), int(i)) for i in best)


def real(values: NDArray[Any], node: ir.Node) -> NDArray[np.float32]:
    """The numbers that a node's output stands for."""
    if node.dtype == "float32":
        return values
    scale, zero_point = node.affine()
    return (values.astype(np.int32) - zero_point).astype(np.float32) * scale


def classify(engines: Mapping[str, Engine], pictures: Sequence[Picture], output: ir.Node) -> tuple[ImageResult, ...]:
    """Every picture on every engine. `output` of the graph says what bytes stand for, where the model ends in bytes."""
    labels, results = imagenet_labels(), []
    for picture in pictures:
        outputs = {name: real(engine.run(picture.x), output) for name, engine in engines.items()}
        tops = {name: top5(output, labels) for name, output in outputs.items()}
        difference = float(np.abs(outputs[QKERNELS].reshape(-1) - outputs[OPENVINO_INT8].reshape(-1)).max())
        first = {name: top[0].index for name, top in tops.items()}
        results.append(ImageResult(picture.name, tops, first[QKERNELS] == first[OPENVINO_INT8], difference,
                                   first[QKERNELS] == first[OPENVINO_F32], picture.thumbnail_png_base64))
    return tuple(results)
