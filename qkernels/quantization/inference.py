"""Values inside a model on many samples: outputs wherever wanted, computed two samples at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qkernels.graph.import_openvino import core, openvino_module, openvino_reason

from .network import opset

Sample = tuple[NDArray[Any], ...]


def run(outputs: Sequence[Any], parameters: Sequence[Any], samples: Sequence[Sample]) -> Iterator[list[NDArray[Any]]]:
    """The arrays at `outputs` of a graph with `parameters`, for one sample after the other.

    The arrays are overwritten by the next but one sample. The graph gets results of its own, which live as long as the
    iterator. Raises ValueError for a graph that OpenVINO does not compile.
    """
    model = openvino_module().Model([opset().result(output) for output in outputs], list(parameters), "inside")
    try:
        compiled = core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    except RuntimeError as error:
        raise ValueError(f"model: OpenVINO does not compile it: {openvino_reason(error)}") from error
    requests = [compiled.create_infer_request() for _ in range(min(2, len(samples)))]
    for index, sample in enumerate(samples[:1]):
        requests[index].start_async(list(sample))
    for index in range(len(samples)):
        request = requests[index % 2]
        request.wait()
        if index + 1 < len(samples):     # computes while the caller works on these
            requests[(index + 1) % 2].start_async(list(samples[index + 1]))
        yield [request.get_output_tensor(i).data for i in range(len(outputs))]


def mean_over(output: Any, channel_axis: int) -> Any:
    """The mean of each channel, (channels,), as an operator behind `output`."""
    axes = [axis for axis in range(len(output.get_shape())) if axis != channel_axis]
    return opset().reduce_mean(output, np.array(axes, np.int64), False).output(0)
