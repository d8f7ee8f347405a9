"""LiteRT (TensorFlow Lite) as an engine: a .tflite file through its XNNPACK delegate."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from qkernels.measure.clock import time_calls, timed

from .base import Prepared, Sampler, Unsupported
from .work import Work


def prepare(work: Work, threads: int) -> Prepared:
    raise Unsupported("LiteRT runs files, not single operations")


class LitertEngine:
    """A quantized network of its own file. It takes uint8 pixels: what is given, bytes or numbers, is set once, outside the
    timing; what comes out is of the same kind."""

    precision = "int8"
    version = importlib.metadata.version("ai-edge-litert")

    def __init__(self, path: Path, threads: int) -> None:
        def made() -> Interpreter:
            interpreter = Interpreter(str(path), num_threads=threads)
            interpreter.allocate_tensors()
            return interpreter
        self._interpreter, self.compile_ms = timed(made)
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]
        self.input_shape = tuple(int(size) for size in self._input["shape"])
        _, self.first_call_ms = timed(self._interpreter.invoke)
        self.description = f"{path.name}, XNNPACK"

    def _set(self, x: NDArray[Any]) -> None:
        """`x` bytes, or in -1..1, as the embedded model's input."""
        scale, zero_point = self._input["quantization"]
        kind = self._input["dtype"]
        q = x if x.dtype == kind else np.clip(np.rint(x / scale) + zero_point, 0, 255).astype(kind)
        self._interpreter.set_tensor(self._input["index"], q)

    def run(self, x: NDArray[Any]) -> NDArray[Any]:
        self._set(x)
        self._interpreter.invoke()
        scale, zero_point = self._output["quantization"]
        result = self._interpreter.get_tensor(self._output["index"])
        if x.dtype == self._input["dtype"]:
            return result
        result = result.astype(np.float32)
        return result if scale == 0 else (result - np.float32(zero_point)) * np.float32(scale)

    def sampler(self, x: NDArray[Any]) -> Sampler:
        self._set(x)
        return lambda repeats: time_calls(self._interpreter.invoke, repeats)
