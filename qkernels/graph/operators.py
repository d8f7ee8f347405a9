"""What the importer does with each operator type of OpenVINO: one function each, and the table at the end.

A function takes the builder and the operator and returns the operator's value (None for a Result). A new operator is
one function here and one line in the table.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from . import ir
from .builder import Builder
from .epilogue import range_parameters
from .pooling import average_pool, reduce_mean
from .products import convolution, group_convolution, matmul
from .values import Accumulator, Constant, Quantization, Tensor, Value

if TYPE_CHECKING:
    from openvino import Node


def parameter(b: Builder, op: "Node") -> Value:
    if op.get_output_partial_shape(0).is_dynamic:
        b.fail(op, f"shape {op.get_output_partial_shape(0)} is dynamic; fix it with openvino.Model.reshape")
    if op.get_output_element_type(0).to_string() != "f32":
        b.fail(op, f"element type {op.get_output_element_type(0).to_string()}, expected f32")
    shape = tuple(op.get_output_shape(0))
    if 0 in shape or not shape:
        b.fail(op, f"shape {shape}, expected axes of at least one element each")
    return b.add(op, ir.Input(name=op.friendly_name, inputs=(), shape=shape, dtype="float32",
                              source_output=op.friendly_name))


def result(b: Builder, op: "Node") -> None:
    x = _dequantized(b, op, b.tensor(op, 0))
    if x.channels_first:
        x = b.reshape(op, x, tuple(op.get_input_shape(0)), name=f"{op.friendly_name}/nchw")
    b.add_output(op, x)


def constant(b: Builder, op: "Node") -> Value:
    return Constant(op.data)


def convert(b: Builder, op: "Node") -> Value:
    # the stored integers are what counts: how the model widens them to float32 is of no interest
    return b.constant(op, 0)


def multiply(b: Builder, op: "Node") -> Value:
    x, y = _value_and_constant(b, op)
    if isinstance(x, Constant):
        scale = y.real()
        _check_not_enlarged(b, op, x)
        return replace(x, scale=scale if x.scale is None else x.scale * scale)
    if x.bounded:
        b.fail(op, "comes after an activation")
    by = b.per_channel(op, y, x)
    return replace(x, scale=x.scale * by, offset=x.offset * by, fused=(*x.fused, op.friendly_name),
                   source=op.friendly_name)


def add(b: Builder, op: "Node") -> Value:
    return _shifted(b, op, 1)


def subtract(b: Builder, op: "Node") -> Value:
    x, y = b.value(op, 0), b.value(op, 1)
    if isinstance(x, Constant) and isinstance(y, Constant) and x.scale is None and x.zero_point is None:
        _check_not_enlarged(b, op, x)
        return replace(x, zero_point=y.real())
    return _shifted(b, op, -1)


def clamp(b: Builder, op: "Node") -> Value:
    attributes = op.get_attributes()
    return _bounded(b, op, float(attributes["min"]), float(attributes["max"]))


def relu(b: Builder, op: "Node") -> Value:
    return _bounded(b, op, 0.0, np.inf)


def fake_quantize(b: Builder, op: "Node") -> Value:
    x = b.value(op, 0)
    low, high, out_low, out_high = (b.constant(op, i) for i in range(1, 5))
    levels = op.get_attributes()["levels"]
    if isinstance(x, Constant):
        return _quantized_weights(b, op, x, levels)
    if levels != 256:
        b.fail(op, f"levels {levels}, expected 256")
    if not (np.array_equal(low.data, out_low.data) and np.array_equal(high.data, out_high.data)):
        b.fail(op, "input and output range differ")
    ends = np.broadcast_arrays(b.per_channel(op, low, x), b.per_channel(op, high, x))
    try:
        scale, zero_point = range_parameters(*ends)
    except ValueError as error:
        b.fail(op, str(error))
    quantization = Quantization(scale, zero_point)
    if isinstance(x, Accumulator):
        return b.close_quantized(op, x, quantization)
    if x.quantization is None:
        return b.add(op, ir.Quantize(name=op.friendly_name, inputs=(x.node,), shape=x.shape, dtype="uint8",
                                     fused=x.absorbed, source_output=op.friendly_name, scale=scale,
                                     channels_first=x.channels_first, output_zero_point=zero_point))
    if np.array_equal(scale, x.quantization.scale) and np.array_equal(zero_point, x.quantization.zero_point):
        return replace(x, absorbed=(*x.absorbed, op.friendly_name))
    b.fail(op, "quantizes anew what is quantized already")


def transpose(b: Builder, op: "Node") -> Value:
    order = b.integers(op, 1)
    x = b.value(op, 0)
    if isinstance(x, Constant):
        return _rearranged(x, lambda a: a.transpose(order))
    if len(x.shape) == 4 and order == ((0, 2, 3, 1) if x.channels_first else (0, 3, 1, 2)):
        if isinstance(x, Accumulator):
            return replace(x, channels_first=not x.channels_first, fused=(*x.fused, op.friendly_name),
                           source=op.friendly_name)
        return replace(x, channels_first=not x.channels_first, absorbed=(*x.absorbed, op.friendly_name))
    shape = op.get_input_shape(0)
    moved = [axis for axis in order if shape[axis] != 1]
    if moved != sorted(moved):
        b.fail(op, f"order {order} of a tensor {tuple(shape)}: only axes of length 1 can move, or NHWC become NCHW")
    return reshape(b, op)


def reshape(b: Builder, op: "Node") -> Value:
    """Also Squeeze and Unsqueeze: the resulting shape says it all."""
    shape = tuple(op.get_output_shape(0))
    x = b.value(op, 0)
    if isinstance(x, Constant):
        return _rearranged(x, lambda a: a.reshape(shape))
    return b.reshape(op, b.tensor(op, 0), shape)


def softmax(b: Builder, op: "Node") -> Value:
    x = _dequantized(b, op, b.tensor(op, 0))
    axis = op.get_attributes()["axis"] % len(x.shape)
    if axis != (1 if x.channels_first else len(x.shape) - 1):
        b.fail(op, f"axis {axis}, expected the channels")
    return b.add(op, ir.Softmax(name=op.friendly_name, inputs=(x.node,), shape=x.shape, dtype="float32",
                                fused=x.absorbed, source_output=op.friendly_name, channels_first=x.channels_first))


def _check_not_enlarged(b: Builder, op: "Node", x: Constant) -> None:
    if tuple(op.get_output_shape(0)) != x.data.shape:
        b.fail(op, f"repeats a constant of shape {x.data.shape} to {tuple(op.get_output_shape(0))}")


def _value_and_constant(b: Builder, op: "Node") -> tuple[Accumulator | Constant, Constant]:
    """The inputs of a commutative operator of which one must be a constant, that one last."""
    x, y = b.value(op, 0), b.value(op, 1)
    if isinstance(x, Constant) and not isinstance(y, Constant):
        x, y = y, x
    if isinstance(x, Tensor) or not isinstance(y, Constant):
        b.fail(op, "is only known behind a convolution or product, with a constant")
    return x, y


def _shifted(b: Builder, op: "Node", sign: int) -> Value:
    x, y = _value_and_constant(b, op) if sign > 0 else (b.value(op, 0), b.constant(op, 1))
    if isinstance(x, Constant):
        return Constant(x.real() + sign * y.real())
    if isinstance(x, Tensor) or x.bounded:
        b.fail(op, "is only known right behind a convolution or product")
    return replace(x, offset=x.offset + sign * b.per_channel(op, y, x), fused=(*x.fused, op.friendly_name),
                   source=op.friendly_name)


def _bounded(b: Builder, op: "Node", lower: float, upper: float) -> Value:
    x = b.value(op, 0)
    if not isinstance(x, Accumulator):
        b.fail(op, "is only known behind a convolution, product or pooling")
    return replace(x, lower=min(max(x.lower, lower), upper), upper=max(min(x.upper, upper), lower),
                   fused=(*x.fused, op.friendly_name), source=op.friendly_name)


def _dequantized(b: Builder, op: "Node", x: Tensor) -> Tensor:
    if x.quantization is None:
        return x
    q = x.quantization
    return b.add(op, ir.Dequantize(name=f"{x.node}/dequantize", inputs=(x.node,), shape=x.shape, dtype="float32",
                                   fused=x.absorbed, source_output=b.source(x), channels_first=x.channels_first,
                                   input_scale=q.scale, input_zero_point=q.zero_point))


def _quantized_weights(b: Builder, op: "Node", x: Constant, levels: int) -> Constant:
    """Weights that are float32 in the model with a FakeQuantize behind: the integers it would make of them."""
    low, high, out_low, out_high = (b.constant(op, i).real() for i in range(1, 5))
    if levels not in (255, 256) or np.any(high <= low) or np.any(out_high <= out_low):
        b.fail(op, f"weights of {levels} levels, expected 255 or 256 and ranges that are not empty")
    steps = np.rint((np.clip(x.real(), low, high) - low) / (high - low) * (levels - 1))
    scale = (out_high - out_low) / (levels - 1)
    zero_point = -out_low / scale
    if np.any(np.abs(zero_point - np.rint(zero_point)) > 1e-3):
        b.fail(op, "0 is not on one of the steps of the weights' range")
    return Constant((steps - np.rint(zero_point)).astype(np.int16), scale)


def _rearranged(x: Constant, move: Callable[[np.ndarray], np.ndarray]) -> Constant:
    """A constant with `move` done to its data, and to its scale and zero point spread over the data's shape."""
    scale, zero_point = (None if a is None else move(np.broadcast_to(a, x.data.shape)) for a in (x.scale, x.zero_point))
    return Constant(move(x.data), scale, zero_point)


OPERATORS: dict[str, Callable[[Builder, "Node"], Value | None]] = {
    "Add": add,
    "AvgPool": average_pool,
    "Clamp": clamp,
    "Constant": constant,
    "Convert": convert,
    "Convolution": convolution,
    "FakeQuantize": fake_quantize,
    "GroupConvolution": group_convolution,
    "MatMul": matmul,
    "Multiply": multiply,
    "Parameter": parameter,
    "ReduceMean": reduce_mean,
    "Relu": relu,
    "Reshape": reshape,
    "Result": result,
    "Softmax": softmax,
    "Squeeze": reshape,
    "Subtract": subtract,
    "Transpose": transpose,
    "Unsqueeze": reshape,
}
