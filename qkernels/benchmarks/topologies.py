"""The networks that the package is made for, in float32 with generated weights: the true shapes, no training.

MobileNet V2: Sandler et al. 2018, table 2. MobileNet V3: Howard et al. 2019, tables 1 and 2. ResNet-50: He et al. 2016, table
1, with the stride in the 3x3 convolution. All NCHW, as frameworks export them, 224 x 224 and 1000 classes, batch
normalization folded into weights and biases. Weights are drawn so that each convolution keeps the variance of its input.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import openvino
from openvino import opset1
from openvino import opset13 as o

Node = Any


class _Network:
    """The layers of one network as they are added."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._counts: dict[str, int] = {}

    def named(self, node: Node, kind: str) -> Node:
        self._counts[kind] = self._counts.get(kind, -1) + 1
        node.friendly_name = f"{kind}{self._counts[kind]}"
        return node

    def constant(self, shape: tuple[int, ...], deviation: float) -> Node:
        return o.constant(self._random.normal(0, deviation, shape).astype(np.float32))

    def conv(self, x: Node, channels: int, kernel: int = 1, stride: int = 1, gain: float = 2.0) -> Node:
        """With bias; padded so that stride 1 keeps the size. `gain` 2 for a rectifier behind it (He et al. 2015)."""
        before = x.get_output_shape(0)[1]
        weights = self.constant((channels, before, kernel, kernel), (gain / (before * kernel**2)) ** 0.5)
        return self._convolve(o.convolution, x, weights, channels, kernel, stride, "conv")

    def depthwise(self, x: Node, kernel: int, stride: int = 1) -> Node:
        channels = x.get_output_shape(0)[1]
        weights = self.constant((channels, 1, 1, kernel, kernel), 2**0.5 / kernel)
        return self._convolve(o.group_convolution, x, weights, channels, kernel, stride, "dw")

    def _convolve(self, make: Callable[..., Node], x: Node, weights: Node, channels: int, kernel: int, stride: int,
                  kind: str) -> Node:
        pad = [kernel // 2] * 2
        y = self.named(make(x, weights, [stride] * 2, pad, pad, [1, 1]), kind)
        return o.add(y, self.constant((1, channels, 1, 1), 0.1))

    def linear(self, x: Node, channels: int) -> Node:
        before = x.get_output_shape(0)[1]
        y = self.named(o.matmul(x, self.constant((channels, before), before**-0.5), False, True), "linear")
        return o.add(y, self.constant((1, channels), 0.1))

    def pooled(self, x: Node) -> Node:
        return o.reduce_mean(x, np.array([2, 3], np.int64), True)

    def flat(self, x: Node) -> Node:
        return o.reshape(x, np.array([1, -1], np.int64), False)


def _image() -> Node:
    return o.parameter([1, 3, 224, 224], np.float32, name="image")


def _relu6(x: Node) -> Node:
    return o.clamp(x, 0.0, 6.0)


def _divisible(channels: float) -> int:
    """The nearest multiple of eight, not more than a tenth below."""
    rounded = max(8, int(channels + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels else rounded


def mobilenet_v2(width: float = 1.0, seed: int = 0) -> openvino.Model:
    net, image = _Network(seed), _image()
    x = _relu6(net.conv(image, _divisible(32 * width), 3, 2))
    for expansion, channels, repeats, first_stride in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2),
                                                       (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)):
        for index in range(repeats):
            stride, before = first_stride if index == 0 else 1, x.get_output_shape(0)[1]
            y = _relu6(net.conv(x, before * expansion)) if expansion > 1 else x
            y = net.conv(_relu6(net.depthwise(y, 3, stride)), _divisible(channels * width), gain=1.0)
            x = net.named(o.add(x, y), "add") if stride == 1 and before == y.get_output_shape(0)[1] else y
    x = _relu6(net.conv(x, max(1280, _divisible(1280 * width))))
    return openvino.Model([o.result(net.linear(net.flat(net.pooled(x)), 1000))], [image], "mobilenet_v2")


def _squeeze_and_excite(net: _Network, x: Node, divisor: int = 4) -> Node:
    channels = x.get_output_shape(0)[1]
    factor = o.hsigmoid(net.conv(o.relu(net.conv(net.pooled(x), _divisible(channels / divisor))), channels))
    return net.named(o.multiply(x, factor), "scale")


# kernel, expanded channels, channels, squeeze-and-excite, hard swish, stride
_V3_LARGE = ((3, 16, 16, 0, 0, 1), (3, 64, 24, 0, 0, 2), (3, 72, 24, 0, 0, 1), (5, 72, 40, 1, 0, 2), (5, 120, 40, 1, 0, 1),
             (5, 120, 40, 1, 0, 1), (3, 240, 80, 0, 1, 2), (3, 200, 80, 0, 1, 1), (3, 184, 80, 0, 1, 1), (3, 184, 80, 0, 1, 1),
             (3, 480, 112, 1, 1, 1), (3, 672, 112, 1, 1, 1), (5, 672, 160, 1, 1, 2), (5, 960, 160, 1, 1, 1),
             (5, 960, 160, 1, 1, 1))
_V3_SMALL = ((3, 16, 16, 1, 0, 2), (3, 72, 24, 0, 0, 2), (3, 88, 24, 0, 0, 1), (5, 96, 40, 1, 1, 2), (5, 240, 40, 1, 1, 1),
             (5, 240, 40, 1, 1, 1), (5, 120, 48, 1, 1, 1), (5, 144, 48, 1, 1, 1), (5, 288, 96, 1, 1, 2), (5, 576, 96, 1, 1, 1),
             (5, 576, 96, 1, 1, 1))


def _mobilenet_v3(rows: tuple[tuple[int, ...], ...], last: int, hidden: int, name: str, seed: int) -> openvino.Model:
    net, image = _Network(seed), _image()
    x = o.hswish(net.conv(image, 16, 3, 2))
    for kernel, expanded, channels, excite, swish, stride in rows:
        activate, before = o.hswish if swish else o.relu, x.get_output_shape(0)[1]
        y = activate(net.conv(x, expanded)) if expanded != before else x
        y = activate(net.depthwise(y, kernel, stride))
        y = net.conv(_squeeze_and_excite(net, y) if excite else y, channels, gain=1.0)
        x = net.named(o.add(x, y), "add") if stride == 1 and before == channels else y
    x = net.pooled(o.hswish(net.conv(x, last)))
    x = o.hswish(net.linear(net.flat(x), hidden))
    return openvino.Model([o.result(net.linear(x, 1000))], [image], name)


def mobilenet_v3_large(seed: int = 0) -> openvino.Model:
    return _mobilenet_v3(_V3_LARGE, 960, 1280, "mobilenet_v3_large", seed)


def mobilenet_v3_small(seed: int = 0) -> openvino.Model:
    return _mobilenet_v3(_V3_SMALL, 576, 1024, "mobilenet_v3_small", seed)


def resnet50(seed: int = 0) -> openvino.Model:
    net, image = _Network(seed), _image()
    x = o.relu(net.conv(image, 64, 7, 2))
    x = opset1.max_pool(x, [2, 2], [1, 1], [1, 1], [3, 3])     # the later ones have a second output, of indices
    for channels, blocks, first_stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for index in range(blocks):
            stride = first_stride if index == 0 else 1
            y = o.relu(net.conv(o.relu(net.conv(x, channels)), channels, 3, stride))
            y = net.conv(y, 4 * channels, gain=0.5)
            shortcut = net.conv(x, 4 * channels, 1, stride, gain=1.0) if index == 0 else x
            x = o.relu(net.named(o.add(shortcut, y), "add"))
    return openvino.Model([o.result(net.linear(net.flat(net.pooled(x)), 1000))], [image], "resnet50")


TOPOLOGIES: dict[str, Callable[[], openvino.Model]] = {
    "mobilenet-v2": mobilenet_v2, "mobilenet-v3-large": mobilenet_v3_large, "mobilenet-v3-small": mobilenet_v3_small,
    "resnet-50": resnet50}
