"""Operators element by element: constants folded into the product before them, activations, sums and products of two
tensors, and whatever function of one quantized tensor becomes a table.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from . import ir
from .builder import Builder
from .values import Accumulator, Constant, Mapped, Tensor, Value, real_values

if TYPE_CHECKING:
    from openvino import Node

F32 = np.ndarray[Any, np.dtype[np.float32]]
_GATED = {"HSwish": "hard_swish", "HSigmoid": "hard_sigmoid"}


def add(b: Builder, op: "Node") -> Value:
    x, y = _constant_last(b, op)
    if isinstance(y, Constant):
        return _shifted(b, op, x, y, 1)
    return _arithmetic(b, op, "add", x, y)


def subtract(b: Builder, op: "Node") -> Value:
    x, y = b.value(op, 0), b.constant(op, 1)
    if isinstance(x, Constant) and x.scale is None and x.zero_point is None:
        _check_not_enlarged(b, op, x)
        return replace(x, zero_point=y.real())
    return _shifted(b, op, x, y, -1)


def multiply(b: Builder, op: "Node") -> Value:
    x, y = _constant_last(b, op)
    if not isinstance(y, Constant):
        return _arithmetic(b, op, "multiply", x, y)
    if isinstance(x, Constant):
        _check_not_enlarged(b, op, x)
        scale = y.real()
        return replace(x, scale=scale if x.scale is None else x.scale * scale)
    if not isinstance(x, Accumulator):
        factor = _scalar(b, op, y, x)
        return mapped(b, op, x, lambda real: real * factor)
    if x.bounded or x.activation:
        b.fail(op, "comes after an activation")
    by = b.per_channel(op, y, x)
    return replace(x, scale=x.scale * by, offset=x.offset * by, fused=(*x.fused, op.friendly_name),
                   source=op.friendly_name)


def clamp(b: Builder, op: "Node") -> Value:
    attributes = op.get_attributes()
    return _bounded(b, op, float(attributes["min"]), float(attributes["max"]))


def relu(b: Builder, op: "Node") -> Value:
    return _bounded(b, op, 0.0, np.inf)


def gated(b: Builder, op: "Node") -> Value:
    """HSwish and HSigmoid: in the epilogue of the product before them, or as a table."""
    kind = _GATED[op.get_type_name()]
    x = b.value(op, 0)
    if not isinstance(x, Accumulator):
        return mapped(b, op, x, lambda real: _gate(real) * (real if kind == "hard_swish" else np.float32(1)))
    if x.bounded or x.activation or x.weights is None:
        b.fail(op, "is only known right behind a convolution or product, or behind a FakeQuantize")
    return replace(x, activation=kind, fused=(*x.fused, op.friendly_name), source=op.friendly_name)


def sigmoid(b: Builder, op: "Node") -> Value:
    return mapped(b, op, b.value(op, 0), _sigmoid)


def swish(b: Builder, op: "Node") -> Value:
    if op.get_input_size() > 1 and b.constant(op, 1).real().ravel().tolist() != [1.0]:
        b.fail(op, "beta other than 1")
    return mapped(b, op, b.value(op, 0), lambda real: real * _sigmoid(real))


def mapped(b: Builder, op: "Node", x: Value, function: Callable[[F32], F32]) -> Mapped:
    """`function` of a quantized tensor, evaluated for each byte it can hold."""
    if isinstance(x, Tensor):
        if x.quantization is None or not x.quantization.per_tensor:
            b.fail(op, "its input is not quantized, or channel by channel: a FakeQuantize of one range must come before it")
        x = Mapped(x, real_values(x.quantization), (), "")
    if not isinstance(x, Mapped):
        b.fail(op, "is only known behind a FakeQuantize")
    return replace(x, real=function(x.real).astype(np.float32), fused=(*x.fused, op.friendly_name), source=op.friendly_name)


def _gate(real: F32) -> F32:
    return np.clip(real + np.float32(3), np.float32(0), np.float32(6)) / np.float32(6)


def _sigmoid(real: F32) -> F32:
    return np.float32(1) / (np.float32(1) + np.exp(-real))


def _constant_last(b: Builder, op: "Node") -> tuple[Value, Value]:
    """The inputs of a commutative operator."""
    x, y = b.value(op, 0), b.value(op, 1)
    return (y, x) if isinstance(x, Constant) and not isinstance(y, Constant) else (x, y)


def _check_not_enlarged(b: Builder, op: "Node", x: Constant) -> None:
    if tuple(op.get_output_shape(0)) != x.data.shape:
        b.fail(op, f"repeats a constant of shape {x.data.shape} to {tuple(op.get_output_shape(0))}")


def _scalar(b: Builder, op: "Node", constant: Constant, x: Value) -> np.float32:
    values = np.unique(constant.real())
    if values.size != 1:
        b.fail(op, "a constant that varies, with a tensor that is no product: it must be one number")
    return np.float32(values[0])


def _shifted(b: Builder, op: "Node", x: Value, y: Constant, sign: int) -> Value:
    if isinstance(x, Constant):
        return Constant(x.real() + sign * y.real())
    if not isinstance(x, Accumulator):
        by = np.float32(sign) * _scalar(b, op, y, x)
        return mapped(b, op, x, lambda real: real + by)
    if x.bounded or x.activation or x.weights is None:
        b.fail(op, "is only known right behind a convolution or product")
    return replace(x, offset=x.offset + sign * b.per_channel(op, y, x), fused=(*x.fused, op.friendly_name),
                   source=op.friendly_name)


def _bounded(b: Builder, op: "Node", lower: float, upper: float) -> Value:
    x = b.value(op, 0)
    if isinstance(x, (Tensor, Mapped)):
        return mapped(b, op, x, lambda real: np.clip(real, np.float32(lower), np.float32(upper)))
    if not isinstance(x, Accumulator) or x.activation:
        b.fail(op, "is only known behind a convolution, product, pooling, sum or FakeQuantize")
    return replace(x, lower=min(max(x.lower, lower), upper), upper=max(min(x.upper, upper), lower),
                   fused=(*x.fused, op.friendly_name), source=op.friendly_name)


def _arithmetic(b: Builder, op: "Node", operation: str, x: Value, y: Value) -> Value:
    """Two quantized tensors of one shape, or one of them with one pixel an image."""
    if isinstance(x, Constant):
        return Constant(x.real() + y.real() if operation == "add" else x.real() * y.real())
    tensors = []
    for value in (x, y):
        if not isinstance(value, Tensor) or value.quantization is None or not value.quantization.per_tensor:
            b.fail(op, "both inputs must be quantized, each with one range: a FakeQuantize must come before them")
        tensors.append(value)
    first, second = tensors
    if np.prod(first.shape) < np.prod(second.shape):
        first, second = second, first
    shape = first.shape
    one_pixel = (shape[0], *(1,) * (len(shape) - 2), shape[-1])
    if second.shape not in (shape, one_pixel) or (
            first.channels_first != second.channels_first and second.shape != one_pixel):
        b.fail(op, f"shapes {first.shape} and {second.shape} (NHWC), expected the same, or one pixel an image in one of them")
    q = [tensor.quantization for tensor in (first, second)]
    scale = np.array([quantization.scale[0] for quantization in q], np.float64)
    node = ir.Arithmetic(name=op.friendly_name, inputs=(first.node, second.node), shape=shape, dtype="uint8",
                         operation=operation, zero_points=tuple(int(quantization.zero_point[0]) for quantization in q),
                         multiplier=np.ones(2 if operation == "add" else 1, np.float32))
    return Accumulator(node=node, channels_first=first.channels_first,
                       scale=scale if operation == "add" else scale.prod(keepdims=True),
                       offset=np.zeros(1), weights=None, fused=(*first.absorbed, *second.absorbed), source=op.friendly_name)
