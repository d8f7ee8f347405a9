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
from .elementwise import add, clamp, gated, mapped, multiply, relu, sigmoid, subtract, swish
from .epilogue import range_parameters
from .pooling import average_pool, max_pool, reduce_mean
from .products import convolution, group_convolution, matmul
from .values import BYTES, Accumulator, Constant, Mapped, Quantization, Tensor, Value

if TYPE_CHECKING:
    from openvino import Node


def parameter(b: Builder, op: "Node") -> Value:
    if op.get_output_partial_shape(0).is_dynamic:
        b.fail(op, f"shape {op.get_output_partial_shape(0)} is dynamic; fix it with openvino.Model.reshape")
    dtypes = {"f32": "float32", "u8": "uint8"}
    element_type = op.get_output_element_type(0).to_string()
    if element_type not in dtypes:
        b.fail(op, f"element type {element_type}, expected one of {', '.join(dtypes)}")
    shape = tuple(op.get_output_shape(0))
    if 0 in shape or not shape:
        b.fail(op, f"shape {shape}, expected axes of at least one element each")
    affine = {"scale": BYTES.scale, "output_zero_point": BYTES.zero_point} if element_type == "u8" else {}
    return b.add(op, ir.Input(name=op.friendly_name, inputs=(), shape=shape, dtype=dtypes[element_type],
                              source_output=op.friendly_name, **affine))


def result(b: Builder, op: "Node") -> None:
    x = b.tensor(op, 0)
    if op.get_input_element_type(0).to_string() != "u8":
        x = _dequantized(b, op, x)
    if x.channels_first:
        x = b.reshape(op, x, tuple(op.get_input_shape(0)), name=f"{op.friendly_name}/nchw")
    b.add_output(op, x)


def constant(b: Builder, op: "Node") -> Value:
    return Constant(op.data)


def convert(b: Builder, op: "Node") -> Value:
    x = b.value(op, 0)
    if isinstance(x, Constant):
        return x    # the stored integers are what counts: how the model widens them to float32 is of no interest
    if not isinstance(x, Tensor) or x.quantization is None or not x.quantization.equals(BYTES):
        b.fail(op, "is only known for constants, and between float32 and uint8 that stand for the same numbers")
    return replace(x, absorbed=(*x.absorbed, op.friendly_name))


def fake_quantize(b: Builder, op: "Node") -> Value:
    x = b.value(op, 0)
    low, high, out_low, out_high = (b.constant(op, i) for i in range(1, 5))
    levels = op.get_attributes()["levels"]
    if isinstance(x, Constant):
        return _quantized_weights(b, op, x, levels)
    if levels != 256:
        b.fail(op, f"levels {levels}, expected 256")
    quantization = _quantization(b, op, x, low, high)
    renamed = _quantization(b, op, x, out_low, out_high)
    if isinstance(x, Tensor) and x.quantization is not None:
        if x.quantization.equals(quantization):
            if renamed.equals(quantization):
                return replace(x, absorbed=(*x.absorbed, op.friendly_name))
            return b.name_quantization(op, x, renamed)
        x = mapped(b, op, x, lambda real: real)
    if not renamed.equals(quantization) and not renamed.equals(BYTES):
        b.fail(op, "input and output range differ")
    if isinstance(x, Accumulator):
        x = b.close_quantized(op, x, quantization)
    elif isinstance(x, Mapped):
        x = _table(b, op, x, quantization)
    else:
        x = b.add(op, ir.Quantize(name=op.friendly_name, inputs=(x.node,), shape=x.shape, dtype="uint8",
                                  fused=x.absorbed, source_output=op.friendly_name, scale=quantization.scale,
                                  channels_first=x.channels_first, output_zero_point=quantization.zero_point))
    return replace(x, quantization=renamed)


def transpose(b: Builder, op: "Node") -> Value:
    order = b.integers(op, 1)
    x = b.value(op, 0)
    if isinstance(x, Constant):
        return _rearranged(x, lambda a: a.transpose(order))
    if len(x.shape) == 4 and order == ((0, 2, 3, 1) if x.channels_first else (0, 3, 1, 2)):
        if isinstance(x, Accumulator):
            return replace(x, channels_first=not x.channels_first, fused=(*x.fused, op.friendly_name),
                           source=op.friendly_name)
        if isinstance(x, Mapped):
            return replace(x, tensor=_turned(x.tensor, op), source=op.friendly_name)
        return _turned(x, op)
    shape = op.get_input_shape(0)
    moved = [axis for axis in order if shape[axis] != 1]
    if moved != sorted(moved):
        b.fail(op, f"order {order} of a tensor {tuple(shape)}: only axes of length 1 can move, or NHWC become NCHW")
    return reshape(b, op)


def _turned(x: Tensor, op: "Node") -> Tensor:
    """NHWC as NCHW, or the other way round."""
    return replace(x, channels_first=not x.channels_first, absorbed=(*x.absorbed, op.friendly_name))


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


def _table(b: Builder, op: "Node", x: Mapped, q: Quantization) -> Tensor:
    if not q.per_tensor:
        b.fail(op, "its ranges differ between channels, behind a function of a quantized tensor")
    table = np.clip(np.rint(x.real / q.scale) + q.zero_point, 0, 255).astype(np.uint8)
    name, *others = dict.fromkeys((*x.fused, op.friendly_name))
    return b.add(op, ir.Table(name=name, inputs=(x.tensor.node,), shape=x.shape, dtype="uint8", table=table,
                              fused=(*x.tensor.absorbed, *others), source_output=op.friendly_name,
                              channels_first=x.channels_first, scale=q.scale, output_zero_point=q.zero_point))


def _quantization(b: Builder, op: "Node", x: Tensor | Accumulator | Mapped, low: Constant, high: Constant) -> Quantization:
    """The 256 steps from `low` to `high`."""
    ends = np.broadcast_arrays(b.per_channel(op, low, x), b.per_channel(op, high, x))
    try:
        return Quantization(*range_parameters(*ends))
    except ValueError as error:
        b.fail(op, str(error))


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
    "HSigmoid": gated,
    "HSwish": gated,
    "MatMul": matmul,
    "MaxPool": max_pool,
    "Multiply": multiply,
    "Parameter": parameter,
    "ReduceMean": reduce_mean,
    "Relu": relu,
    "Reshape": reshape,
    "Result": result,
    "Sigmoid": sigmoid,
    "Softmax": softmax,
    "Squeeze": reshape,
    "Subtract": subtract,
    "Swish": swish,
    "Transpose": transpose,
    "Unsqueeze": reshape,
}
