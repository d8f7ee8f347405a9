"""Average pooling: AvgPool over a window, ReduceMean over a whole image."""

from typing import TYPE_CHECKING

import numpy as np

from . import ir
from .builder import Builder
from .products import explicit_padding
from .values import Accumulator, Value

if TYPE_CHECKING:
    from openvino import Node


def average_pool(b: Builder, op: "Node") -> Value:
    attributes = op.get_attributes()
    kernel, stride = tuple(attributes["kernel"]), tuple(attributes["strides"])
    if len(kernel) != 2:
        b.fail(op, f"kernel {kernel}, expected 2 axes")
    height_width = tuple(op.get_input_shape(0))[2:]
    if any(explicit_padding(attributes, height_width, kernel, (1, 1))):
        b.fail(op, "padding: the native average pooling has none")
    return _pooled(b, op, kernel, stride)


def reduce_mean(b: Builder, op: "Node") -> Value:
    shape = tuple(op.get_input_shape(0))
    axes = tuple(sorted(axis % len(shape) for axis in b.integers(op, 1)))
    if len(shape) != 4 or axes != (2, 3) or not op.get_attributes()["keep_dims"]:
        b.fail(op, "only the mean over height and width of NCHW, axes kept")
    return _pooled(b, op, shape[2:], shape[2:])


def _pooled(b: Builder, op: "Node", kernel: ir.Pair, stride: ir.Pair) -> Value:
    x, q = b.quantized(op, 0)
    if not q.per_tensor:
        b.fail(op, "the input's ranges differ between channels")
    x = b.as_images(op, x)
    out = tuple((n - k) // s + 1 for n, k, s in zip(x.shape[1:3], kernel, stride, strict=True))
    if out != tuple(op.get_output_shape(0))[2:]:
        b.fail(op, f"output {tuple(op.get_output_shape(0))}: windows that overhang the image are not known")
    node = ir.AveragePool(name=op.friendly_name, inputs=(x.node,), shape=(x.shape[0], *out, x.shape[3]), dtype="uint8",
                          kernel=kernel, stride=stride, input_zero_point=int(q.zero_point[0]),
                          multiplier=np.ones(1, np.float32))
    scale = q.scale.astype(np.float64) / (kernel[0] * kernel[1])
    return Accumulator(node=node, channels_first=True, scale=scale, offset=np.zeros(1), weights=None, fused=x.absorbed,
                       source=op.friendly_name)
