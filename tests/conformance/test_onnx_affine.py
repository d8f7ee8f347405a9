"""QuantizeLinear, DequantizeLinear and DynamicQuantizeLinear of random shapes, types and granularities against their
definition, and against onnx's reference where that follows the specification."""

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from onnx_models import reference, run

from qkernels.onnx_backend import UnsupportedError

RANGES = {"uint8": (0, 255), "int8": (-128, 127), "uint16": (0, 65535), "int16": (-32768, 32767), "uint4": (0, 15),
          "int4": (-8, 7), "uint2": (0, 3), "int2": (-2, 1)}
ELEMENT_TYPES = {"float32": TensorProto.FLOAT, "float16": TensorProto.FLOAT16, "bfloat16": TensorProto.BFLOAT16}
NEWEST = 25


def dtype_of(name):
    return np.dtype(getattr(ml_dtypes, name) if hasattr(ml_dtypes, name) else name)


@st.composite
def granularities(draw):
    """(shape of the array, shape of scale and zero point, axis, block_size)"""
    shape = draw(st.lists(st.integers(1, 9), min_size=1, max_size=4))
    axis = draw(st.integers(-len(shape), len(shape) - 1))
    kind = draw(st.sampled_from(["tensor", "one", "axis", "blocked", "blocked"]))
    if kind == "blocked":
        block = draw(st.integers(1, shape[axis] + 1))
        blocks = list(shape)
        blocks[axis] = -(-shape[axis] // block)
        return tuple(shape), tuple(blocks), axis, block
    return tuple(shape), {"tensor": (), "one": (1,), "axis": (shape[axis],)}[kind], axis, 0


def spread(values, shape, axis, block):
    """A scale or zero point for each element."""
    if block:
        return np.repeat(values, block, axis)[tuple(slice(n) for n in shape)]
    if values.size == 1:
        return values.reshape(())
    return values.reshape([-1 if i == axis % len(shape) else 1 for i in range(len(shape))])


def any_parameters(rng, target, shape, dtype):
    lo, hi = RANGES[target]
    return (rng.uniform(0.01, 0.5, shape).astype(dtype_of(dtype)), rng.integers(lo, hi + 1, shape).astype(dtype_of(target)))


@settings(deadline=None, max_examples=400)
@given(granularities(), st.sampled_from(list(RANGES)), st.sampled_from([*ELEMENT_TYPES, "int32"]),
       st.sampled_from(list(ELEMENT_TYPES)), st.sampled_from([None, *ELEMENT_TYPES]),
       st.sampled_from(["point", "output_dtype", "both"]), st.integers(0, 2**32 - 1))
def test_quantize_linear(case, target, x_dtype, scale_dtype, precision, given_by, seed):
    """Every type on either side, division in the precision asked for, saturation, ties, infinities and NaN."""
    shape, parameters, axis, block = case
    rng, (lo, hi) = np.random.default_rng(seed), RANGES[target]
    scale, point = any_parameters(rng, target, parameters, scale_dtype)
    whole_scale, whole_point = spread(scale, shape, axis, block), spread(point.astype(np.int64), shape, axis, block)
    steps = rng.integers(2 * (lo - hi), 2 * (hi - lo) + 1, shape) / 2
    with np.errstate(over="ignore"):
        x = (steps * whole_scale.astype(np.float64)).astype(dtype_of(x_dtype))
    if x_dtype != "int32":
        x.reshape(-1)[rng.integers(x.size)] = rng.choice([np.nan, np.inf, -np.inf, 0.0])
    attributes = {"axis": axis, "block_size": block}
    if precision:
        attributes["precision"] = ELEMENT_TYPES[precision]
    if given_by != "point":
        attributes["output_dtype"] = helper.np_dtype_to_tensor_dtype(point.dtype)
    if given_by == "output_dtype":
        whole_point = np.int64(0)
    inputs = [x, scale, None if given_by == "output_dtype" else point]
    division = dtype_of(precision or scale_dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        quotient = (x.astype(division) / whole_scale.astype(division)).astype(np.float64)
    want = np.clip(np.nan_to_num(np.rint(quotient), nan=0.0, posinf=1e9, neginf=-1e9) + whole_point, lo, hi).astype(point.dtype)
    got = run("QuantizeLinear", inputs, NEWEST, **attributes)[0]
    np.testing.assert_array_equal(got.astype(np.int64), want.astype(np.int64))
    assert (got.dtype, got.shape) == (want.dtype, x.shape)
    # the reference divides in the wider of the two types
    if np.isfinite(quotient).all() and (precision or x_dtype == scale_dtype):
        np.testing.assert_array_equal(got, reference("QuantizeLinear", inputs, NEWEST, **attributes)[0])


@settings(deadline=None, max_examples=400)
@given(granularities(), st.sampled_from([*RANGES, "int32"]), st.sampled_from(list(ELEMENT_TYPES)),
       st.sampled_from([None, *ELEMENT_TYPES]), st.booleans(), st.integers(0, 2**32 - 1))
def test_dequantize_linear(case, source, scale_dtype, output_dtype, with_point, seed):
    """Every type on either side."""
    shape, parameters, axis, block = case
    rng = np.random.default_rng(seed)
    scale, point = any_parameters(rng, "int8" if source == "int32" else source, parameters, scale_dtype)
    point = np.zeros(parameters, np.int32) if source == "int32" else point if with_point else np.zeros_like(point)
    lo, hi = RANGES.get(source, (-2**31, 2**31 - 1))
    q = rng.integers(lo, hi + 1, shape).astype(dtype_of(source))
    inputs = [q, scale, point] if with_point else [q, scale]
    attributes = {"axis": axis, "block_size": block}
    if output_dtype:
        attributes["output_dtype"] = ELEMENT_TYPES[output_dtype]
    difference = q.astype(np.int64) - spread(point.astype(np.int64), shape, axis, block)
    with np.errstate(over="ignore"):
        real = (difference.astype(np.float32) * spread(scale.astype(np.float32), shape, axis, block))
        want = real.astype(dtype_of(output_dtype or scale_dtype))
    got = run("DequantizeLinear", inputs, NEWEST, **attributes)[0]
    np.testing.assert_array_equal(got.astype(np.float32), want.astype(np.float32))
    assert (got.dtype, got.shape) == (want.dtype, q.shape)
    found = reference("DequantizeLinear", inputs, NEWEST, **attributes)[0]
    np.testing.assert_array_equal(got.astype(np.float32), found.astype(np.float32))


@pytest.mark.parametrize("opset", [10, 13, 19, 21, 23, 24, 25])
@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_every_version(opset, dtype):
    """What all versions have in common, by each of them."""
    x, scale, point = np.array([[-1.0, 0.25, 99.0]], np.float32), np.asarray(0.5, np.float32), np.asarray(3, dtype)
    q = run("QuantizeLinear", [x, scale, point], opset)[0]
    assert q.tolist() == [[1, 3, np.clip(201, None, np.iinfo(dtype).max)]] and q.dtype == dtype
    assert run("QuantizeLinear", [x, scale], opset)[0].dtype == np.uint8
    back = run("DequantizeLinear", [q, scale, point], opset)[0]
    np.testing.assert_array_equal(back, np.float32(0.5) * (q.astype(np.float32) - 3), strict=True)


@pytest.mark.parametrize("opset", [13, 21, 25])
def test_integers_are_divided_as_float32(opset):
    """x of int32, under a float32 scale or, as version 21 has it, one of int32."""
    x = np.array([-9, 1, 3, 5, 2**31 - 1], np.int32)
    scale = np.asarray(2, np.int32 if opset == 21 else np.float32)
    assert run("QuantizeLinear", [x, scale, np.asarray(100, np.uint8)], opset)[0].tolist() == [96, 100, 102, 102, 255]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.floats(-(2.0**100), 2.0**100, width=32), min_size=1, max_size=30).filter(any))
