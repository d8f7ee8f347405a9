"""Biases under which the mean of each layer's output over the samples is that of the float model.

Empirically and layer by layer, each behind the corrected ones before it (M. Nagel et al., Data-free quantization through
weight equalization and bias correction, 2019, section 4.2).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .inference import Sample, mean_over, run
from .network import Layer, opset

if TYPE_CHECKING:
    import openvino

F64 = NDArray[np.float64]


def output_means(model: openvino.Model, layers: Sequence[Layer], samples: Sequence[Sample],
                 progress: Callable[[float], None]) -> dict[str, F64]:
    """Of each layer, bias included, (channels,)."""
    outputs = [mean_over(layer.end.output(0), layer.channel_axis) for layer in layers]
    totals = [np.zeros(len(layer.rows)) for layer in layers]
    for done, arrays in enumerate(run(outputs, model.get_parameters(), samples)):
        for total, array in zip(totals, arrays):
            total += array
        progress((done + 1) / len(samples))
    return {layer.name: total / len(samples) for layer, total in zip(layers, totals)}


def correct_bias(layer: Layer, mean_input: NDArray[np.float32], wanted: F64) -> None:
    """Sets the bias so that the mean output is `wanted` (channels,). A layer is linear: the mean of its outputs is the
    output for the mean of its inputs."""
    source = layer.op.input_value(0)
    parameter = opset().parameter(list(mean_input.shape), np.float32)
    layer.op.input(0).replace_source_output(parameter.output(0))
    try:
        output = mean_over(layer.op.output(0), layer.channel_axis)
        mean, = next(run([output], [parameter], [(mean_input,)]))
        mean = mean.astype(np.float64)
    finally:
        layer.op.input(0).replace_source_output(source)
    layer.set_bias(wanted - mean)
