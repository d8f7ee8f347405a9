"""onnx.backend.base's interface over the table of operators."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, ValueInfoProto, numpy_helper
from onnx.backend import base

from .operators import operator_of, run_operator
from .types import UnsupportedError, type_name


class PreparedModel(base.BackendRep):
    """A checked model, ready to run."""

    def __init__(self, model: ModelProto) -> None:
        graph = model.graph
        opsets = {"" if o.domain == "ai.onnx" else o.domain: o.version for o in model.opset_import}
        if graph.sparse_initializer:
            raise UnsupportedError("sparse initializers: not implemented")
        self._steps = [(node, operator_of(node, opsets)) for node in graph.node]
        self._constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        self._inputs = [value for value in graph.input if value.name not in self._constants]
        self._outputs = [value.name for value in graph.output]

    def run(self, inputs: Sequence[NDArray[Any]], **kwargs: Any) -> tuple[NDArray[Any], ...]:
        """The model's outputs, as a tuple that takes their names too.

        inputs  an array for each input of the graph that is no initializer, in the graph's order
        Raises TypeError and ValueError for arrays that do not fit the graph's declaration or an operator's definition,
        UnsupportedError for types and forms that are not implemented.
        """
        if kwargs:
            raise TypeError(f"run: expected no further arguments, got {', '.join(kwargs)}")
        if len(inputs) != len(self._inputs):
            names = ", ".join(declared.name for declared in self._inputs)
            raise ValueError(f"inputs: expected {len(self._inputs)} ({names}), got {len(inputs)}")
        values = {"": None, **self._constants}
        for declared, value in zip(self._inputs, inputs):
            values[declared.name] = _checked(np.asarray(value), declared)
        for node, operator in self._steps:
            results = run_operator(operator, node, [values[name] for name in node.input])
            values.update(zip(node.output, results))
        return base.namedtupledict("Outputs", self._outputs)(*(values[name] for name in self._outputs))


def _checked(array: NDArray[Any], declared: ValueInfoProto) -> NDArray[Any]:
    if not declared.type.HasField("tensor_type"):
        raise UnsupportedError(f"{declared.name}: expected a tensor, got {declared.type.WhichOneof('value')}")
    tensor = declared.type.tensor_type
    expected = type_name(tensor.elem_type)
    if array.dtype.name != expected:
        raise TypeError(f"{declared.name}: expected {expected}, got {array.dtype.name}")
    if tensor.HasField("shape"):
        lengths = [d.dim_value if d.HasField("dim_value") else None for d in tensor.shape.dim]
        if array.ndim != len(lengths) or any(want not in (None, got) for want, got in zip(lengths, array.shape)):
            raise ValueError(f"{declared.name}: expected shape {tuple(lengths)}, got {array.shape}")
    return array


class QkernelsBackend(base.Backend):
    """Runs models whose nodes are all in the table of operators, on the CPU."""

    @classmethod
    def supports_device(cls, device: str) -> bool:
        """True for 'CPU', with a number or without."""
        return device.split(":")[0] == "CPU"

    @classmethod
    def is_compatible(cls, model: ModelProto, device: str = "CPU", **kwargs: Any) -> bool:
        """Whether `prepare` takes the model: every node's operator and version is implemented."""
        try:
            cls.prepare(model, device, **kwargs)
        except UnsupportedError:
            return False
        return True

    @classmethod
    def prepare(cls, model: ModelProto, device: str = "CPU", **kwargs: Any) -> PreparedModel:
        """The model, ready to run.

        Raises onnx.checker.ValidationError for an invalid model, UnsupportedError for an operator (with its name, domain and
        version) or a device that is not implemented.
        """
        if kwargs:
            raise TypeError(f"prepare: expected no further arguments, got {', '.join(kwargs)}")
        if not cls.supports_device(device):
            raise UnsupportedError(f"device: expected 'CPU', got {device!r}")
        onnx.checker.check_model(model)
        return PreparedModel(model)

    @classmethod
    def run_node(cls, node: NodeProto, inputs: Sequence[NDArray[Any]], device: str = "CPU",
                 outputs_info: Sequence[tuple[np.dtype[Any], tuple[int, ...]]] | None = None, **kwargs: Any
                 ) -> tuple[NDArray[Any], ...]:
        """One operator on arrays, one for each input of the node that is not left out ("").

        outputs_info  (dtype, shape) of each output; a result that differs is a ValueError
        opset_version  of the node's domain; the newest that the installed onnx knows, if it is not given
        Raises as `prepare` and `PreparedModel.run`.
        """
        opset = kwargs.pop("opset_version", onnx.defs.onnx_opset_version())
        if kwargs:
            raise TypeError(f"run_node: expected no further arguments, got {', '.join(kwargs)}")
        if not cls.supports_device(device):
            raise UnsupportedError(f"device: expected 'CPU', got {device!r}")
        operator = operator_of(node, {"" if node.domain == "ai.onnx" else node.domain: opset})
        super().run_node(node, inputs, device, opset_version=opset)
        names = [name for name in node.input if name]
        if len(inputs) != len(names):
            raise ValueError(f"inputs: expected {len(names)} ({', '.join(names)}), got {len(inputs)}")
        given = iter(inputs)
        results = run_operator(operator, node, [np.asarray(next(given)) if name else None for name in node.input])
        for name, result, expected in zip(node.output, results, outputs_info or ()):
            if (result.dtype, result.shape) != (np.dtype(expected[0]), tuple(expected[1])):
                raise ValueError(f"outputs_info: expected {np.dtype(expected[0])} {tuple(expected[1])} for {name}, "
                                 f"got {result.dtype} {result.shape}")
        return base.namedtupledict("Outputs", list(node.output))(*results)
