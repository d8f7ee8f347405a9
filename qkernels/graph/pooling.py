"""Pooling: AvgPool and MaxPool over a window, ReduceMean over a whole image."""

from typing import TYPE_CHECKING

import numpy as np

from . import ir
from .builder import Builder
from .products import explicit_padding
from .values import Accumulator, Value

if TYPE_CHECKING:
    from openvino import Node

Padding = tuple[int, int, int, int]
NO_PADDING = (0, 0, 0, 0)


def average_pool(b: Builder, op: "Node") -> Value:
    kernel, stride, padding, overhang = _geometry(b, op)
    exclude_pad = bool(op.get_attributes()["exclude-pad"])
    if overhang != NO_PADDING and not exclude_pad:
        b.fail(op, "windows that overhang the padding (rounding_type ceil) are only known with exclude-pad")
    return _averaged(b, op, kernel, stride, _sum(padding, overhang), exclude_pad=exclude_pad)


def reduce_mean(b: Builder, op: "Node") -> Value:
    shape = tuple(op.get_input_shape(0))
    axes = tuple(sorted(axis % len(shape) for axis in b.integers(op, 1)))
    if len(shape) != 4 or axes != (2, 3) or not op.get_attributes()["keep_dims"]:
        b.fail(op, "only the mean over height and width of NCHW, axes kept")
    return _averaged(b, op, shape[2:], shape[2:], NO_PADDING, exclude_pad=True)


def max_pool(b: Builder, op: "Node") -> Value:
    kernel, stride, padding, overhang = _geometry(b, op)
    if any(d != 1 for d in op.get_attributes().get("dilations", ())):
        b.fail(op, f"dilations {tuple(op.get_attributes()['dilations'])}, expected 1")
    x, q = b.quantized(op, 0)
    x = b.as_images(op, x)
    height_width = tuple(op.get_output_shape(0))[2:]
    return b.add(op, ir.MaxPool(
        name=op.friendly_name, inputs=(x.node,), shape=(x.shape[0], *height_width, x.shape[3]), dtype="uint8",
        fused=x.absorbed, source_output=op.friendly_name, channels_first=True, scale=q.scale, output_zero_point=q.zero_point,
        kernel=kernel, stride=stride, padding=_sum(padding, overhang)))


def _sum(a: Padding, b: Padding) -> Padding:
    return a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]


def _geometry(b: Builder, op: "Node") -> tuple[ir.Pair, ir.Pair, Padding, Padding]:
    """(kernel, stride, padding, how far windows reach beyond it); the last two (top, left, bottom, right)."""
    attributes = op.get_attributes()
    kernel, stride = tuple(attributes["kernel"]), tuple(attributes["strides"])
    if len(kernel) != 2:
        b.fail(op, f"kernel {kernel}, expected 2 axes")
    image, out = tuple(op.get_input_shape(0))[2:], tuple(op.get_output_shape(0))[2:]
    padding = explicit_padding(attributes, image, kernel, (1, 1))
    reach = [(count - 1) * s + k - n - before for count, s, k, n, before in
             zip(out, stride, kernel, image, padding[:2], strict=True)]
    if any(k <= before or (count - 1) * s >= n + before for k, s, n, before, count in
           zip(kernel, stride, image, padding[:2], out, strict=True)):
        b.fail(op, f"padding {padding}: a window has nothing but padding")
    return kernel, stride, padding, (0, 0, max(reach[0] - padding[2], 0), max(reach[1] - padding[3], 0))


def _averaged(b: Builder, op: "Node", kernel: ir.Pair, stride: ir.Pair, padding: Padding, *,
              exclude_pad: bool) -> Value:
    x, q = b.quantized(op, 0)
    if not q.per_tensor:
        b.fail(op, "the input's ranges differ between channels")
    x = b.as_images(op, x)
    height_width = tuple(op.get_output_shape(0))[2:]
    node = ir.AveragePool(name=op.friendly_name, inputs=(x.node,), shape=(x.shape[0], *height_width, x.shape[3]), dtype="uint8",
                          kernel=kernel, stride=stride, padding=padding, exclude_pad=exclude_pad,
                          input_zero_point=int(q.zero_point[0]), multiplier=np.ones(1, np.float32))
    scale = q.scale.astype(np.float64) / (kernel[0] * kernel[1])
    return Accumulator(node=node, channels_first=True, scale=scale, offset=np.zeros(1), weights=None, fused=x.absorbed,
                       source=op.friendly_name)
