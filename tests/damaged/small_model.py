"""A small network that the importer knows: quantizer, convolution, depthwise, pooling, product, softmax."""

import numpy as np
import openvino
from openvino import opset13 as o


def quantized(x, low, high, name):
    low, high = np.float32(low), np.float32(high)
    node = o.fake_quantize(x, low, high, low, high, 256)
    node.friendly_name = name
    return node


def weights(rng, shape, axes):
    w = o.convert(o.constant(rng.integers(-127, 128, shape).astype(np.int8)), "f32")
    return o.multiply(w, np.float32(0.02) * rng.uniform(0.5, 1, axes).astype(np.float32))


def small_model(side=8):
    rng = np.random.default_rng(3)
    image = o.parameter([1, side, side, 4], np.float32, name="image")
    x = o.transpose(quantized(image, 0, 4, "image/quantized"), [0, 3, 1, 2])
    x = o.convolution(x, weights(rng, (8, 4, 3, 3), (8, 1, 1, 1)), [1, 1], [1, 1], [1, 1], [1, 1], name="conv")
    x = o.add(x, rng.uniform(-1, 1, (1, 8, 1, 1)).astype(np.float32))
    x = quantized(o.clamp(x, 0.0, 6.0), 0, 6, "conv/quantized")
    x = o.group_convolution(x, weights(rng, (8, 1, 1, 3, 3), (8, 1, 1, 1, 1)), [2, 2], [1, 1], [1, 1], [1, 1], name="depthwise")
    x = quantized(o.relu(x), 0, 6, "depthwise/quantized")
    x = quantized(o.reduce_mean(x, [2, 3], keep_dims=True), 0, 6, "pool")
    x = o.reshape(x, [1, 8], special_zero=False)
    x = o.matmul(x, weights(rng, (5, 8), (5, 1)), False, True, name="logits")
    return openvino.Model([o.result(o.softmax(x, 1))], [image], "small")


def save(directory, side=8):
    """The path of the .xml; its .bin beside it."""
    path, model = directory / "small.xml", small_model(side)
    for index, op in enumerate(model.get_ordered_ops()):
        if op.friendly_name[-1].isdigit():        # OpenVINO's own name, counted over the whole process: no two files alike
            op.friendly_name = f"{op.get_type_name()}_{index}"
    openvino.save_model(model, path, compress_to_fp16=False)
    return path
