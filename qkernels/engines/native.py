"""qkernels as an engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import qkernels
from qkernels.measure.clock import time_calls, timed

from .base import Sampler

if TYPE_CHECKING:
    import openvino


class NativeEngine:
    """The model lowered to a native plan."""

    precision = "int8"

    def __init__(self, model: str | openvino.Model, threads: int) -> None:
        qkernels.set_num_threads(threads)
        self.threads = threads
        self.model, self.compile_ms = timed(lambda: qkernels.load_model(model))
        zeros = np.zeros(self.model.input_shapes[0], np.float32)
        _, self.first_call_ms = timed(lambda: self.model(zeros))
        self.version = qkernels.__version__
        self.description = f"instruction set {self.model.plan.isa}"

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

    def activations(self, x: NDArray[Any]) -> list[tuple[NDArray[Any], NDArray[Any]]]:
        """(input, output) of every layer, each layer run on the output of the one before."""
        plan, pairs = self.model.plan, []
        tensors: dict[int, NDArray[Any]] = {}
        for index, layer in enumerate(plan.layers):
            storage = plan.storage(layer["inputs"][0])
            source = tensors.get(storage, x).reshape(layer["input_shape"])
            result = np.empty(layer["output_shape"], layer["output_dtype"])
            plan.run_layer(index, (source,), result)
            tensors[plan.storage(layer["output"])] = result
            pairs.append((source, result))
        return pairs

    def layer_sampler(self, index: int, source: NDArray[Any], result: NDArray[Any]) -> Sampler:
        """Times one layer alone, inside the native call."""
        return lambda repeats: self.model.plan.time_layer(index, (source,), result, repeats).astype(np.float64)
