"""The audit of a layer: every output's sums of two neighbouring channels, tap by tap."""

import numpy as np
import pytest

from qkernels.graph import ir
from qkernels.measure.saturation import Saturation, audit

FEW = {"inputs": ("x",), "multiplier": np.ones(1, np.float32)}


def conv(weights, shape, *, stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1), groups=1, zero_point=0):
    return ir.Conv2d(name="conv", shape=shape, dtype="uint8", weights=weights, bias=np.zeros(1, np.int32), stride=stride,
                     padding=padding, dilation=dilation, groups=groups, input_zero_point=np.array(zero_point, np.int32).ravel(),
                     **FEW)


def direct(node, x):
    """One output after the other, as the words of the definition say it."""
    count = sums = 0
    _, _, channels, out_channels = node.weights.shape
    for y, z, c in np.ndindex(*node.shape[1:]):
        first = c // (out_channels // node.groups) * channels
        for i, j in np.ndindex(node.weights.shape[:2]):
            row = y * node.stride[0] + i * node.dilation[0] - node.padding[0]
            column = z * node.stride[1] + j * node.dilation[1] - node.padding[1]
            inside = 0 <= row < x.shape[1] and 0 <= column < x.shape[2]
            pixel = x[0, row, column] if inside else np.broadcast_to(node.input_zero_point, x.shape[3])
            for p in range(0, channels - 1, 2):
                a, w = pixel[first + p:first + p + 2].astype(int), node.weights[i, j, p:p + 2, c].astype(int)
                sums += 1
                count += not -32768 <= a[0] * w[0] + a[1] * w[1] <= 32767
    return count, sums


@pytest.mark.parametrize("channels, out_channels, groups, options", [
    (3, 4, 1, {"stride": (2, 2), "padding": (0, 0, 1, 1), "zero_point": 255}),
    (4, 6, 2, {"padding": (1, 2, 1, 0), "zero_point": (255, 0, 250, 3)}),
    (10, 10, 2, {"dilation": (2, 1), "stride": (1, 2)}),
    (5, 3, 1, {})])
def test_convolution(rng, channels, out_channels, groups, options):
    x = rng.integers(240, 256, (1, 6, 7, channels)).astype(np.uint8)
    weights = rng.integers(-128, 128, (3, 2, channels // groups, out_channels)).astype(np.int8)
    stride, dilation = options.get("stride", (1, 1)), options.get("dilation", (1, 1))
    top, left, bottom, right = options.get("padding", (0, 0, 0, 0))
    height = (6 + top + bottom - 2 * dilation[0] - 1) // stride[0] + 1
    width = (7 + left + right - dilation[1] - 1) // stride[1] + 1
    node = conv(weights, (1, height, width, out_channels), groups=groups, **options)
    found, (count, sums) = audit(node, x), direct(node, x)
    assert (found.count, found.sums) == (count, sums) and count > 0
    assert found.weight_pairs == 3 * 2 * (channels // groups // 2) * out_channels and 0 < found.weights <= found.weight_pairs


def test_linear():
    node = ir.Linear(name="linear", shape=(2, 2), dtype="uint8", weights=np.array([[127, 64], [127, -127], [127, 1]], np.int8),
                     bias=np.zeros(2, np.int32), input_zero_point=0, **FEW)
    assert audit(node, np.array([[255, 255, 255], [100, 100, 100]], np.uint8)) == Saturation(1, 4, 1, 2)


def test_none_where_no_two_products_are_added():
    depthwise = conv(np.ones((3, 3, 1, 4), np.int8), (1, 1, 1, 4), groups=4)
    assert audit(depthwise, np.zeros((1, 3, 3, 4), np.uint8)) is None
    assert audit(ir.Softmax(name="s", inputs=("x",), shape=(1, 4), dtype="float32"), np.zeros((1, 4), np.float32)) is None
