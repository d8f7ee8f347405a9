"""The network as a whole: MobileNet V1 end to end, loading it, and what calling an array function costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import qkernels
from qkernels.engines.base import Engine, Peer, Prepared
from qkernels.engines.native import NativeEngine, on_threads
from qkernels.graph.import_openvino import read_model
from qkernels.measure.clock import time_calls
from qkernels.measure.images import load_pictures
from qkernels.models import embedded_model_path, sample_images

from .record import OURS

ONE_THREAD = "qkernels, 1 thread"
END_TO_END = "MobileNet V1 1.0/224, end to end"
LOADING, LOADING_FILE = "load_model of the model as read", "load_model of the model's file"
# Differences allowed in units of the likeliest class's probability: the engines round differently in 27 layers, one after the
# other. Without VNNI, sums of two products saturate at 16 bits in the others, but not in qkernels: then only the class counts.
_TOLERANCE, _TOLERANCE_SATURATING = 0.05, 1.0
_FEW = 64          # elements of a call that is all cost and no work


def end_to_end(threads: int, peers: Mapping[str, Peer], tflite: Path | None) -> tuple[dict[str, Prepared], dict[str, str]]:
    """(sides, why others of `peers` are missing) of whole inferences of one picture, from float32 to probabilities.

    OpenVINO has the same model, ONNX Runtime the same integers in QDQ form. `tflite`: LiteRT runs that file, another
    quantization of the same architecture; its outputs are not compared.
    ValueError for a peer that names another class first.
    """
    ov_model = read_model(embedded_model_path())
    x = load_pictures(sample_images())[0].x
    native = NativeEngine(ov_model, threads)
    sides = {OURS: _whole(native, x, threads)}
    if threads > 1:
        sides[ONE_THREAD] = _whole(native, x, 1)
    makers: dict[str, Callable[[Any], Engine]] = {
        "openvino": lambda module: module.OpenvinoEngine(ov_model, threads),
        "onnxruntime": lambda module: module.OnnxruntimeEngine(native.model.graph, threads)}
    tolerance = _TOLERANCE if "vnni" in native.model.plan.isa else _TOLERANCE_SATURATING
    for name in [name for name in makers if name in peers]:
        engine = makers[name](peers[name].load())
        _expect_same_class(name, native, engine, x)
        sides[name] = Prepared(engine.sampler(x), None, lambda engine=engine: engine.run(x), tolerance)
    if "litert" not in peers:
        return sides, {}
    if tflite is None:
        return sides, {"litert": "no .tflite file was given"}
    sides["litert"] = _litert(peers["litert"], tflite, threads, x)
    return sides, {}


def _whole(native: NativeEngine, x: NDArray[np.float32], threads: int) -> Prepared:
    return Prepared(on_threads(threads, native.sampler(x)), None, lambda: native.run(x))


def _expect_same_class(name: str, native: NativeEngine, engine: Engine, x: NDArray[np.float32]) -> None:
    ours, theirs = int(native.run(x).argmax()), int(engine.run(x).argmax())
    if ours != theirs:
        raise ValueError(f"{name}: it names class {theirs} first where qkernels names {ours}")


def _litert(peer: Peer, tflite: Path, threads: int, x: NDArray[np.float32]) -> Prepared:
    engine = peer.load().LitertEngine(tflite, threads)
    if engine.input_shape != x.shape:
        raise ValueError(f"{tflite}: expected an input of {x.shape}, got {engine.input_shape}")
    return Prepared(engine.sampler(x))


def loading(threads: int) -> Iterator[tuple[str, dict[str, Prepared]]]:
    """(name, sides) of making something that runs, from the openvino.Model and from its file: load_model, and OpenVINO's
    compile_model without a cache of its own."""
    from qkernels.engines.openvino import compile_model
    path = embedded_model_path()
    for name, source in ((LOADING, read_model(path)), (LOADING_FILE, path)):
        yield name, {
            OURS: Prepared(on_threads(threads, lambda n, source=source: time_calls(lambda: qkernels.load_model(source), n))),
            "openvino": Prepared(lambda n, source=source: time_calls(lambda: compile_model(source, threads), n))}


def calls() -> Iterator[tuple[str, dict[str, int], dict[str, Prepared]]]:
    """(name, sizes, sides) of array functions on 64 elements with `out=`, nothing taken off; beside one NumPy ufunc."""
    random = np.random.default_rng(0)
    x, q = random.uniform(-1, 1, _FEW).astype(np.float32), np.empty(_FEW, np.uint8)
    total = np.empty_like(x)
    ufunc = Prepared(lambda runs: time_calls(lambda: np.add(x, x, out=total), runs))
    quantize = Prepared(lambda runs: time_calls(lambda: qkernels.quantize(x, 1 / 128, 128, out=q), runs))
    yield "a call of quantize on 64 elements", {"elements": _FEW}, {OURS: quantize, "numpy.add": ufunc}
    a, b = q.reshape(8, 8), random.integers(-127, 128, (8, 8), np.int8)
    weights, c = qkernels.PackedWeights(b), np.empty((8, 8), np.int32)
    matmul = Prepared(lambda runs: time_calls(lambda: qkernels.matmul(a, weights, out=c), runs))
    yield "a call of matmul on 64 elements", {"m": 8, "k": 8, "n": 8}, {OURS: matmul, "numpy.add": ufunc}
