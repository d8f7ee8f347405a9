"""conv2d against NumPy, and what bad input gets."""

import numpy as np
import pytest

import qkernels as qk

RANGES = {"uint8": (0, 255), "int8": (-128, 127)}


def random_bytes(rng, shape, dtype):
    least, most = RANGES[dtype]
    return rng.integers(least, most + 1, shape).astype(dtype)


def sums(x, w, stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1), groups=1, zero_point=0):
    """Exact sums, output pixel by output pixel."""
    top, left, bottom, right = padding
    real = np.pad(x.astype(np.int64) - zero_point, ((0, 0), (top, bottom), (left, right), (0, 0)))
    height = (real.shape[1] - (w.shape[0] - 1) * dilation[0] - 1) // stride[0] + 1
    width = (real.shape[2] - (w.shape[1] - 1) * dilation[1] - 1) // stride[1] + 1
    total = np.zeros((x.shape[0], height, width, w.shape[3]), np.int64)
    inputs, outputs = x.shape[3] // groups, w.shape[3] // groups
    for y in range(height):
        for at in range(width):
            rows = y * stride[0] + np.arange(w.shape[0]) * dilation[0]
            columns = at * stride[1] + np.arange(w.shape[1]) * dilation[1]
            patch = real[:, rows[:, None], columns]
            for g in range(groups):
                kernel = w[..., g * outputs:(g + 1) * outputs].astype(np.int64)
                total[:, y, at, g * outputs:(g + 1) * outputs] = np.tensordot(
                    patch[..., g * inputs:(g + 1) * inputs], kernel, ((1, 2, 3), (0, 1, 2)))
    return total


CASES = {
    "general": ((2, 9, 8, 6), (3, 3, 6, 10), dict(padding=(1, 1, 1, 1))),
    "groups": ((1, 11, 7, 12), (3, 2, 4, 9), dict(groups=3, stride=(2, 1), padding=(0, 2, 1, 0))),
    "dilation": ((1, 12, 13, 5), (3, 3, 5, 7), dict(dilation=(2, 3), padding=(3, 2, 0, 1))),
    "first": ((1, 17, 16, 3), (3, 3, 3, 32), dict(stride=(2, 2), padding=(0, 0, 1, 1))),
    "depthwise": ((2, 8, 7, 35), (3, 3, 1, 35), dict(groups=35, padding=(1, 1, 1, 1))),
    "depthwise, stride 2": ((1, 8, 7, 64), (3, 3, 1, 64), dict(groups=64, stride=(2, 2), padding=(0, 1, 1, 0))),
    "depthwise 5x5": ((1, 8, 7, 6), (5, 5, 1, 6), dict(groups=6, padding=(2, 2, 2, 2))),
    "pointwise": ((1, 9, 9, 40), (1, 1, 40, 70), dict()),
}


@pytest.mark.parametrize("x_dtype", ["uint8", "int8"])
@pytest.mark.parametrize("case", CASES)
def test_conv2d(isa, rng, case, x_dtype):
    """Each way to run a convolution, each output dtype; padding holds the zero point of each input channel."""
    shape, weights_shape, geometry = CASES[case]
    x, w = random_bytes(rng, shape, x_dtype), random_bytes(rng, weights_shape, "int8")
    zero_point = random_bytes(rng, shape[3], x_dtype).astype(np.int32)
    channels = weights_shape[3]
    bias = rng.integers(-9999, 9999, channels, np.int32)
    multiplier = rng.uniform(1e-3, 5e-3, channels).astype(np.float32)
    acc = (sums(x, w, zero_point=zero_point, **geometry) + bias).astype(np.int32)
    common = dict(x_zero_point=zero_point, bias=bias, **geometry)
    np.testing.assert_array_equal(qk.conv2d(x, w, **common), acc, strict=True)
    scaled = acc.astype(np.float32) * multiplier
    np.testing.assert_array_equal(qk.conv2d(x, w, multiplier=multiplier, dtype=np.float32, **common), scaled,
                                  strict=True)
    for dtype in RANGES:
        q = qk.conv2d(x, w, multiplier=multiplier, zero_point=30, dtype=dtype, lo=30, hi=120, **common)
        np.testing.assert_array_equal(q, np.clip(np.rint(scaled) + 30, 30, 120).astype(dtype), strict=True)


@pytest.mark.parametrize("size, stride, sides", [((8, 8), 1, (1, 1, 1, 1)), ((8, 7), 2, (0, 1, 1, 1)),
                                                 ((5, 6), 3, (0, 0, 1, 0))])
