"""A quantized network, imported and lowered to a native plan."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import graph as graphs
from .arguments import any_array

if TYPE_CHECKING:
    import openvino


@dataclass(frozen=True)
class Layer:
    """One operator of the plan; shapes NHWC, `bytes` activations in and out with weights, `parameters` in elements."""

    name: str
    kind: str
    implementation: str
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    input_dtype: str
    output_dtype: str
    macs: int
    bytes: int
    parameters: int
    fused: tuple[str, ...]


class Model:
    """A network on the instruction set that was in use when it was loaded. Calls from several threads take turns."""

    def __init__(self, graph: graphs.Graph) -> None:
        if not isinstance(graph, graphs.Graph):
            raise TypeError(f"graph: expected what load_model imports, got {type(graph).__name__}")
        self.graph = graph
        self.plan = graphs.lower(graph)

    @property
    def layers(self) -> tuple[Layer, ...]:
        """In the order of running."""
        fields = [name for name in Layer.__dataclass_fields__ if name != "fused"]
        return tuple(Layer(**{name: layer[name] for name in fields}, fused=self.graph[layer["name"]].fused)
                     for layer in self.plan.layers)

    @property
    def input_shapes(self) -> tuple[tuple[int, ...], ...]:
        return self.graph.input_shapes

    @property
    def output_shapes(self) -> tuple[tuple[int, ...], ...]:
        return self.graph.output_shapes

    def __call__(self, *inputs: ArrayLike) -> NDArray[Any] | tuple[NDArray[Any], ...]:
        """The outputs for float32 `inputs` of `input_shapes`: an array, or a tuple where there are several.

        Raises TypeError for a wrong dtype or number of inputs, ValueError for a wrong shape.
        """
        sources, results = self._prepare(inputs)
        self.plan.run(sources, results)
        return results[0] if len(results) == 1 else results

    def profile(self, *inputs: ArrayLike, repeats: int = 20) -> NDArray[np.uint64]:
        """Nanoseconds of each layer inside the running network, shape (repeats, layers + 1); last, the whole run.

        Raises TypeError for `repeats` that is no integer, ValueError below 1, otherwise as a call.
        """
        if not isinstance(repeats, int) or isinstance(repeats, bool):
            raise TypeError(f"repeats: expected an integer, got {repeats!r}")
        if repeats < 1:
            raise ValueError(f"repeats: expected at least 1, got {repeats}")
        sources, results = self._prepare(inputs)
        return self.plan.profile(sources, results, repeats)

    def _prepare(self, inputs: tuple[ArrayLike, ...]) -> tuple[tuple[NDArray[Any], ...], tuple[NDArray[Any], ...]]:
        nodes = [self.graph[name] for name in self.graph.inputs]
        if len(inputs) != len(nodes):
            raise TypeError(f"inputs: expected {len(nodes)}, got {len(inputs)}")
        sources = []
        for index, (value, node) in enumerate(zip(inputs, nodes)):
            array = any_array(value, f"inputs[{index}]")
            if array.dtype.name != node.dtype:
                raise TypeError(f"inputs[{index}]: expected {node.dtype}, got {array.dtype.name}")
            if array.shape != node.shape:
                raise ValueError(f"inputs[{index}]: expected shape {node.shape}, got {array.shape}")
            sources.append(np.require(array, node.dtype, "CA"))
        results = tuple(np.empty(node.shape, node.dtype) for node in map(self.graph.__getitem__, self.graph.outputs))
        return tuple(sources), results


def load_model(source: str | os.PathLike[str] | openvino.Model) -> Model:
    """A quantized model as a native plan.

    source  an `openvino.Model`, or a file that `openvino.Core().read_model` reads, quantized with FakeQuantize
    Raises FileNotFoundError, ValueError for a file that is no model, UnsupportedModelError (a ValueError) with the
    operator's type and the node's name for what cannot be lowered, and MemoryError for tensors that do not fit; TypeError for
    another kind of source, ImportError without openvino.
    """
    return Model(graphs.import_model(source))
