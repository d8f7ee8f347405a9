"""A float model as quantization sees it: layers with constant weights, and constants that may be replaced."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qkernels.graph.import_openvino import core, openvino_module, openvino_reason, read_model

if TYPE_CHECKING:
    import os

    import openvino

F32 = NDArray[np.float32]
# operator type -> leading axes of the weights that number the output channels; MatMul's depend on its attributes
_CONVOLUTIONS = {"Convolution": 1, "GroupConvolution": 2}


def opset() -> Any:
    openvino_module()
    from openvino import opset13
    return opset13


def float_copy(source: openvino.Model | str | os.PathLike[str], shapes: Iterable[tuple[int, ...]]) -> openvino.Model:
    """A copy of the model with static `shapes` of its inputs, whose operators' friendly names are unique.

    Raises what `read_model` raises, and ValueError for a model that is quantized already or inputs that do not take
    `shapes`.
    """
    given = read_model(source)
    model = given.clone()
    ports, shapes = list(model.inputs), list(shapes)
    if len(ports) != len(shapes):
        raise ValueError(f"samples: each has {len(shapes)} arrays, the model {len(ports)} inputs")
    for index, (port, shape) in enumerate(zip(ports, shapes)):
        if port.element_type.to_string() != "f32":
            raise ValueError(f"source: input {index} is {port.element_type.to_string()}, expected f32")
        if not port.partial_shape.compatible(openvino_module().PartialShape(list(shape))):
            raise ValueError(f"samples: shape {shape} for input {index}, the model expects {port.partial_shape}")
    names: set[str] = set()
    for op, original in zip(model.get_ordered_ops(), given.get_ordered_ops(), strict=True):
        if op.get_type_name() == "FakeQuantize":
            raise ValueError(f"source: {op.friendly_name!r} is a FakeQuantize: the model is quantized already")
        # a name given by OpenVINO is another one in each copy, unless it is set
        name, tries = original.friendly_name, 1
        op.friendly_name = name
        while op.friendly_name in names:
            tries += 1
            op.friendly_name = f"{name}/{tries}"
        names.add(op.friendly_name)
    if model.is_dynamic():                        # after the names: it may put other operators in place of some
        try:
            model.reshape({port: list(shape) for port, shape in zip(ports, shapes)})
        except RuntimeError as error:
            raise ValueError(f"samples: shapes {shapes} do not fit the model: {openvino_reason(error)}") from error
    return model


def by_name(model: openvino.Model) -> dict[str, Any]:
    return {op.friendly_name: op for op in model.get_ordered_ops()}


def consumers(op: openvino.Node) -> list[Any]:
    """The operators that read output 0 of `op`, one for each input that does."""
    return [port.get_node() for port in op.output(0).get_target_inputs()]


def constant(output: openvino.Output) -> NDArray[Any] | None:
    """The value of what does not depend on the model's inputs; None for what does."""
    node = output.get_node()
    if node.get_type_name() == "Constant":
        return node.data
    if not _is_constant(node):
        return None
    model = openvino_module().Model([opset().result(output)], [], "constant")
    return np.array(core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})([])[0])


def _is_constant(node: openvino.Node) -> bool:
    if node.get_type_name() == "Constant":
        return True
    values = node.input_values()
    return bool(values) and all(_is_constant(value.get_node()) for value in values)


