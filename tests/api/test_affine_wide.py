"""quantize and dequantize of 16-bit integers, dequantize of int32, against NumPy, and what bad input gets."""

import numpy as np
import pytest

import qkernels as qk
from qkernels import _native

WIDE = ["uint16", "int16"]
REAL = np.ones(3, np.float32)


def expected_quantized(x, scale, zero_point, dtype):
    """The definition: float32 division, half to even, NaN to the zero point."""
    with np.errstate(over="ignore", invalid="ignore"):
        steps = np.rint(np.asarray(x).astype(np.float32) / np.asarray(scale, np.float32)).astype(np.float64)
    info = np.iinfo(dtype)
    return np.clip(np.nan_to_num(steps, nan=0.0, posinf=1e9, neginf=-1e9) + zero_point, info.min, info.max).astype(dtype)


@pytest.mark.parametrize("dtype, zero_point", [("uint16", 0), ("uint16", 65535), ("int16", -32768), ("int16", -7),
                                               ("int16", 32767)])
@pytest.mark.parametrize("x_dtype", [np.float32, np.float16, np.float64])
def test_quantize(isa, rng, dtype, zero_point, x_dtype):
    """Ties, specials, saturation at both ends, every float type."""
    x = (rng.integers(-60000, 60000, (37, 29)) * 0.5).astype(x_dtype)
    x[0, :5] = [np.nan, np.inf, -np.inf, -0.0, 1e-7]
    for scale in (0.25, 1.0, 0.3):
        q = qk.quantize(x, scale, zero_point, dtype=dtype)
        np.testing.assert_array_equal(q, expected_quantized(x, scale, zero_point, dtype), strict=True)


@pytest.mark.parametrize("dtype", WIDE)
@pytest.mark.parametrize("axis", [None, 0, 1, 2])
def test_there_and_back(isa, rng, dtype, axis):
    """Per tensor and per channel; every integer dequantized and quantized again is itself."""
    info, shape = np.iinfo(dtype), (6, 531, 3)
    count = 1 if axis is None else shape[axis]
    scale = rng.uniform(0.01, 0.1, count).astype(np.float32)
    zero_point = rng.integers(info.min, info.max + 1, count)
    q = rng.integers(info.min, info.max + 1, shape).astype(dtype)
    real = qk.dequantize(q, scale, zero_point, axis=axis)
    spread = [1, 1, 1]
    spread[axis or 0] = count
    s, z = scale.reshape(spread), zero_point.reshape(spread)
    np.testing.assert_array_equal(real, s * (q.astype(np.int64) - z).astype(np.float32), strict=True)
    np.testing.assert_array_equal(qk.quantize(real, scale, zero_point, dtype=dtype, axis=axis), q, strict=True)


@pytest.mark.parametrize("count", [1, 2, 4])
def test_threads_and_layouts(threads, rng, count):
    """The same bytes with any number of threads, of arrays that are cut into tasks; of views; and into `out`."""
    threads(count)
    x = (rng.normal(size=(300, 401)) * 900).astype(np.float32)
    for view in (x, x.T, x[::-2, 5:], x[3, 4], x[:0]):
        q = qk.quantize(view, 0.1, 5, dtype=np.int16)
        np.testing.assert_array_equal(q, expected_quantized(view, 0.1, 5, "int16"), strict=True)
        out = np.zeros(view.shape, np.float32)
        assert qk.dequantize(q, 0.1, 5, out=out) is out
        np.testing.assert_array_equal(out, np.float32(0.1) * (q.astype(np.int32) - 5).astype(np.float32))


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_dequantize_int32(isa, rng, axis):
    """A bias: float32(q) * scale, conversion and product each rounded."""
    q = rng.integers(-2**31, 2**31, (13, 21)).astype(np.int32)
    scale = rng.uniform(1e-6, 1e-3, 1 if axis is None else q.shape[axis]).astype(np.float32)
    want = q.astype(np.float32) * (scale[:, None] if axis == 0 else scale)
    np.testing.assert_array_equal(qk.dequantize(q, scale, axis=axis), want, strict=True)


@pytest.mark.parametrize("dtype", WIDE)
def test_qparams(rng, dtype):
    """A range fills the dtype, and 0 is exact."""
    params = qk.QParams.from_range(-1.0, 3.0, dtype=dtype)
    x = rng.uniform(-1, 3, 999).astype(np.float32)
    assert np.abs(params.dequantize(params.quantize(x)) - x).max() <= params.scale
    assert params.dequantize(params.quantize(np.zeros(1, np.float32)))[0] == 0
    with pytest.raises(TypeError, match="^q: expected an array of"):
        params.dequantize(np.zeros(3, np.uint8))


@pytest.mark.parametrize("call, error, message", [
    (lambda: qk.quantize(REAL, 1.0, -1, dtype=np.uint16), ValueError, r"zero_point: expected values in 0\.\.65535"),
    (lambda: qk.quantize(REAL, 1.0, 40000, dtype=np.int16), ValueError, r"zero_point: expected values in -32768\.\.32767"),
    (lambda: qk.quantize(REAL, 1.0, dtype=np.uint32), TypeError, "dtype: expected uint8 or int8 or uint16 or int16"),
    (lambda: qk.dequantize(np.ones(3, np.int32), 1.0, 1), ValueError, r"zero_point: expected values in 0\.\.0"),
    (lambda: qk.dequantize(np.ones(3, np.uint32), 1.0), TypeError, "q: expected an array of"),
    (lambda: qk.quantize(REAL, 1.0, dtype=np.int16, out=np.ones(3, np.uint16)), TypeError, "out: expected int16"),
])
def test_bad_input(call, error, message):
    with pytest.raises(error, match=f"^{message}"):
        call()


def test_native_code_refuses_what_it_does_not_define():
    """float32 as the quantized side, int32 as the result of quantize, 16 bits inside a plan."""
    scale, point, x = np.ones(1, np.float32), np.zeros(1, np.int32), np.ones(3, np.float32)
    for dtype in ("int32", "float32"):
        with pytest.raises(ValueError, match="^quantize: sizes or types"):
            _native.quantize(x, np.zeros(3, dtype), (1, 1, 3), scale, point, dtype)
    with pytest.raises(ValueError, match="^dequantize: sizes or types"):
        _native.dequantize(x, x.copy(), (1, 1, 3), scale, point, "float32")
    plan = _native.Plan()
    with pytest.raises(ValueError, match="^first: sizes or types"):
        plan.quantize(plan.input((1, 3), "float32"), scale, point, "int16", name="first")
