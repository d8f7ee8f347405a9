"""Models on labelled images: every engine's outputs, and the figures made of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray

import qkernels
from qkernels.engines.openvino import CompiledModel
from qkernels.graph.import_openvino import read_model
from qkernels.measure import preprocessing

from . import images, metrics
from .sqnr import layer_sqnr

QKERNELS, OPENVINO_INT8, OPENVINO_FP32 = "qkernels", "OpenVINO INT8", "OpenVINO FP32"
_SQNR_IMAGES = 16
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class Row:
    """A model on an engine. `why` says why there are no scores."""

    model: str
    engine: str
    scores: metrics.Scores | None
    why: str = ""


@dataclass(frozen=True)
class Result:
    measured: int                                   # images
    left_out: int                                   # of those with a label, for calibration
    reference: str | None                           # the float model's name
    rows: list[Row]
    sqnr: dict[str, dict[str, float]] = field(default_factory=dict)    # by model, by tensor, in dB


@dataclass(frozen=True)
class Job:
    """`models` files, the first float one the reference; `given` preprocessing options, None for the model's own."""

    models: Sequence[Path]
    directory: Path
    labels: Path
    skip: int = 0
    seed: int = 0
    given: dict[str, Any] = field(default_factory=dict)


def run_job(job: Job, progress: Progress) -> Result:
    """Raises what reading models, labels and images raises; a model that qkernels cannot load is a row that says so."""
    models = {str(path): read_model(path) for path in job.models}
    quantized = {name for name, model in models.items() if is_quantized(model)}
    reference = next((name for name in models if name not in quantized), None)
    labelled = images.read_labels(job.labels, job.directory)
    used = set().union(*(images.calibrated_on(model) for model in models.values()))
    chosen = images.for_measuring(labelled, used, skip=job.skip, seed=job.seed)
    labels = np.array([image.label for image in chosen])
    rows, exact, sqnr = [], None, {}
    order = sorted(models, key=lambda name: name != reference)
    for place, name in enumerate(order):
        how = preprocessing.of_model(models[name], **job.given)
        inputs = [how.load(image.path) for image in chosen]
        for engine, runner in _runners(models[name], name in quantized):
            share = _share(progress, f"{Path(name).name}, {engine}", place / len(order), 1 / len(order))
            if isinstance(runner, str):
                rows.append(Row(name, engine, None, runner))
                continue
            outputs = _outputs(runner, inputs, share)
            if name == reference:
                exact = outputs
            rows.append(Row(name, engine, metrics.scores(outputs, labels, None if name == reference else exact)))
        if name in quantized and reference is not None:
            sqnr[name] = layer_sqnr(models[reference], models[name], [(x,) for x in inputs[:_SQNR_IMAGES]])
    return Result(len(chosen), len(labelled) - len(chosen), reference, rows, sqnr)


def is_quantized(model: openvino.Model) -> bool:
    return any(op.get_type_name() == "FakeQuantize" for op in model.get_ordered_ops())


def _runners(model: openvino.Model, quantized: bool) -> list[tuple[str, Any]]:
    """(engine, what turns an input into the first output, or why there is none)."""
    compiled = CompiledModel(model, threads=qkernels.get_num_threads())

    def openvino_run(x: NDArray[np.float32]) -> NDArray[Any]:
        compiled.bind(x)
        compiled.infer()
        return compiled.output()

    if not quantized:
        return [(OPENVINO_FP32, openvino_run)]
    try:
        ours: Any = qkernels.load_model(model)
    except qkernels.UnsupportedModelError as error:
        return [(QKERNELS, str(error)), (OPENVINO_INT8, openvino_run)]
    return [(QKERNELS, lambda x: _first(ours(x))), (OPENVINO_INT8, openvino_run)]


def _first(outputs: Any) -> NDArray[Any]:
    return outputs[0] if isinstance(outputs, tuple) else outputs


def _outputs(runner: Callable[[NDArray[np.float32]], NDArray[Any]], inputs: Sequence[NDArray[np.float32]],
             progress: Callable[[float], None]) -> NDArray[Any]:
    """(images, classes)."""
    found = []
    for done, x in enumerate(inputs):
        found.append(runner(x).reshape(-1).copy())
        progress((done + 1) / len(inputs))
    return np.stack(found)


def _share(progress: Progress, what: str, first: float, width: float) -> Callable[[float], None]:
    return lambda done: progress(what, first + width * done)