def test_dynamic_quantize_linear(values):
    """Against the formulas of the specification in float32."""
    x = np.array(values, np.float32)
    lo, hi = np.minimum(x.min(), np.float32(0)), np.maximum(x.max(), np.float32(0))
    q, scale, zero_point = run("DynamicQuantizeLinear", [x], NEWEST, outputs=3)
    want = (hi - lo) / np.float32(255)
    if want == 0:                                 # a range that float32 cannot divide by 255
        assert scale == 1
        return
    assert (scale, scale.dtype, scale.shape) == (want, np.float32, ())
    point = np.rint(np.clip(0 - lo / want, 0, 255))
    assert (zero_point, zero_point.dtype, zero_point.shape) == (point, np.uint8, ())
    np.testing.assert_array_equal(q, np.clip(np.rint(x / want) + point, 0, 255).astype(np.uint8), strict=True)


@pytest.mark.parametrize("name", ["float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float4_e2m1fn"])
def test_small_floats_are_named(name):
    small, one = np.zeros(3, dtype_of(name)), np.ones((), np.float32)
    with pytest.raises(UnsupportedError, match=f"^QuantizeLinear: y: expected uint8 or .*, got {name}$"):
        run("QuantizeLinear", [np.zeros(3, np.float32), one, small[0, None]], NEWEST)
    with pytest.raises(UnsupportedError, match=f"^DequantizeLinear: x: expected uint8 or .*, got {name}$"):
        run("DequantizeLinear", [small, one], NEWEST)


