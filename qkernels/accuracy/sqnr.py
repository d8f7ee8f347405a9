"""Signal to quantization noise of each tensor of a quantized model, in decibels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qkernels.quantization.inference import Sample, run
from qkernels.quantization.network import by_name, opset

if TYPE_CHECKING:
    import openvino

_MOST = 200.0           # what is exact


def layer_sqnr(reference: openvino.Model, quantized: openvino.Model, samples: Sequence[Sample]) -> dict[str, float]:
    """10 log10 of the power of a tensor in `reference` over that of its difference in `quantized`.

    For each activation with a FakeQuantize in `quantized` whose operator has the same name and shape in `reference`, by
    that name, in the model's order; errors of the layers before are in it. Tensors that were scaled by cross-layer
    equalization are compared as they are, which says nothing: their figures are low.
    """
    exact = by_name(reference)
    found: list[tuple[str, Any, Any]] = []
    for op in quantized.get_ordered_ops():
        if op.get_type_name() == "FakeQuantize":
            name = op.input_value(0).get_node().friendly_name
            same = exact.get(name)
            if same is not None and tuple(same.get_output_shape(0)) == tuple(op.get_output_shape(0)):
                found.append((name, same, op))
    if not found:
        return {}
    outputs = [output for _, one, other in found for output in _powers(one, other)]
    both = [sample + sample for sample in samples]
    totals = np.zeros(len(outputs))
    for arrays in run(outputs, [*reference.get_parameters(), *quantized.get_parameters()], both):
        totals += [float(array) for array in arrays]
    return {name: _decibels(*totals[2 * i:2 * i + 2]) for i, (name, _, _) in enumerate(found)}


def _powers(one: openvino.Node, other: openvino.Node) -> tuple[Any, Any]:
    axes: NDArray[np.int64] = np.arange(len(one.get_output_shape(0)))
    return (opset().reduce_sum(opset().multiply(one, one), axes, False).output(0),
            opset().reduce_sum(opset().squared_difference(one, other), axes, False).output(0))


def _decibels(signal: float, noise: float) -> float:
    if noise == 0 or signal == 0:
        return _MOST if noise == 0 else -_MOST
    return float(np.clip(10 * np.log10(signal / noise), -_MOST, _MOST))