def test_same_padding(isa, rng, size, stride, sides):
    """As many output pixels as the input has, divided by the stride; the odd pixel of padding goes last."""
    x, w = random_bytes(rng, (1, *size, 4), "uint8"), random_bytes(rng, (3, 3, 4, 5), "int8")
    got = qk.conv2d(x, w, stride=stride, padding="same", x_zero_point=9)
    assert got.shape[1:3] == tuple(-(-extent // stride) for extent in size)
    np.testing.assert_array_equal(got, sums(x, w, (stride, stride), sides, zero_point=9))


def test_forms_of_geometry(isa, rng):
    """One integer stands for both directions, two for height and width, 'valid' for none."""
    x, w = random_bytes(rng, (1, 9, 10, 4), "uint8"), random_bytes(rng, (3, 3, 4, 5), "int8")
    np.testing.assert_array_equal(qk.conv2d(x, w, padding=2, stride=2), sums(x, w, (2, 2), (2, 2, 2, 2)))
    np.testing.assert_array_equal(qk.conv2d(x, w, padding=(1, 2), dilation=(1, 2)),
                                  sums(x, w, (1, 1), (1, 2, 1, 2), (1, 2)))
    np.testing.assert_array_equal(qk.conv2d(x, w, padding="valid"), sums(x, w))


def test_any_layout_and_out(isa, rng):
    x, w = random_bytes(rng, (1, 4, 9, 20), "uint8"), random_bytes(rng, (6, 4, 3, 3), "int8")
    out = np.zeros((1, 7, 9, 6), np.int32)
    image, kernel = x.transpose(0, 3, 2, 1)[:, 1:18:2, :], w.T
    assert qk.conv2d(image, kernel, padding=(0, 1), out=out) is out
    np.testing.assert_array_equal(out, sums(image, kernel, padding=(0, 1, 0, 1)))


X, W = np.ones((1, 5, 5, 4), np.uint8), np.ones((3, 3, 4, 6), np.int8)


@pytest.mark.parametrize("arguments, error, name", [
    (dict(x=X.astype(np.float32)), TypeError, "x"), (dict(x=X[0]), ValueError, "x"),
    (dict(x=X[:, :2]), ValueError, "x"), (dict(x=X[:, :0]), ValueError, "x"),
    (dict(weights=W.astype(np.uint8)), TypeError, "weights"), (dict(weights=W[:, :, :3]), ValueError, "weights"),
    (dict(weights=W[0]), ValueError, "weights"), (dict(groups=3), ValueError, "weights"),
    (dict(groups=0), ValueError, "groups"), (dict(groups=5), ValueError, "groups"),
    (dict(stride=0), ValueError, "stride"), (dict(stride=(1, 2, 3)), ValueError, "stride"),
    (dict(stride=1.5), TypeError, "stride"), (dict(stride=np.array([], int)), ValueError, "stride"),
    (dict(dilation=-1), ValueError, "dilation"), (dict(dilation=9), ValueError, "x"),
    (dict(padding=-1), ValueError, "padding"), (dict(padding="most"), ValueError, "padding"),
    (dict(padding=(1, 2, 3)), ValueError, "padding"), (dict(x_zero_point=256), ValueError, "x_zero_point"),
    (dict(x_zero_point=[1, 2]), ValueError, "x_zero_point"), (dict(bias=[1, 2]), ValueError, "bias"),
    (dict(bias=1.5), TypeError, "bias"), (dict(multiplier=np.nan), ValueError, "multiplier"),
    (dict(multiplier=[1, 2]), ValueError, "multiplier"), (dict(zero_point=256), ValueError, "zero_point"),
    (dict(lo=9, hi=3), ValueError, "lo"), (dict(hi=-1), ValueError, "hi"), (dict(dtype=np.int64), TypeError, "dtype"),
])
def test_bad_input(arguments, error, name):
    """The exception names the argument; `out` keeps its bytes."""
    out = np.full((1, 3, 3, 6), 85, np.uint8)
    with pytest.raises(error, match=rf"^{name}\b"):
        qk.conv2d(**{"x": X, "weights": W, "multiplier": 1.0, "out": out, **arguments})
    assert (out == 85).all()


@pytest.mark.parametrize("out, error", [
    (np.full((1, 3, 3, 6), 85, np.int32), TypeError), (np.full((1, 3, 3, 5), 85, np.uint8), ValueError),
    (np.full((1, 6, 3, 3), 85, np.uint8).T.reshape(3, 3, 6, 1).transpose(3, 0, 1, 2)[:, ::-1], ValueError),
])
def test_bad_out(out, error):
    with pytest.raises(error, match="^out"):
        qk.conv2d(X, W, multiplier=1.0, out=out)
    assert (out == 85).all()


def test_out_that_overlaps_the_input():
    x = np.full((1, 5, 5, 4), 85, np.uint8)
    with pytest.raises(ValueError, match="^out"):
        qk.conv2d(x, W, multiplier=1.0, out=x.reshape(-1)[:54].reshape(1, 3, 3, 6))
    assert (x == 85).all()
