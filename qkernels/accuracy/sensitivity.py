"""Which layers cost accuracy in int8 and which save time, and in what order to leave them in FP32."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import qkernels
from qkernels.engines.openvino import CompiledModel
from qkernels.quantization import network
from qkernels.quantization.fold import fold_batch_norms
from qkernels.quantization.inference import Sample, mean_over, run
from qkernels.quantization.insert import fake_quantize

from .metrics import divergences

if TYPE_CHECKING:
    import openvino

_RUNS = 30              # for a layer's time
_ROUNDED = 0.25         # relative distance of weights in int8 from the float ones, at most


@dataclass(frozen=True)
class LayerCost:
    """
    divergence      mean Kullback-Leibler divergence from FP32's probabilities, in nats, where only this layer is int8
    float_us        in FP32 on OpenVINO
    int8_us         in int8: on qkernels where it loads the model, else on OpenVINO
    """

    name: str
    divergence: float
    float_us: float
    int8_us: float

    @property
    def saved_us(self) -> float:
        return self.float_us - self.int8_us


def sensitivity(reference: openvino.Model, quantized: openvino.Model, samples: Sequence[Sample],
                progress: Callable[[float], None]) -> list[LayerCost]:
    """Of each layer, in the model's order. `quantized` was made of `reference`, without cross-layer equalization.

    Raises ValueError for a quantized layer whose weights are not the float model's, rounded.
    """
    exact = network.float_copy(reference, [array.shape for array in samples[0]])
    fold_batch_norms(exact)
    wanted = _outputs(exact, samples)
    found = network.layers(quantized)
    float_us, int8_us = _openvino_times(exact, samples[0]), _int8_times(quantized, samples[0])
    costs = []
    for done, layer in enumerate(found):
        alone = _alone(exact, layer, samples)
        costs.append(LayerCost(layer.name, float(divergences(wanted, _outputs(alone, samples)).mean()),
                               float_us.get(layer.name, 0.0), int8_us.get(layer.name, 0.0)))
        progress((done + 1) / len(found))
    return costs


def pareto_order(costs: Sequence[LayerCost]) -> list[LayerCost]:
    """In which order to leave layers in FP32: first those that cost no time there, then by divergence avoided for each
    microsecond lost. Every beginning of this list is the best choice for the time it takes, as far as the divergences
    of single layers add up."""
    return sorted(costs, key=lambda cost: -cost.divergence / cost.saved_us if cost.saved_us > 0 else -np.inf)


def _outputs(model: openvino.Model, samples: Sequence[Sample]) -> NDArray[Any]:
    """(samples, classes)."""
    source = model.get_results()[0].input_value(0)
    return np.stack([arrays[0].reshape(-1).copy() for arrays in run([source], model.get_parameters(), samples)])


def _alone(exact: openvino.Model, layer: network.Layer, samples: Sequence[Sample]) -> openvino.Model:
    """The float model with `layer` alone as the quantized model has it, its mean output kept by its bias."""
    copy = exact.clone()
    own = next((one for one in network.layers(copy) if one.name == layer.name), None)
    if own is None or own.weights.shape != layer.weights.shape:
        raise ValueError(f"quantized: {layer.name!r} is no layer of the float model")
    distance = np.linalg.norm(layer.weights - own.weights) / max(float(np.linalg.norm(own.weights)), 1e-30)
    if distance > _ROUNDED:
        raise ValueError(f"quantized: the weights of {layer.name!r} are {distance:.0%} away from the float model's, expected "
                         f"their rounding; equalized models cannot be compared")
    output = mean_over(own.op.output(0), own.channel_axis)
    before = _mean(output, copy, samples)
    node = layer.op.input_value(0).get_node()
    while node.get_type_name() != "FakeQuantize":
        if node.get_type_name() in ("Parameter", "Constant"):
            raise ValueError(f"quantized: the input of {layer.name!r} has no FakeQuantize")
        node = node.input_value(0).get_node()
    low, high = (node.input_value(i).get_node().data for i in (1, 2))
    own.op.input(0).replace_source_output(fake_quantize(own.op.input_value(0), low, high).output(0))
    own.set_rows(layer.rows)
    shift = before - _mean(output, copy, samples)
    own.set_bias(shift if own.bias is None else own.bias + shift)
    return copy


def _mean(output: Any, model: openvino.Model, samples: Sequence[Sample]) -> NDArray[np.float64]:
    return np.mean([arrays[0].astype(np.float64) for arrays in run([output], model.get_parameters(), samples)], axis=0)


def _openvino_times(model: openvino.Model, sample: Sample) -> dict[str, float]:
    """Microseconds of each of the model's operators on one thread; one that was fused has its node's."""
    compiled = CompiledModel(model, 1, PERF_COUNT=True)
    compiled.bind(sample[0])
    times: dict[str, list[float]] = {}
    for _ in range(_RUNS):
        compiled.infer()
        for node in compiled.request.get_profiling_info():
            times.setdefault(node.node_name, []).append(node.real_time.total_seconds() * 1e6)
    found: dict[str, float] = {}
    for op in compiled.compiled.get_runtime_model().get_ordered_ops():
        names = str(op.get_rt_info()["originalLayersNames"].astype(str)).split(",")
        found.update(dict.fromkeys(names, float(np.median(times.get(op.friendly_name, [0.0])))))
    return found


def _int8_times(model: openvino.Model, sample: Sample) -> Mapping[str, float]:
    try:
        ours = qkernels.load_model(model)
    except qkernels.UnsupportedModelError:
        return _openvino_times(model, sample)
    before = qkernels.get_num_threads()
    qkernels.set_num_threads(1)
    try:
        times = np.median(ours.profile(*sample, repeats=_RUNS), axis=0) / 1e3
    finally:
        qkernels.set_num_threads(before)
    return {layer.name: float(us) for layer, us in zip(ours.layers, times)}
