"""Layer by layer: each one alone on both engines, on the bytes it meets inside the network.

First the outputs are compared, then both are timed in turn with hot caches. What an empty inference costs in OpenVINO is
measured in the same rounds and taken off, because a layer inside a network does not pay it. A layer whose time does not
stand out from that cost has no time of its own on OpenVINO's side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qkernels.engines.native import NativeEngine
from qkernels.engines.openvino import CompiledModel, Counter, OpenvinoEngine, float_model, trivial_model
from qkernels.graph import ir
from qkernels.graph.single_layer import single_layer_model
from qkernels.report.record import Interval, Layer

from .clock import time_calls
from .interleave import batch_for, interleave
from .roofline import Roofline
from .saturation import Saturation, audit
from .statistics import median_interval, ratio_interval

TARGET_MS = 2.0  # of each engine in each round
IDLE_MS = 5.0


@dataclass(frozen=True)
class LayerRun:
    """What every layer's measurement shares."""

    native: NativeEngine
    openvino: OpenvinoEngine
    roofline: Roofline
    rounds: int
    in_network_us: Sequence[float]                # of each layer, medians inside the running network


@dataclass(frozen=True)
class LayerResults:
    """The rows, the microseconds of an empty OpenVINO inference (None where no layer was reached), and on how many of the
    plan's layers both were timed: all, unless a KeyboardInterrupt came before the end."""

    rows: tuple[Layer, ...]
    call_overhead_us: Interval | None
    timed: int


def measure_layers(run: LayerRun, x: NDArray[Any], progress: Callable[[], None]) -> LayerResults:
    """A row for each layer of the plan, then one for each node that OpenVINO runs besides.

    A KeyboardInterrupt ends the timing: the layers not reached have rows without times of their own.
    """
    rows, calls = untimed_layers(run), list[NDArray[np.float64]]()
    try:
        _time_layers(run, x, rows, calls, progress)
    except KeyboardInterrupt:
        pass                                      # what is there is returned, and `timed` says how much
    overhead = median_interval(np.concatenate(calls), unit=1e3) if calls else None
    return LayerResults(tuple(rows), overhead, len(calls))


def _time_layers(run: LayerRun, x: NDArray[Any], rows: list[Layer], calls: list[NDArray[np.float64]],
                 progress: Callable[[], None]) -> None:
    """Fills `rows` in, one after the other, and `calls` with the nanoseconds of the empty inferences beside each."""
    empty = CompiledModel(trivial_model(), run.native.threads)
    empty.bind(np.zeros((1, 16), np.uint8))
    activations = run.native.activations(x)
    counters = {c.name: c for c in run.openvino.counters(x, 50)}
    floats = _float_tensors(run, x)
    for index, layer in enumerate(rows):
        counter = _take_counter(counters, run.native.model.graph[layer.name])
        if counter:
            rows[index] = replace(layer, openvino_counter_us=counter.us, openvino_impl=counter.implementation,
                                  openvino_precision=counter.precision)
    rows += [_openvino_only(counter) for counter in counters.values()]
    for index, (sources, result) in enumerate(activations):
        node = run.native.model.graph[rows[index].name]
        samples, compared = _run_both(run, index, node, sources, result, empty)
        rows[index] = _timed(run, rows[index], samples, compared, _sqnr_db(floats.get(node.name), result, node),
                             audit(node, sources[0]))
        calls.append(np.median(samples["call"], axis=1))
        progress()


def untimed_layers(run: LayerRun) -> list[Layer]:
    """A row for each layer of the plan, with what is known before it is run alone."""
    return [Layer(
        name=layer.name, kind=layer.kind, input_shape=layer.input_shape, output_shape=layer.output_shape,
        dtype_in=layer.input_dtype, dtype_out=layer.output_dtype, macs=layer.macs, bytes=layer.bytes,
        parameters=layer.parameters, fused=layer.fused, implementation=layer.implementation,
        qkernels_in_network_us=us) for layer, us in zip(run.native.model.layers, run.in_network_us)]


def _run_both(run: LayerRun, index: int, node: ir.Node, sources: tuple[NDArray[Any], ...], result: NDArray[Any],
              empty: CompiledModel) -> tuple[dict[str, NDArray[np.float64]], tuple[int | None, float]]:
    """Nanoseconds of "qkernels", "openvino" and an empty "call" in turn; and how far the outputs lie apart."""
    single = CompiledModel(single_layer_model(run.openvino.ov_model, run.native.model.graph, node), run.native.threads)
    single.bind(*sources)
    single.infer()
    compared = _compare(result, single.output())
    sides = {"qkernels": run.native.layer_sampler(index, sources),
             "openvino": lambda n: time_calls(single.infer, n), "call": lambda n: time_calls(empty.infer, n)}
    return interleave(sides, rounds=run.rounds, idle_ms=IDLE_MS, warmup=2, batch={
        name: batch_for(side, TARGET_MS, most=200) for name, side in sides.items()}), compared


