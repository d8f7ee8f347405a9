"""Which tensors are quantized: those that OpenVINO's CPU plugin wants in int8 to run the operators that read them so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .network import constant, consumers

if TYPE_CHECKING:
    import openvino

# these hand on values as they are: the tensor before them is quantized, once for all that read it
_MOVEMENTS = ("Transpose", "Reshape", "Squeeze", "Unsqueeze", "MaxPool", "Pad")


@dataclass(frozen=True)
class Tensor:
    """Output 0 of the operator named `source`. `channels`: only depthwise convolutions read it, right behind, so that
    each channel can have a range of its own."""

    source: str
    channels: bool


def tensors(model: openvino.Model) -> list[Tensor]:
    """In the model's order, without repetition."""
    found: dict[str, Tensor] = {}
    for op in model.get_ordered_ops():
        for index in _quantized_inputs(op):
            source = _moved_from(op.input_value(index).get_node())
            if source.friendly_name not in found and source.get_output_element_type(0).to_string() == "f32":
                channels = all(_depthwise(reader) for reader in consumers(source))
                found[source.friendly_name] = Tensor(source.friendly_name, channels)
    return [found[op.friendly_name] for op in model.get_ordered_ops() if op.friendly_name in found]


def _quantized_inputs(op: openvino.Node) -> tuple[int, ...]:
    kind = op.get_type_name()
    if kind in ("Convolution", "GroupConvolution", "MatMul"):
        return (0,) if constant(op.input_value(1)) is not None and constant(op.input_value(0)) is None else ()
    if kind in ("Add", "Multiply"):
        return (0, 1) if all(constant(value) is None for value in op.input_values()) else ()
    if kind == "AvgPool":
        return (0,)
    if kind == "ReduceMean":
        axes, shape = constant(op.input_value(1)), op.get_input_shape(0)
        over_image = axes is not None and len(shape) == 4 and sorted(int(a) % 4 for a in axes.ravel()) == [2, 3]
        return (0,) if over_image else ()
    return ()


def readers(op: openvino.Node) -> list[Any]:
    """The operators for whose sake the output of `op` is quantized."""
    found = []
    for reader in consumers(op):
        if reader.get_type_name() in _MOVEMENTS:
            found += readers(reader)
        elif _quantized_inputs(reader):
            found.append(reader)
    return found


def _moved_from(op: openvino.Node) -> Any:
    while op.get_type_name() in _MOVEMENTS:
        op = op.input_value(0).get_node()
    return op


def _depthwise(op: openvino.Node) -> bool:
    return op.get_type_name() == "GroupConvolution" and op.get_input_shape(1)[2] == 1
