"""qkernels as an engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import qkernels
from qkernels.graph import Graph, ir, lower
from qkernels.measure.buffers import aligned_copy, aligned_empty
from qkernels.measure.clock import time_calls, timed

from .base import Prepared, Sampler, python_calls
from .work import Dequantize, Gemm, Layer, Quantize, Work

if TYPE_CHECKING:
    import openvino


class NativeEngine:
    """The model lowered to a native plan."""

    precision = "int8"

    def __init__(self, model: str | openvino.Model, threads: int) -> None:
        qkernels.set_num_threads(threads)
        self.threads = threads
        self.model, self.compile_ms = timed(lambda: qkernels.load_model(model))
        _, self.first_call_ms = timed(lambda: self.model(self.zeros()))
        self.version = qkernels.__version__
        self.description = f"instruction set {self.model.plan.isa}"

    def zeros(self) -> NDArray[Any]:
        """An input of its shape and type."""
        node = self.model.graph[self.model.graph.inputs[0]]
        return np.zeros(node.shape, node.dtype)

    def run(self, x: NDArray[Any]) -> NDArray[np.float32]:
        return np.asarray(self.model(x))

    def sampler(self, x: NDArray[Any]) -> Sampler:
        return lambda repeats: time_calls(lambda: self.model(x), repeats)

    def profiler(self, x: NDArray[Any], kept: list[NDArray[np.float64]]) -> Sampler:
        """Times whole inferences inside the native call; (repeats, layers) nanoseconds of each go into `kept`."""
        def sample(repeats: int) -> NDArray[np.float64]:
            ns = self.model.profile(x, repeats=repeats).astype(np.float64)
            kept.append(ns[:, :-1])
            return ns[:, -1]
        return sample

    def activations(self, x: NDArray[Any]) -> list[tuple[tuple[NDArray[Any], ...], NDArray[Any]]]:
        """(inputs, output) of every layer, each layer run on the outputs of those before."""
        plan, pairs = self.model.plan, []
        tensors: dict[int, NDArray[Any]] = {}
        for index, layer in enumerate(plan.layers):
            sources = tuple(tensors.get(plan.storage(number), x).reshape(plan.shape(number)) for number in layer["inputs"])
            result = aligned_empty(layer["output_shape"], layer["output_dtype"])
            plan.run_layer(index, sources, result)
            tensors[plan.storage(layer["output"])] = result
            pairs.append((sources, result))
        return pairs

    def layer_sampler(self, index: int, sources: tuple[NDArray[Any], ...]) -> Sampler:
        """Times one layer alone, inside the native call."""
        layer = self.model.plan.layers[index]
        result = aligned_empty(layer["output_shape"], layer["output_dtype"])
        return lambda repeats: self.model.plan.time_layer(index, sources, result, repeats).astype(np.float64)


def prepare(work: Work, threads: int) -> Prepared:
    """A single operation: the array function that a caller would call with `out=`; a layer as a plan of its own."""
    made = _layer(work) if isinstance(work, Layer) else _array_function(work)
    return Prepared(on_threads(threads, made.run), made.call and on_threads(threads, made.call), made.result)


def on_threads(threads: int, sampler: Sampler) -> Sampler:
    """`sampler` with the number of threads set before each batch."""
    def sample(runs: int) -> NDArray[np.float64]:
        qkernels.set_num_threads(threads)
        return sampler(runs)
    return sample


def _array_function(work: Quantize | Dequantize | Gemm) -> Prepared:
    if isinstance(work, Gemm):
        a, weights = work.a, qkernels.PackedWeights(work.b)
        c = aligned_empty((a.shape[0], work.b.shape[1]), np.int32)
        least, no_a, no_c = qkernels.PackedWeights(np.ones((1, 1), np.int8)), a[:0, :1].copy(), c[:0, :1].copy()
        return python_calls(lambda: qkernels.matmul(a, weights, out=c), lambda: qkernels.matmul(no_a, least, out=no_c),
                            lambda: c)
    scale, zero_point = work.scale, work.zero_point
    if isinstance(work, Quantize):
        x, q = work.x, aligned_empty(work.x.shape, np.uint8)
        no_x, no_q = x[:0].copy(), q[:0].copy()
        return python_calls(lambda: qkernels.quantize(x, scale, zero_point, out=q),
                            lambda: qkernels.quantize(no_x, scale, zero_point, out=no_q), lambda: q)
    q, x = work.q, aligned_empty(work.q.shape, np.float32)
    no_q, no_x = q[:0].copy(), x[:0].copy()
    return python_calls(lambda: qkernels.dequantize(q, scale, zero_point, out=x),
                        lambda: qkernels.dequantize(no_q, scale, zero_point, out=no_x), lambda: x)


def _layer(work: Layer) -> Prepared:
    """Timed inside the native call."""
    before = [work.graph[name] for name in work.node.inputs]
    sources = [ir.Input(name=node.name, inputs=(), shape=node.shape, dtype=node.dtype) for node in before]
    plan = lower(Graph((*sources, work.node), tuple(source.name for source in sources), (work.node.name,)))
    inputs = tuple(aligned_copy(x.reshape(node.shape)) for x, node in zip(work.sources, before))
    y = aligned_empty(work.node.shape, work.node.dtype)
    return Prepared(lambda runs: plan.time_layer(0, inputs, y, runs).astype(np.float64), None, lambda: y)