def _timed(run: LayerRun, layer: Layer, samples: dict[str, NDArray[np.float64]], compared: tuple[int | None, float],
           sqnr_db: float | None, saturation: Saturation | None) -> Layer:
    """`layer` with its times alone and how its outputs compare."""
    ours = median_interval(samples["qkernels"], unit=1e3)
    theirs = np.median(samples["openvino"], axis=1) - np.median(samples["call"], axis=1)
    alone = median_interval(theirs, unit=1e3)
    shown = alone.low > 0
    openvino_us = alone if shown else None
    ratio = ratio_interval(theirs, samples["qkernels"])
    bound = run.roofline.bound(layer.macs, layer.bytes)
    return replace(
        layer, qkernels_us=ours, openvino_us=openvino_us, speedup=ratio.value if shown else None,
        speedup_low=ratio.low if shown else None, speedup_high=ratio.high if shown else None,
        difference_shown=ratio.shown if shown else None, max_lsb=compared[0], exact_fraction=compared[1], sqnr_db=sqnr_db,
        saturated_sums=saturation.count if saturation else None,
        saturated_fraction=saturation.count / saturation.sums if saturation else None,
        saturating_weights=saturation.weights if saturation else None,
        saturating_weights_fraction=saturation.weights / saturation.weight_pairs if saturation else None,
        gmacs=layer.macs / ours.median / 1e3 if layer.macs else None,
        openvino_gmacs=layer.macs / openvino_us.median / 1e3 if layer.macs and openvino_us else None, roofline_us=bound.us,
        roofline_fraction=bound.us / ours.median,
        openvino_roofline_fraction=bound.us / openvino_us.median if openvino_us else None, bound=bound.by)


def _openvino_only(counter: Counter) -> Layer:
    return Layer(name=counter.name, kind=counter.kind.lower(), input_shape=(), output_shape=(), dtype_in="", dtype_out="",
                 macs=0, bytes=0, parameters=0, openvino_counter_us=counter.us, openvino_impl=counter.implementation,
                 openvino_precision=counter.precision)


def _take_counter(counters: dict[str, Counter], node: ir.Node) -> Counter | None:
    """Removes and returns the row of the node that does this layer's work, under whichever of its names it runs."""
    for name in (node.name, node.source_output, *node.fused):
        if name in counters:
            return counters.pop(name)
    return None


def _compare(ours: NDArray[Any], theirs: NDArray[Any]) -> tuple[int | None, float]:
    """(largest difference in steps of the output, fraction that is equal); no steps for float32 outputs."""
    theirs = theirs.reshape(ours.shape)
    exact = float(np.mean(ours == theirs))
    if ours.dtype == np.float32:
        return None, exact
    return int(np.abs(ours.astype(np.int64) - theirs).max()), exact


def _float_tensors(run: LayerRun, x: NDArray[Any]) -> dict[str, NDArray[np.float32]]:
    """The float network's tensor for every layer but the quantizer and the outputs, NHWC."""
    model = float_model(run.openvino.ov_model)
    ops = {op.friendly_name: op for op in model.get_ordered_ops()}
    wanted = []
    for layer in run.native.model.layers:
        node = run.native.model.graph[layer.name]
        # the quantizer is gone: its input, the last of the fused operators before it, carries the tensor
        name = next((n for n in reversed((node.name, *node.fused)) if n in ops), None)
        if name is not None and not isinstance(node, ir.Quantize) and node.name not in run.native.model.graph.outputs:
            wanted.append((node, ops[name].output(0)))
    first = len(model.outputs)
    for _, output in wanted:
        model.add_outputs(output)
    compiled = CompiledModel(model, run.native.threads)
    compiled.bind(x)
    compiled.infer()
    found = {}
    for index, (node, _) in enumerate(wanted):
        tensor = np.array(compiled.request.get_output_tensor(first + index).data)
        if node.channels_first and tensor.ndim == 4:
            tensor = tensor.transpose(0, 2, 3, 1)
        if tensor.size == np.prod(node.shape):
            found[node.name] = tensor.reshape(node.shape)
    return found


def _sqnr_db(real: NDArray[Any] | None, result: NDArray[Any], node: ir.Node) -> float | None:
    """Signal to quantization noise, 10 log10(sum x^2 / sum (x - q)^2); None without a tensor, noise or signal."""
    if real is None:
        return None
    value = result.astype(np.float64)
    if node.scale is not None:
        scale, zero_point = node.affine()
        value = (value - zero_point) * scale
    noise, signal = float(np.sum((real - value) ** 2)), float(np.sum(real.astype(np.float64) ** 2))
    return 10 * np.log10(signal / noise) if noise > 0 and signal > 0 else None
