"""Real images through every engine: what each says, and how far apart their probabilities are."""

from __future__ import annotations

import base64
import io
import struct
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from qkernels.engines.base import Engine
from qkernels.models import imagenet_labels, preprocess
from qkernels.report.record import OPENVINO_F32, OPENVINO_INT8, QKERNELS, ImageResult, Prediction

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
_THUMBNAIL = (96, 96)
_DAMAGED = (OSError, ValueError, SyntaxError, EOFError, IndexError, struct.error)  # what Pillow's readers raise


@dataclass(frozen=True)
class Picture:
    """An image, as the model's input and as a small PNG."""

    name: str
    x: NDArray[np.float32]
    thumbnail_png_base64: str


def load_picture(path: Path) -> Picture:
    """Errors as for `read_image`."""
    small = read_image(path)
    x = preprocess(small)
    small.thumbnail(_THUMBNAIL)
    png = io.BytesIO()
    small.save(png, "PNG", optimize=True)
    return Picture(path.name, x, base64.b64encode(png.getvalue()).decode("ascii"))


def read_image(path: Path) -> Image.Image:
    """RGB. OSError where the file cannot be read; ValueError names it where it is no image, a damaged one or one so large
    that Pillow takes it for an attack."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)   # of odd metadata, beside a picture that can be read
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                return image.convert("RGB")
    except UnidentifiedImageError as error:
        raise ValueError(f"{path}: not an image that Pillow can read") from error
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise ValueError(f"{path}: an image too large to be read: {error}") from error
    except _DAMAGED as error:
        if isinstance(error, OSError) and error.filename is not None:
            raise                                 # of the file system
        raise ValueError(f"{path}: a damaged image: {error}") from error


def load_pictures(directory: Path) -> list[Picture]:
    """The images of `directory`, by name. ValueError where there is none."""
    paths = sorted(p for p in directory.iterdir() if p.suffix.lower() in SUFFIXES)
    if not paths:
        raise ValueError(f"{directory}: no image ({', '.join(SUFFIXES)})")
    return [load_picture(path) for path in paths]


def top5(probabilities: NDArray[np.float32], labels: Sequence[str]) -> tuple[Prediction, ...]:
    """The five likeliest classes. Classes without a label are named by their number."""
    flat = probabilities.reshape(-1)
    best = np.argsort(-flat, kind="stable")[:5]
    return tuple(Prediction(labels[i] if len(labels) == flat.size else f"class {i}", float(flat[i]), int(i)) for i in best)


def classify(engines: Mapping[str, Engine], pictures: Sequence[Picture]) -> tuple[ImageResult, ...]:
    """Every picture on every engine."""
    labels, results = imagenet_labels(), []
    for picture in pictures:
        outputs = {name: engine.run(picture.x) for name, engine in engines.items()}
        tops = {name: top5(output, labels) for name, output in outputs.items()}
        difference = float(np.abs(outputs[QKERNELS].reshape(-1) - outputs[OPENVINO_INT8].reshape(-1)).max())
        first = {name: top[0].index for name, top in tops.items()}
        results.append(ImageResult(picture.name, tops, first[QKERNELS] == first[OPENVINO_INT8], difference,
                                   first[QKERNELS] == first[OPENVINO_F32], picture.thumbnail_png_base64))
    return tuple(results)
