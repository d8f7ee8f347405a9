"""A convolution of any size as a quantized OpenVINO model, imported as a model file would be: for sweeps over shapes."""

from __future__ import annotations

import numpy as np
import openvino
from openvino import opset13 as o

from qkernels.engines.work import Layer
from qkernels.graph import import_model

_NAME = "convolution"


def convolution(side: int, channels_in: int, channels_out: int, kernel: int = 1, stride: int = 1, *, depthwise: bool = False
                ) -> Layer:
    """`side` x `side` pixels, random weights and bytes, 'same' padding, ReLU6; depthwise has channels_in == channels_out."""
    random = np.random.default_rng([side, channels_in, channels_out, kernel, stride])
    groups = channels_in if depthwise else 1
    taps = channels_in // groups * kernel * kernel
    weights = random.integers(-127, 128, (channels_out, channels_in // groups, kernel, kernel)).astype(np.int8)
    # sums of products of about the range that ReLU6 keeps
    scale = random.uniform(0.5, 1.5, (channels_out, 1, 1, 1)).astype(np.float32) / np.float32(127 * taps ** 0.5)
    if depthwise:
        weights, scale = weights[:, np.newaxis], scale[:, np.newaxis]
    parameter = o.parameter([1, side, side, channels_in], np.float32)
    x = o.transpose(_quantized(parameter), np.array([0, 3, 1, 2], np.int64))
    scaled = o.multiply(o.convert(o.constant(weights, np.int8), "f32"), scale)
    convolve = o.group_convolution if depthwise else o.convolution
    y = convolve(x, scaled, [stride, stride], [0, 0], [0, 0], [1, 1], auto_pad="same_upper")
    y.friendly_name = _NAME
    biased = o.add(y, random.uniform(0, 2, (1, channels_out, 1, 1)).astype(np.float32))
    result = o.result(o.transpose(_quantized(o.clamp(biased, 0.0, 6.0)), np.array([0, 2, 3, 1], np.int64)))
    model = openvino.Model([result], [parameter], _NAME)
    source = random.integers(0, 256, (1, side, side, channels_in), np.uint8)
    graph = import_model(model)
    return Layer(model, graph, graph[_NAME], (source,))


def _quantized(x: openvino.Node) -> openvino.Node:
    low, high = np.float32(0), np.float32(6)
    return o.fake_quantize(x, low, high, low, high, 256)
