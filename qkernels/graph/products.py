"""Convolutions and matrix products: from the model's weights and attributes to an accumulator."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import ir
from .builder import Builder
from .values import F64, Accumulator, Constant, Integers, Quantization, Tensor, Value

if TYPE_CHECKING:
    from openvino import Node

_WIDEST = 2**14     # of weights and zero points: their difference still fits int16


def convolution(b: Builder, op: "Node") -> Value:
    q, scale = _weights(b, op, b.constant(op, 1), channel_axes=1)
    return _convolution(b, op, q, scale, groups=1)


def group_convolution(b: Builder, op: "Node") -> Value:
    q, scale = _weights(b, op, b.constant(op, 1), channel_axes=2)
    return _convolution(b, op, q.reshape(-1, *q.shape[2:]), scale, groups=q.shape[0])


def matmul(b: Builder, op: "Node") -> Value:
    attributes = op.get_attributes()
    weights = b.constant(op, 1)
    if weights.data.ndim != 2 or attributes["transpose_a"]:
        b.fail(op, "expected activations, not transposed, times weights of two axes")
    if not attributes["transpose_b"]:
        weights = Constant(weights.data.T, *(None if a is None else np.broadcast_to(a, weights.data.shape).T
                                             for a in (weights.scale, weights.zero_point)))
    q, scale = _weights(b, op, weights, channel_axes=1)
    x, quantization = b.quantized(op, 0)
    if x.channels_first:
        x = b.reshape(op, x, tuple(op.get_input_shape(0)), name=f"{op.friendly_name}/nchw")
    return _linear(b, op, x, quantization, q.T, scale, tuple(op.get_output_shape(0)), channels_first=False)


def _weights(b: Builder, op: "Node", constant: Constant, *, channel_axes: int) -> tuple[Integers, F64]:
    """Integers less their zero point, in the model's axes, and the scale (channels_out,) over the first axes."""
    if not np.issubdtype(constant.data.dtype, np.integer):
        b.fail(op, f"weights are {constant.data.dtype}, not quantized")
    q, shape = constant.data, constant.data.shape
    if constant.zero_point is not None:
        if (constant.zero_point != np.rint(constant.zero_point)).any():
            b.fail(op, "the weights' zero point is not an integer")
        if np.abs(constant.zero_point).max(initial=0) > _WIDEST or (
                q.itemsize > 1 and np.abs(q.astype(np.float64)).max(initial=0) > _WIDEST):
            b.fail(op, f"weights or their zero point lie beyond {_WIDEST}")
        q = q.astype(np.int16) - constant.zero_point.astype(np.int16)
    # looked at in its own shape: spread over the weights it would be eight times their size
    scale = np.ones(1) if constant.scale is None else constant.scale
    scale = scale.reshape((1,) * (len(shape) - scale.ndim) + scale.shape)
    if any(n not in (1, length) for n, length in zip(scale.shape, shape)) or scale.ndim != len(shape):
        b.fail(op, f"the weights' scale has shape {scale.shape}, which does not go with weights of shape {shape}")
    first = scale[(slice(None),) * channel_axes + (slice(1),) * (len(shape) - channel_axes)]
    if (scale != first).any():
        b.fail(op, "the weights' scale varies within an output channel")
    return q, np.broadcast_to(first, shape[:channel_axes] + first.shape[channel_axes:]).ravel()


def explicit_padding(attributes: Mapping[str, Any], image: Sequence[int], kernel: Sequence[int],
                     dilation: Sequence[int]) -> tuple[int, int, int, int]:
    """(top, left, bottom, right) of an operator with OpenVINO's padding attributes, for an image (h, w)."""
    auto = attributes["auto_pad"]
    if auto == "valid":
        return 0, 0, 0, 0
    if auto == "explicit":
        (top, left), (bottom, right) = attributes["pads_begin"], attributes["pads_end"]
        return top, left, bottom, right
    begin, end = [], []
    for n, k, s, d in zip(image, kernel, attributes["strides"], dilation, strict=True):
        total = max((-(-n // s) - 1) * s + (k - 1) * d + 1 - n, 0)
        # the odd row or column goes after the image in same_upper, before it in same_lower
        first = total // 2 if auto == "same_upper" else total - total // 2
        begin.append(first)
        end.append(total - first)
    return begin[0], begin[1], end[0], end[1]


def _convolution(b: Builder, op: "Node", oihw: Integers, scale: F64, *, groups: int) -> Value:
    if oihw.ndim != 4:
        b.fail(op, f"weights of {oihw.ndim} axes, expected a convolution over height and width")
    x, q = b.quantized(op, 0)
    x = b.as_images(op, x)
    attributes = op.get_attributes()
    channels_out, per_group, *kernel = oihw.shape
    stride, dilation = tuple(attributes["strides"]), tuple(attributes["dilations"])
    padding = explicit_padding(attributes, x.shape[1:3], kernel, dilation)
    nchw = op.get_output_shape(0)       # indexed: running to its end would cost an exception in C++
    shape = (nchw[0], nchw[2], nchw[3], channels_out)
    if x.shape[1:3] == (1, 1) and tuple(kernel) == (1, 1) and groups == 1 and not any(padding) and q.per_tensor:
        return _linear(b, op, x, q, oihw[:, :, 0, 0].T, scale, shape, channels_first=True)
    node = ir.Conv2d(name=op.friendly_name, inputs=(x.node,), shape=shape, dtype="uint8",
                     weights=np.empty(0, np.int8), stride=stride, padding=padding, dilation=dilation, groups=groups,
                     input_zero_point=q.zero_point, bias=np.empty(0, np.int32), multiplier=np.empty(0, np.float32))
    return Accumulator(node=node, channels_first=True, scale=scale * _input_scale(b, op, q, groups, channels_out),
                       offset=np.zeros(channels_out), weights=oihw.transpose(2, 3, 1, 0), fused=x.absorbed,
                       source=op.friendly_name)


def _input_scale(b: Builder, op: "Node", q: Quantization, groups: int, channels_out: int) -> F64:
    """The scale that each output channel's sum of products carries from the input: (1,) or (channels_out,)."""
    scale = q.scale.astype(np.float64)
    if q.per_tensor:
        return scale
    by_group = scale.reshape(groups, -1)
    if (by_group != by_group[:, :1]).any():
        b.fail(op, "the input's ranges differ between channels that are summed")
    return np.repeat(by_group[:, 0], channels_out // groups)


def _linear(b: Builder, op: "Node", x: Tensor, q: Quantization, weights: Integers, scale: F64,
            shape: tuple[int, ...], *, channels_first: bool) -> Value:
    if not q.per_tensor:
        b.fail(op, "the input's ranges differ between channels that are summed")
    node = ir.Linear(name=op.friendly_name, inputs=(x.node,), shape=shape, dtype="uint8",
                     weights=np.empty(0, np.int8), input_zero_point=int(q.zero_point[0]),
                     bias=np.empty(0, np.int32), multiplier=np.empty(0, np.float32))
    return Accumulator(node=node, channels_first=channels_first, scale=scale * q.scale.astype(np.float64),
                       offset=np.zeros(weights.shape[1]), weights=weights, fused=x.absorbed,
                       source=op.friendly_name)
