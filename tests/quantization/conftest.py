"""A small network of MobileNet's kinds of layers, with random weights and channels of very different size."""

import numpy as np
import pytest

openvino = pytest.importorskip("openvino")
from openvino import opset13 as o  # noqa: E402


def f32(rng, *shape):
    return rng.standard_normal(shape).astype(np.float32)


def named(node, name):
    node.friendly_name = name
    return node


def convolution(x, weights, name, *, stride=1, group=False):
    convolve = o.group_convolution if group else o.convolution
    pad = [(n - 1) // 2 for n in weights.shape[-2:]]
    return named(convolve(x, o.constant(weights), [stride] * 2, pad, pad, [1, 1]), name)


def network(rng, *, batch_norm=False, residual=False, spread=0.5):
    """(1, 12, 12, 3) -> (1, 5) probabilities; channels' sizes vary as exp(spread * normal)."""
    image = o.parameter([1, 12, 12, 3], np.float32, name="image")
    x = o.transpose(image, np.array([0, 3, 1, 2], np.int64))

    def end(y, channels, name):
        if batch_norm:
            gamma, variance = np.exp(f32(rng, channels) * spread), np.exp(f32(rng, channels))
            y = o.batch_norm_inference(y, gamma, f32(rng, channels), f32(rng, channels), variance, 1e-3)
        else:
            y = o.add(y, f32(rng, 1, channels, 1, 1))
        return named(o.clamp(y, 0.0, 6.0), f"{name}/relu6")

    def sized(*shape):
        sizes = np.exp(f32(rng, shape[0]) * spread).reshape(-1, *(1,) * (len(shape) - 1))
        return f32(rng, *shape) * sizes / np.float32(np.sqrt(np.prod(shape[-3:])))

    x = end(convolution(x, sized(8, 3, 3, 3), "first", stride=2), 8, "first")
    x = end(convolution(x, sized(8, 1, 1, 3, 3), "depthwise", group=True), 8, "depthwise")
    x = end(convolution(x, sized(16, 8, 1, 1), "pointwise"), 16, "pointwise")
    if residual:
        before = x
        x = o.add(convolution(x, sized(16, 16, 1, 1), "project"), f32(rng, 1, 16, 1, 1))
        x = named(o.add(x, before), "sum")
    x = named(o.avg_pool(x, [1, 1], [0, 0], [0, 0], [6, 6], True, "floor", "valid"), "pool")
    x = named(o.reshape(x, np.array([1, 16], np.int64), False), "flat")
    x = named(o.matmul(x, o.constant(f32(rng, 16, 5)), False, False), "logits")
    x = named(o.softmax(o.add(x, f32(rng, 1, 5)), 1), "softmax")
    return openvino.Model([o.result(x)], [image], "small")


@pytest.fixture
def build(rng):
    return lambda **options: network(rng, **options)


@pytest.fixture
def samples(rng):
    return [rng.uniform(-1, 1, (1, 12, 12, 3)).astype(np.float32) for _ in range(40)]


@pytest.fixture
def infer():
    """infer(model, samples): the first output of each, (samples, ...)."""
    def run(model, inputs):
        compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        return np.concatenate([np.array(compiled([x])[0]) for x in inputs])
    return run
