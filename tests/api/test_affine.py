"""quantize, dequantize, requantize and their parameters against NumPy, and what bad input gets."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import qkernels as qk

RANGES = {"uint8": (0, 255), "int8": (-128, 127)}


def expected_quantized(x, scale, zero_point, dtype):
    """The definition: float32 division, half to even, NaN to the zero point."""
    with np.errstate(over="ignore", invalid="ignore"):
        steps = np.rint(np.asarray(x).astype(np.float32) / np.asarray(scale, np.float32)).astype(np.float64)
    steps = np.nan_to_num(steps, nan=0.0, posinf=1e9, neginf=-1e9)
    return np.clip(steps + zero_point, *RANGES[dtype]).astype(dtype)


@pytest.mark.parametrize("dtype, zero_point", [("uint8", 0), ("uint8", 131), ("int8", -7), ("int8", 127)])
@pytest.mark.parametrize("x_dtype", [np.float32, np.float16, np.float64, ">f4"])
def test_quantize(isa, rng, dtype, zero_point, x_dtype):
    """Ties, specials and every float type."""
    x = (rng.integers(-600, 600, (37, 29)) * 0.125).astype(x_dtype)
    x[0, :5] = [np.nan, np.inf, -np.inf, -0.0, 1e-7]
    q = qk.quantize(x, 0.25, zero_point, dtype=dtype)
    np.testing.assert_array_equal(q, expected_quantized(x, 0.25, zero_point, dtype), strict=True)


def test_double_beyond_float32_saturates(isa):
    assert qk.quantize(np.array([1e300, -1e300, 1e-300]), 1.0, 5).tolist() == [255, 0, 5]


@pytest.mark.parametrize("axis", [0, 1, 2, -1, -3])
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_per_channel(isa, rng, axis, dtype):
    """Scale and zero point of their own for each index of an axis, there and back."""
    x = (rng.normal(size=(6, 35, 19)) * 3).astype(np.float32)
    count = x.shape[axis]
    scale = rng.uniform(0.01, 0.1, count).astype(np.float32)
    zero_point = rng.integers(*RANGES[dtype], count)
    shape = [1, 1, 1]
    shape[axis] = count
    q = qk.quantize(x, scale, zero_point, dtype=dtype, axis=axis)
    s, z = scale.reshape(shape), zero_point.reshape(shape)
    np.testing.assert_array_equal(q, expected_quantized(x, s, z, dtype), strict=True)
    back = qk.dequantize(q, scale, zero_point, axis=axis)
    np.testing.assert_array_equal(back, s * (q.astype(np.int32) - z).astype(np.float32), strict=True)


@pytest.mark.parametrize("view", [lambda x: x.T, lambda x: x[::2, ::3], lambda x: x[::-1, 5:], lambda x: x[3, 4],
                                  lambda x: x[:0]])
def test_any_layout(isa, rng, view):
    """Transposed, strided, reversed, scalar and empty arrays."""
    x = view((rng.normal(size=(40, 30)) * 9).astype(np.float32))
    q = qk.quantize(x, 0.1, 3)
    np.testing.assert_array_equal(q, expected_quantized(x, 0.1, 3, "uint8"), strict=True)
    np.testing.assert_array_equal(qk.dequantize(view(np.ones((40, 30), np.int8)), 2.0), np.full(x.shape, 2, np.float32))


def test_out_is_filled_and_returned(isa, rng):
    x = rng.normal(size=(5, 7)).astype(np.float32)
    q, back = np.full((5, 7), 9, np.int8), np.zeros((5, 7), np.float32)
    assert qk.quantize(x, 0.02, dtype=np.int8, out=q) is q
    np.testing.assert_array_equal(q, expected_quantized(x, 0.02, 0, "int8"))
    assert qk.dequantize(q, 0.02, out=back) is back
    np.testing.assert_array_equal(back, np.float32(0.02) * q.astype(np.float32))


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("axis", [None, 0, -1])
def test_requantize(isa, rng, dtype, axis):
    """Accumulators of any size, bounds of a ReLU, multipliers per tensor or channel."""
    acc = (rng.integers(-2**31, 2**31, (33, 21)) >> rng.integers(0, 31, (33, 21))).astype(np.int32)
    multiplier = np.float32(2.0**-8) if axis is None else rng.uniform(1e-8, 1e-2, acc.shape[axis]).astype(np.float32)
    zero_point = RANGES[dtype][0] + 20
    spread = multiplier[:, None] if axis == 0 else multiplier
    for lo, hi in [(None, None), (zero_point, None), (zero_point, zero_point + 77)]:
        q = qk.requantize(acc, multiplier, zero_point, dtype=dtype, lo=lo, hi=hi, axis=-1 if axis is None else axis)
        least, most = RANGES[dtype]
        clip = least if lo is None else lo, most if hi is None else hi
        want = np.clip(np.rint(acc.astype(np.float32) * spread).astype(np.float64) + zero_point, *clip).astype(dtype)
        np.testing.assert_array_equal(q, want, strict=True)


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("lo, hi", [(-3, 5), (1, 6), (-8, -2), (0, 0)])
def test_quantize_dynamic(isa, rng, dtype, lo, hi):
    """The range holds zero, which is then exact; errors are at most a step."""
    x = rng.uniform(lo, hi, 999).astype(np.float32)
    q, scale, zero_point = qk.quantize_dynamic(x, dtype)
    least, most = RANGES[dtype]
    assert q.dtype == dtype and least <= zero_point <= most
    np.testing.assert_array_equal(q, expected_quantized(x, scale, zero_point, dtype), strict=True)
    width = np.float32(max(x.max(), 0)) - np.float32(min(x.min(), 0))
    assert scale == (width / np.float32(255) if width else 1)
    assert np.abs(qk.dequantize(q, scale, zero_point) - x).max() <= scale


def test_qparams():
    """Frozen, checked, and the same as the functions."""
    params = qk.QParams.from_range(-1.0, 3.0)
    x = np.linspace(-2, 4, 100, dtype=np.float32)
    np.testing.assert_array_equal(params.quantize(x), qk.quantize(x, params.scale, params.zero_point))
    np.testing.assert_array_equal(params.dequantize(params.quantize(x)),
                                  qk.dequantize(params.quantize(x), params.scale, params.zero_point))
    assert params.quantize(np.zeros(1, np.float32))[0] == params.zero_point
    with pytest.raises(AttributeError):
        params.scale = 2
    assert qk.QParams.from_range(-2, 4, dtype=np.int8, symmetric=True).zero_point == 0
    with pytest.raises(ValueError, match="lo"):
        qk.QParams.from_range(2, 1)
    with pytest.raises(TypeError, match="^q:"):
        params.dequantize(np.zeros(3, np.int8))


def test_qparams_leave_the_arrays_they_are_given_alone():
    """Neither read-only nor shared."""
    scale, zero_point = np.array([1, 2], np.float32), np.array([3, 4], np.int32)
    params = qk.QParams(scale, zero_point, np.uint8, 0)
    scale[0] = zero_point[0] = 9
    assert params.scale.tolist() == [1, 2] and params.zero_point.tolist() == [3, 4]


X = np.ones((3, 4), np.float32)


@pytest.mark.parametrize("arguments, error, name", [
    (dict(x=X.astype(np.int32)), TypeError, "x"), (dict(x=X.astype(complex)), TypeError, "x"),
    (dict(x="text"), TypeError, "x"), (dict(scale=0), ValueError, "scale"), (dict(scale=-1.0), ValueError, "scale"),
    (dict(scale=np.nan), ValueError, "scale"), (dict(scale=np.inf), ValueError, "scale"),
    (dict(scale=1e-60), ValueError, "scale"), (dict(scale=1e60), ValueError, "scale"),
    (dict(scale="a"), TypeError, "scale"), (dict(scale=1 + 1j), TypeError, "scale"),
    (dict(scale=np.array([1j])), TypeError, "scale"), (dict(scale=[1, 2, 3]), ValueError, "scale"),
    (dict(scale=[]), ValueError, "scale"), (dict(scale=[1, 2, 3], axis=1), ValueError, "scale"),
    (dict(scale=[[1.0]]), ValueError, "scale"), (dict(zero_point=256), ValueError, "zero_point"),
    (dict(zero_point=-1), ValueError, "zero_point"), (dict(zero_point=128, dtype=np.int8), ValueError, "zero_point"),
    (dict(zero_point=1.5), TypeError, "zero_point"),
    (dict(scale=[1, 2, 3], zero_point=[1, 2], axis=0), ValueError, "zero_point"),
    (dict(dtype=np.int32), TypeError, "dtype"), (dict(dtype="nothing"), TypeError, "dtype"),
    (dict(scale=[1, 2, 3], axis=2), ValueError, "axis"), (dict(scale=[1, 2, 3], axis=0.5), TypeError, "axis"),
])
def test_bad_input(arguments, error, name):
    """The exception names the argument; `out` keeps its bytes."""
    out = np.full((3, 4), 85, np.uint8)
    with pytest.raises(error, match=rf"^{name}\b"):
        qk.quantize(**{"x": X, "scale": 1.0, "out": out, **arguments})
    assert (out == 85).all()


def overlapping(shape, dtype):
    """(float32 array, array of `dtype` in the same memory)"""
    x = np.ones(shape, np.float32)
    return x, x.view(dtype).reshape(-1)[:x.size].reshape(shape)


def read_only():
    out = np.full((3, 4), 85, np.uint8)
    out.flags.writeable = False
    return out


@pytest.mark.parametrize("out, error", [
    (np.full((3, 4), 85, np.int8), TypeError), (np.full((4, 3), 85, np.uint8), ValueError),
    (np.full((1, 3, 4), 85, np.uint8), ValueError), (np.full((4, 3), 85, np.uint8).T, ValueError),
    (np.full((3, 8), 85, np.uint8)[:, ::2], ValueError), ([[85] * 4] * 3, TypeError), (read_only(), ValueError),
])
def test_bad_out(out, error):
    with pytest.raises(error, match="^out"):
        qk.quantize(X, 1.0, out=out)
    assert (np.asarray(out) == 85).all()


def test_out_that_overlaps_the_input():
    x, out = overlapping((3, 4), np.uint8)
    with pytest.raises(ValueError, match="^out"):
        qk.quantize(x, 1.0, out=out)
    assert (x == 1).all()


@pytest.mark.parametrize("arguments, error, name", [
    (dict(acc=np.ones(3)), TypeError, "acc"), (dict(lo=5, hi=4), ValueError, "lo"), (dict(lo=-1), ValueError, "lo"),
    (dict(hi=300), ValueError, "hi"), (dict(multiplier=np.nan), ValueError, "multiplier"),
    (dict(zero_point=256), ValueError, "zero_point"), (dict(multiplier=[1, 2]), ValueError, "multiplier"),
    (dict(dtype=np.float32), TypeError, "dtype"), (dict(zero_point=[1, 2, 3]), ValueError, "zero_point"),
])
def test_requantize_bad_input(arguments, error, name):
    out = np.full(3, 85, np.uint8)
    with pytest.raises(error, match=rf"^{name}\b"):
        qk.requantize(**{"acc": np.ones(3, np.int32), "multiplier": 1.0, "out": out, **arguments})
    assert (out == 85).all()


@pytest.mark.parametrize("values", [(1, np.inf), (1, -np.inf), (3e38, -3e38)])
def test_quantize_dynamic_refuses_what_float32_cannot_span(values):
    with pytest.raises(ValueError, match="^x"):
        qk.quantize_dynamic(np.array(values, np.float32))


@settings(deadline=None, max_examples=200)
@given(st.lists(st.integers(-128, 127), min_size=1, max_size=80), st.floats(2.0**-100, 2.0**100, width=32),
       st.integers(-128, 127))
def test_round_trip_of_bytes(values, scale, zero_point):
    """Dequantized and quantized again, every byte is itself."""
    q = np.array(values, np.int8)
    np.testing.assert_array_equal(qk.quantize(qk.dequantize(q, scale, zero_point), scale, zero_point, dtype=np.int8),
                                  q, strict=True)


@settings(deadline=None, max_examples=200)
@given(st.lists(st.floats(width=32), max_size=80), st.floats(2.0**-126, 2.0**120, width=32), st.integers(0, 255))
def test_quantize_any_float(values, scale, zero_point):
    """Any float32 at all, as NumPy has it."""
    x = np.array(values, np.float32)
    np.testing.assert_array_equal(qk.quantize(x, scale, zero_point), expected_quantized(x, scale, zero_point, "uint8"),
                                  strict=True)
