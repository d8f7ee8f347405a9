"""ONNX Runtime's CPU provider: single operations, and a whole network in QDQ form. Buffers are bound once, so a run copies
nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray

from qkernels.graph import ir
from qkernels.measure.buffers import aligned_copy, aligned_empty
from qkernels.measure.clock import time_calls, timed

from . import onnx_models
from .base import Prepared, Sampler, python_calls
from .work import Dequantize, Gemm, Layer, Quantize, Work


def _session(model: onnx.ModelProto, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.log_severity_level = 3  # errors only
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _bound(session: onnxruntime.InferenceSession, x: NDArray[Any], y: NDArray[Any]) -> Callable[[], None]:
    """A run from `x` into `y`."""
    binding = session.io_binding()
    binding.bind_input("x", "cpu", 0, x.dtype, x.shape, x.ctypes.data)
    binding.bind_output("y", "cpu", 0, y.dtype, y.shape, y.ctypes.data)
    # the arrays are kept with the call: the binding holds their addresses only
    return lambda kept=(x, y): session.run_with_iobinding(binding)


def prepare(work: Work, threads: int) -> Prepared:
    """The call without work: a conversion of one element."""
    if isinstance(work, Layer):
        x, y, model = aligned_copy(work.sources[0]), aligned_empty(work.node.shape, np.uint8), onnx_models.layer(work)
    elif isinstance(work, Gemm):
        x, y = work.a, aligned_empty((work.a.shape[0], work.b.shape[1]), np.int32)
        model = onnx_models.product(work)
    elif isinstance(work, Quantize):
        x, y, model = work.x, aligned_empty(work.x.shape, np.uint8), onnx_models.conversion(work)
    else:
        x, y, model = work.q, aligned_empty(work.q.shape, np.float32), onnx_models.conversion(work)
    least = onnx_models.conversion(Dequantize(np.zeros(1, np.uint8), 1.0, 0))
    empty = _bound(_session(least, 1), np.zeros(1, np.uint8), np.empty(1, np.float32))
    # A layer: another order of the multiplications in float32 moves a value on a tie by one step.
    return python_calls(_bound(_session(model, threads), x, y), empty, lambda: y, tolerance=isinstance(work, Layer))


class OnnxruntimeEngine:
    """A graph of ours in QDQ form."""

    precision = "int8"
    version = onnxruntime.__version__
    description = "QDQ model, CPU provider, all graph optimizations"

    def __init__(self, graph: ir.Graph, threads: int) -> None:
        model = onnx_models.network(graph)
        self._session, self.compile_ms = timed(lambda: _session(model, threads))
        self._y = np.empty(graph.output_shapes[0], np.float32)
        zeros = np.zeros(graph.input_shapes[0], np.float32)
        _, self.first_call_ms = timed(_bound(self._session, zeros, self._y))

    def run(self, x: NDArray[Any]) -> NDArray[np.float32]:
        _bound(self._session, x, self._y)()
        return self._y.copy()

    def sampler(self, x: NDArray[Any]) -> Sampler:
        run = _bound(self._session, x, self._y)
        return lambda repeats: time_calls(run, repeats)
