"""The main job: a model on qkernels and on OpenVINO, compared first, then timed, whole and layer by layer."""

from __future__ import annotations

import dataclasses
import datetime
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import qkernels
from qkernels import _native
from qkernels.engines.base import Engine as Runner
from qkernels.engines.native import NativeEngine
from qkernels.engines.openvino import OpenvinoEngine, float_model
from qkernels.graph import import_model, ir
from qkernels.graph.import_openvino import read_model
from qkernels.models import embedded_model_path
from qkernels.report.record import (
    OPENVINO_F32,
    OPENVINO_INT8,
    QKERNELS,
    Engine,
    ImageResult,
    Latency,
    Layer,
    ModelInfo,
    Report,
    Settings,
    Totals,
)

from . import machine
from .images import Picture, classify
from .interleave import Interrupted, interleave
from .layers import IDLE_MS, LayerResults, LayerRun, measure_layers, untimed_layers
from .memory import peak_rss_mb
from .roofline import measure_roofline
from .statistics import CONFIDENCE, SEED, Ratio, median_interval, ratio_interval

PROFILED = "profiled"  # qkernels again, with a clock between its layers
BATCH = 5  # inferences in a row of one engine, between two pauses
EMBEDDED_NOTE = ("Weights of TensorFlow-Slim, quantized per output channel; activation ranges taken from the same network "
                 "quantized by NNCF.")


@dataclass(frozen=True)
class Job:
    """What to measure. `model_path` None: the embedded model. `pictures` may be empty; the first is what is timed."""

    model_path: Path | None
    pictures: Sequence[Picture]
    threads: int
    repeats: int