X, SCALE, POINT = np.ones((2, 4), np.float32), np.ones((), np.float32), np.ones((), np.uint8)


@pytest.mark.parametrize("inputs, attributes, error, message", [
    ([X, -SCALE, POINT], {}, ValueError, "y_scale: expected positive"),
    ([X, np.ones(2, np.float32), POINT], {"axis": 0}, ValueError, "y_zero_point: expected the shape of y_scale"),
    ([X, np.ones(3, np.float32)], {"axis": 0}, ValueError, "scale: expected 1 value or 2, the length of axis 0"),
    ([X, np.ones(2, np.float32)], {"axis": 2}, ValueError, "axis: expected -2..1"),
    ([X, np.ones((2, 4), np.float32)], {}, ValueError, "y_scale: expected a scalar or one dimension"),
    ([X, np.ones((2, 3), np.float32)], {"block_size": 2}, ValueError, r"y_scale: expected shape \(2, 2\) for block_size 2"),
    ([X, SCALE, POINT], {"output_dtype": TensorProto.INT8}, ValueError, "output_dtype: expected uint8"),
    ([X, np.asarray(1e-9, np.float32)], {"precision": TensorProto.FLOAT16}, ValueError, "y_scale: expected positive"),
    ([X, SCALE], {"precision": TensorProto.DOUBLE}, UnsupportedError, "precision: expected float32 or float16"),
    ([X, SCALE.astype(ml_dtypes.float8_e8m0fnu)], {}, UnsupportedError, "y_scale: expected .*, got float8_e8m0fnu"),
    ([X, SCALE], {"output_dtype": TensorProto.INT32}, UnsupportedError, "y: expected .*, got int32"),
    ([X.astype(np.float64), SCALE], {}, UnsupportedError, "x: expected .*, got float64"),
])
def test_bad_quantize_linear(inputs, attributes, error, message):
    with pytest.raises(error, match=f"^QuantizeLinear: {message}"):
        run("QuantizeLinear", inputs, NEWEST, **attributes)


@pytest.mark.parametrize("inputs, error, message", [
    ([np.ones(3, np.uint8), SCALE, np.ones((), np.int8)], TypeError, "x_zero_point: expected uint8"),
    ([np.ones(3, np.int32), SCALE, np.ones((), np.int32)], ValueError, r"zero_point: expected values in 0\.\.0"),
    ([np.ones(3, np.int32), SCALE.astype(ml_dtypes.float8_e8m0fnu)], UnsupportedError, "y: expected .*, got float8_e8m0fnu"),
    ([np.ones(3, np.int64), SCALE], UnsupportedError, "x: expected .*, got int64"),
])
def test_bad_dequantize_linear(inputs, error, message):
    with pytest.raises(error, match=f"^DequantizeLinear: {message}"):
        run("DequantizeLinear", inputs, NEWEST)
