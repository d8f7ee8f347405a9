"""The same bytes from every instruction set, number of threads and memory layout, on arrays large enough to be shared out."""

import numpy as np
import pytest
from hypothesis import strategies as st

import qkernels as qk

from . import strategies as s
from .counting import given

seeds = st.integers(0, 2**32 - 1)


def random_bytes(rng, shape, dtype):
    least, most = s.RANGES[dtype]
    return rng.integers(least, most + 1, shape).astype(dtype)


def quantize(rng, lay):
    x = rng.normal(size=(211, 1003)).astype(np.float32)
    return qk.quantize(lay(x), np.float32(rng.uniform(1e-3, 1)), 7), qk.quantize(lay(x), 0.02, -3, dtype="int8")


def quantize_per_channel(rng, lay):
    x = rng.normal(size=(211, 301)).astype(np.float32)
    return (qk.quantize(lay(x), rng.uniform(0.01, 0.1, 301), rng.integers(0, 256, 301), axis=1),)


def dequantize(rng, lay):
    return (qk.dequantize(lay(random_bytes(rng, (211, 1003), "uint8")), np.float32(rng.uniform(1e-3, 1)), 100),)


def quantize_dynamic(rng, lay):
    q, scale, zero_point = qk.quantize_dynamic(lay(rng.normal(size=(211, 1003)).astype(np.float32)))
    return q, scale, np.int64(zero_point)


def requantize(rng, lay):
    acc = rng.integers(-2**20, 2**20, (211, 503), np.int32)
    return (qk.requantize(lay(acc), rng.uniform(1e-5, 1e-3, 503), 7),)


def matmul(rng, lay):
    a, b = random_bytes(rng, (403, 77), "uint8"), random_bytes(rng, (77, 133), "int8")
    return qk.matmul(lay(a), lay(b), a_zero_point=3), qk.matmul(lay(a), qk.PackedWeights(lay(b), 5))


def linear(rng, lay):
    a, b = random_bytes(rng, (403, 77), "int8"), random_bytes(rng, (77, 133), "int8")
    return (qk.linear(lay(a), lay(b), bias=rng.integers(-9999, 9999, 133), multiplier=rng.uniform(1e-4, 1e-2, 133)),)


def conv2d(rng, lay):
    x, w = random_bytes(rng, (1, 41, 43, 16), "uint8"), random_bytes(rng, (3, 3, 16, 24), "int8")
    first, depthwise = random_bytes(rng, (3, 3, 3, 32), "int8"), random_bytes(rng, (3, 3, 1, 16), "int8")
    return (qk.conv2d(lay(x), lay(w), padding="same", multiplier=1e-3, zero_point=9),
            qk.conv2d(lay(x[..., :3]), lay(first), stride=2, padding=1, multiplier=1e-3),
            qk.conv2d(lay(x), lay(depthwise), padding=1, groups=16, multiplier=1e-2, dtype="int8"))


CALLS = (quantize, quantize_per_channel, dequantize, quantize_dynamic, requantize, matmul, linear, conv2d)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
@given(seed=seeds, isa=s.isas, threads=st.integers(1, 5), layout=s.layouts)
def test_same_bytes(call, seed, isa, threads, layout):
    """Each state against the scalar kernels on one thread and C-contiguous arrays."""
    with s.running("scalar", 1):
        want = call(np.random.default_rng(seed), np.array)
    with s.running(isa, threads):
        got = call(np.random.default_rng(seed), s.LAYOUTS[layout])
    for a, b in zip(got, want, strict=True):
        np.testing.assert_array_equal(a, b, strict=True)