def run_job(job: Job, progress: Callable[[str, float], None]) -> Report:
    """The whole measurement; `progress` gets what is being done and the fraction done.

    A KeyboardInterrupt after the second round end to end ends the measurement; the report then has what was measured until
    then, and its `interrupted` says so. Before that it is raised.
    Raises what `qkernels.load_model` raises for a model that cannot be run, ValueError for one whose input is not an image of
    the embedded model's kind while pictures are given.
    """
    path = job.model_path or embedded_model_path()
    progress("reading the model", 0.0)
    ov_model = read_model(path)
    graph = import_model(ov_model)
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        raise ValueError(f"model: expected one input and one output, got {len(graph.inputs)} and {len(graph.outputs)}")
    x = _timed_input(job.pictures, graph[graph.inputs[0]])
    native = NativeEngine(ov_model, job.threads)
    engines: dict[str, Any] = {QKERNELS: native, OPENVINO_INT8: OpenvinoEngine(ov_model, job.threads),
                               OPENVINO_F32: OpenvinoEngine(float_model(ov_model), job.threads)}
    progress("comparing outputs", 0.05)
    images = classify(engines, job.pictures, graph[graph.outputs[0]])
    progress("measuring the machine", 0.08)
    caches = machine.caches()
    roofline = measure_roofline(_native, caches, job.threads)
    layer_ns: list[NDArray[np.float64]] = []
    sides = {name: engine.sampler(x) for name, engine in engines.items()}
    try:
        samples = interleave({**sides, PROFILED: native.profiler(x, layer_ns)}, rounds=job.repeats, batch=BATCH,
                             idle_ms=IDLE_MS, progress=_counter(progress, "end to end", 0.12, 0.5, job.repeats))
    except Interrupted as interrupt:
        samples = interrupt.samples
        if len(samples[QKERNELS]) < 2:            # no interval comes of one round
            raise
    rounds, n_layers = len(samples[QKERNELS]), len(native.model.layers)
    in_network_us = (np.median(np.concatenate(layer_ns), axis=0) / 1e3).tolist()
    run = LayerRun(native, engines[OPENVINO_INT8], roofline, max(job.repeats // 2, 5), in_network_us)
    if rounds == job.repeats:
        measured = measure_layers(run, x, _counter(progress, "layer by layer", 0.5, 0.95, n_layers))
    else:
        measured = LayerResults(tuple(untimed_layers(run)), None, 0)
    layers = measured.rows
    memory: dict[str, float | None] = dict.fromkeys(engines)
    progress("memory", 0.95)
    reached = _measure_memory(memory, path, job.threads) if measured.timed == n_layers else 0
    interrupted = None
    if reached < len(memory):
        interrupted = (f"{rounds} of {job.repeats} rounds end to end, {measured.timed} of {n_layers} layers alone and the "
                       f"memory of {reached} of {len(memory)} engines were measured")
    progress("done", 1.0)
    return Report(
        created=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        qkernels_version=qkernels.__version__,
        machine=machine.describe(native.model.plan.isa, roofline, caches,
                                 {layer.kind: layer.implementation for layer in native.model.layers},
                                 measured.call_overhead_us),
        model=_model(job, path, native, graph.output_shapes[0]),
        settings=Settings(threads=job.threads, isa=native.model.plan.isa, repeats=rounds * BATCH,
                          layer_repeats=run.rounds, confidence_level=CONFIDENCE, idle_ms=IDLE_MS, images=len(images),
                          seed=SEED),
        engines={name: _engine(engine, samples[name], memory[name]) for name, engine in engines.items()},
        layers=layers, totals=_totals(samples, layers, images, timed=measured.timed == n_layers), images=images,
        warnings=_warnings(layers, images), interrupted=interrupted)


def _measure_memory(memory: dict[str, float | None], path: Path, threads: int) -> int:
    """Fills in each engine's peak; how many of them before a KeyboardInterrupt."""
    for done, name in enumerate(memory):
        try:
            memory[name] = peak_rss_mb(name, str(path), threads)
        except KeyboardInterrupt:
            return done
    return len(memory)


def _counter(progress: Callable[[str, float], None], what: str, start: float, end: float, steps: int) -> Callable[[], None]:
    """Each call is one of `steps` between two fractions."""
    done = [0]

    def step() -> None:
        done[0] += 1
        progress(what, start + (end - start) * min(done[0] / steps, 1.0))
    return step


def _timed_input(pictures: Sequence[Picture], node: ir.Node) -> NDArray[Any]:
    if not pictures:
        random = np.random.default_rng(SEED)
        return (random.integers(0, 256, node.shape, np.uint8) if node.dtype == "uint8"
                else random.uniform(-1, 1, node.shape).astype(np.float32))
    x = pictures[0].x
    if (x.shape, x.dtype.name) != (node.shape, node.dtype):
        raise ValueError(f"images: prepared for {x.dtype.name} {x.shape}, but the model takes {node.dtype} {node.shape}")
    return x


def _model(job: Job, path: Path, native: NativeEngine, output_shape: tuple[int, ...]) -> ModelInfo:
    digest = hashlib.sha256(path.read_bytes())
    weights = path.with_suffix(".bin")
    if weights.exists():
        digest.update(weights.read_bytes())
    layers = native.model.layers
    return ModelInfo(name=path.stem, source="embedded" if job.model_path is None else path.name, sha256=digest.hexdigest(),
                     input_shape=native.model.input_shapes[0], output_shape=output_shape,
                     input_dtype=native.model.graph[native.model.graph.inputs[0]].dtype,
                     macs=sum(layer.macs for layer in layers), parameters=sum(layer.parameters for layer in layers),
                     note=EMBEDDED_NOTE if job.model_path is None else "")


def _engine(engine: Runner, samples: NDArray[np.float64], memory: float | None) -> Engine:
    found = median_interval(samples, unit=1e6)
    return Engine(version=engine.version, precision=engine.precision, compile_ms=engine.compile_ms,
                  first_call_ms=engine.first_call_ms,
                  latency_ms=Latency(found.median, found.low, found.high, tuple((samples / 1e6).ravel().tolist())),
                  throughput_fps=1e3 / found.median, peak_rss_mb=memory, description=engine.description)


def _totals(samples: dict[str, NDArray[np.float64]], layers: Sequence[Layer], images: Sequence[ImageResult], *,
            timed: bool) -> Totals:
    """`timed`: every layer was, so that sums over the layers alone mean something."""
    ours, theirs = (median_interval(samples[name], unit=1e3) for name in (QKERNELS, OPENVINO_INT8))
    ratio = ratio_interval(samples[OPENVINO_INT8], samples[QKERNELS])
    native_sum = _sum(layers, "qkernels_in_network_us")
    counter_sum = _sum(layers, "openvino_counter_us")
    return Totals(
        qkernels_us=ours, openvino_us=theirs, qkernels_layers_sum_us=native_sum, openvino_layers_sum_us=counter_sum,
        unattributed_us=None if native_sum is None else ours.median - native_sum,
        openvino_unattributed_us=None if counter_sum is None else theirs.median - counter_sum,
        qkernels_layers_alone_sum_us=sum(x.qkernels_us.median for x in layers if x.qkernels_us) if timed else None,
        openvino_layers_alone_sum_us=sum(x.openvino_us.median for x in layers if x.openvino_us) if timed else None,
        speedup=ratio.value, speedup_low=ratio.low, speedup_high=ratio.high, difference_shown=ratio.shown,
        speedup_f32=ratio_interval(samples[OPENVINO_F32], samples[QKERNELS]).value,
        agreement_top1=sum(image.agree for image in images) / len(images) if images else None,
        max_probability_diff=max((image.max_probability_diff for image in images), default=None),
        layers_max_lsb=max((layer.max_lsb for layer in layers if layer.max_lsb is not None), default=None),
        roofline_us=_sum(layers, "roofline_us") if timed else None, verdict=_verdict(ratio))


def _sum(layers: Sequence[Layer], field: str) -> float | None:
    """None where no layer has the figure."""
    values = [value for value in (dataclasses.asdict(layer)[field] for layer in layers) if value is not None]
    return sum(values) if values else None


def _verdict(ratio: Ratio) -> str:
    if not ratio.shown:
        return "No difference shown between qkernels and OpenVINO INT8, end to end."
    return (f"qkernels is {ratio.verdict} than OpenVINO INT8 end to end: {ratio.value:.2f} times the speed "
            f"({ratio.low:.2f} to {ratio.high:.2f}).")


def _warnings(layers: Sequence[Layer], images: Sequence[ImageResult]) -> tuple[str, ...]:
    found = [f"{layer.name}: outputs differ by {layer.max_lsb} LSB" for layer in layers if (layer.max_lsb or 0) > 1]
    found += [f"{image.name}: the engines name different classes first" for image in images if not image.agree]
    if not images:
        found.append("No images were given: top-1 agreement was not checked.")
    return tuple(found)
