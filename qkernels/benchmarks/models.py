"""Whole models besides the embedded one: quantized TFLite files, and the topologies with generated weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openvino
from numpy.typing import NDArray
from PIL import Image

from qkernels.engines.base import Peer, Prepared
from qkernels.engines.native import NativeEngine, on_threads
from qkernels.graph.import_openvino import read_model
from qkernels.measure.preprocessing import Preprocessing, of_model
from qkernels.models import sample_images
from qkernels.quantization import quantize_model

from .record import OURS
from .topologies import TOPOLOGIES

# Differences allowed: OpenVINO rounds elsewhere, by a step a layer at most, and errors go through some fifty layers. LiteRT
# computes the same; a last bit of a scale that OpenVINO's reader loses may move a step.
_OPENVINO_STEPS, _OPENVINO_PART, _LITERT_STEPS = 40, 0.3, 2


@dataclass(frozen=True)
class Whole:
    """A model on every side; `missing` says why a peer has none."""

    name: str
    macs: int
    sides: dict[str, Prepared]
    missing: dict[str, str]


def whole_models(threads: int, peers: Mapping[str, Peer], files: Sequence[Path]) -> Iterator[Whole]:
    """Each of the TFLite `files` on qkernels, OpenVINO and LiteRT, then each topology on qkernels and OpenVINO."""
    for path in files:
        model = read_model(path)
        x = _crops(of_model(model))[0]
        yield _whole(path.name, model, x, threads, peers, path)
    for name, make in TOPOLOGIES.items():
        model = make()
        crops = _crops(of_model(model))
        quantized = quantize_model(model, crops, method="minmax", rounding="nearest", bias_correction=False)
        yield _whole(name, quantized, crops[0], threads, peers, None)


def _whole(name: str, model: openvino.Model, x: NDArray[np.generic], threads: int, peers: Mapping[str, Peer],
           path: Path | None) -> Whole:
    native = NativeEngine(model, threads)
    sides = {OURS: Prepared(on_threads(threads, native.sampler(x)), None, lambda: native.run(x))}
    missing = {}
    if "openvino" in peers:
        engine = peers["openvino"].load().OpenvinoEngine(model, threads)
        allowed = _OPENVINO_STEPS if native.run(x).dtype == np.uint8 else _OPENVINO_PART
        sides["openvino"] = Prepared(engine.sampler(x), None, lambda: engine.run(x), allowed)
    if "litert" in peers and path is None:
        missing["litert"] = "takes TFLite files alone"
    elif "litert" in peers:
        interpreter = peers["litert"].load().LitertEngine(path, threads)
        sides["litert"] = Prepared(interpreter.sampler(x), None, lambda: interpreter.run(x), _LITERT_STEPS)
    return Whole(name, sum(layer.macs for layer in native.model.layers), sides, missing)


def _crops(how: Preprocessing) -> list[NDArray[np.generic]]:
    """The picture that comes with the package, its mirror image and four of its corners, as inputs."""
    path = next(iter(sorted(sample_images().iterdir())))
    with Image.open(path) as opened:
        image = opened.convert("RGB")
    width, height = image.size[0] * 3 // 4, image.size[1] * 3 // 4
    corners = [image.crop((left, top, left + width, top + height))
               for left in (0, image.size[0] - width) for top in (0, image.size[1] - height)]
    return [how.apply(view) for view in (image, image.transpose(Image.Transpose.FLIP_LEFT_RIGHT), *corners)]