@dataclass(eq=False)
class Layer:
    """A convolution or matrix product with constant weights, and the constant added behind it.

    `leading` axes of the weights, first in the order of `by_channel`, number the output channels.
    """

    op: Any
    weights: F32
    transposed: bool = False        # a MatMul's weights are (inputs, outputs)
    bias_op: Any = None             # the Add behind, where there is one
    bias: F32 | None = None         # (channels,)

    @property
    def name(self) -> str:
        return str(self.op.friendly_name)

    @property
    def depthwise(self) -> bool:
        """Whether each output channel reads one input channel."""
        return self.op.get_type_name() == "GroupConvolution" and self.weights.shape[2] == 1

    @property
    def end(self) -> Any:
        """The operator whose output is the layer's, bias included."""
        return self.op if self.bias_op is None else self.bias_op

    @property
    def channel_axis(self) -> int:
        """Of the output."""
        return len(self.op.get_output_shape(0)) - 1 if self.op.get_type_name() == "MatMul" else 1

    @property
    def rows(self) -> F32:
        """(channels, weights of a channel)."""
        if self.op.get_type_name() == "MatMul":
            return self.weights.T if self.transposed else self.weights
        leading = _CONVOLUTIONS[self.op.get_type_name()]
        return self.weights.reshape(int(np.prod(self.weights.shape[:leading])), -1)

    def shaped(self, rows: NDArray[Any]) -> NDArray[Any]:
        """`rows` (channels, weights of a channel) or (channels, 1) in the axes of the operator's weights."""
        if self.op.get_type_name() == "MatMul":
            return np.ascontiguousarray(rows.T if self.transposed else rows)
        if rows.shape[1] == 1 and self.rows.shape[1] != 1:
            leading = _CONVOLUTIONS[self.op.get_type_name()]
            return rows.reshape(*self.weights.shape[:leading], *(1,) * (self.weights.ndim - leading))
        return rows.reshape(self.weights.shape)

    def along_channels(self, values: NDArray[Any]) -> F32:
        """(channels,) shaped to broadcast against the output."""
        shape = [1] * len(self.op.get_output_shape(0))
        shape[self.channel_axis] = -1
        return values.astype(np.float32).reshape(shape)

    def set_rows(self, rows: NDArray[Any]) -> None:
        """Float weights, in the model too."""
        self.weights = self.shaped(rows.astype(np.float32))
        self.set_weights_node(named(opset().constant(self.weights), f"{self.name}/weights"))

    def set_weights_node(self, node: openvino.Node) -> None:
        self.op.input(1).replace_source_output(node.output(0))

    def set_bias(self, bias: NDArray[Any]) -> None:
        """(channels,), in the model too: by the Add that is there, else by a new one."""
        self.bias = bias.astype(np.float32)
        stored = named(opset().constant(self.along_channels(self.bias)), f"{self.name}/bias/value")
        if self.bias_op is not None:
            port = 0 if constant(self.bias_op.input_value(0)) is not None else 1
            self.bias_op.input(port).replace_source_output(stored.output(0))
            return
        targets = self.op.output(0).get_target_inputs()
        self.bias_op = named(opset().add(self.op, stored), f"{self.name}/bias")
        for target in targets:
            target.replace_source_output(self.bias_op.output(0))


def named(node: openvino.Node, name: str) -> openvino.Node:
    node.friendly_name = name
    return node


def layers(model: openvino.Model) -> list[Layer]:
    """All layers, in the model's order."""
    found = (_layer(op) for op in model.get_ordered_ops())
    return [layer for layer in found if layer is not None]


def _layer(op: openvino.Node) -> Layer | None:
    kind = op.get_type_name()
    if kind not in _CONVOLUTIONS and kind != "MatMul":
        return None
    weights = constant(op.input_value(1))
    if weights is None:
        return None
    attributes = op.get_attributes()
    if kind == "MatMul" and (weights.ndim != 2 or attributes["transpose_a"]):
        return None
    layer = Layer(op, weights.astype(np.float32), kind == "MatMul" and not attributes["transpose_b"])
    behind = consumers(op)
    if len(behind) == 1 and behind[0].get_type_name() == "Add":
        values = [constant(value) for value in behind[0].input_values()]
        added = next((value for value in values if value is not None), None)
        if added is not None and (flat := per_channel(added, layer)) is not None:
            layer.bias_op, layer.bias = behind[0], flat
    return layer


def per_channel(value: NDArray[Any], layer: Layer) -> F32 | None:
    """A constant that broadcasts against the layer's output, as (channels,); None where it varies along other axes."""
    shape = tuple(layer.op.get_output_shape(0))
    full = (1,) * (len(shape) - value.ndim) + value.shape
    if len(full) > len(shape) or any(n != 1 for axis, n in enumerate(full) if axis != layer.channel_axis):
        return None
    return np.broadcast_to(value.astype(np.float32).ravel(), (shape[layer.channel_axis],)).copy()
