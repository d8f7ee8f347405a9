"""quantize, dequantize, quantize_dynamic, requantize and QParams."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from operators import definitions

import qkernels as qk

from . import strategies as s
from .counting import given

ONE_ROUNDING = 2.0**-24
"""Of float32, relative."""


@st.composite
def quantizing(draw, shapes=s.long_shapes):
    """(x, scale, zero_point, dtype)"""
    scale, dtype = draw(s.scales), draw(s.dtypes)
    return draw(s.floats_near_steps(draw(shapes), scale)), scale, draw(s.zero_points(dtype)), dtype


@st.composite
def bytes_to_dequantize(draw, shapes=s.long_shapes):
    """(q, scale, zero_point)"""
    dtype = draw(s.dtypes)
    return draw(s.bytes_of(draw(shapes), dtype)), draw(s.scales), draw(s.zero_points(dtype))


@st.composite
def requantizing(draw, shapes=s.long_shapes):
    """(acc, multiplier, zero_point, dtype)"""
    dtype = draw(s.dtypes)
    return draw(s.int32s(draw(shapes))), draw(s.multipliers), draw(s.zero_points(dtype)), dtype


@given(quantizing(), s.isas, s.threads, s.layouts, st.sampled_from([np.float32, np.float64]))
def test_quantize_is_its_definition(arguments, isa, threads, layout, x_dtype):
    """The division in float32, on every instruction set, thread and layout."""
    x, scale, zero_point, dtype = arguments
    with s.running(isa, threads):
        q = qk.quantize(s.LAYOUTS[layout](x.astype(x_dtype)), scale, zero_point, dtype=dtype)
    np.testing.assert_array_equal(q, definitions.quantize(x, scale, zero_point, dtype), strict=True)


@given(arrays.arrays(np.float16, s.shapes, elements=st.floats(width=16)), s.scales, s.isas)
def test_float16_is_quantized_as_float32(x, scale, isa):
    with s.running(isa, 1):
        np.testing.assert_array_equal(qk.quantize(x, scale, 100), qk.quantize(x.astype(np.float32), scale, 100), strict=True)


@given(quantizing(), s.isas)
def test_round_trip_is_within_half_a_step(arguments, isa):
    """Inside the range. The quotient and the product back are rounded once each, which is what is allowed beyond the half."""
    x, scale, zero_point, dtype = arguments
    least, most = (scale * (end - zero_point) for end in s.RANGES[dtype])
    x = np.clip(np.nan_to_num(x), np.float32(least), np.float32(most))
    with s.running(isa, 1):
        back = qk.dequantize(qk.quantize(x, scale, zero_point, dtype=dtype), scale, zero_point)
    steps = np.abs(back.astype(np.float64) - x.astype(np.float64)) / scale
    assert (steps <= 0.5 + 2 * 255 * ONE_ROUNDING).all(), steps.max()


@given(quantizing(), s.isas)
def test_quantize_is_monotonic(arguments, isa):
    x, scale, zero_point, dtype = arguments
    with s.running(isa, 1):
        q = qk.quantize(np.sort(np.nan_to_num(x.ravel())), scale, zero_point, dtype=dtype)
    assert (np.diff(q.astype(int)) >= 0).all()


@given(s.dtypes, s.scales, st.data(), s.isas)
def test_quantize_undoes_dequantize(dtype, scale, data, isa):
    """Every byte, whatever the parameters."""
    zero_point, (least, most) = data.draw(s.zero_points(dtype)), s.RANGES[dtype]
    q = np.arange(least, most + 1).astype(dtype)
    with s.running(isa, 1):
        x = qk.dequantize(q, scale, zero_point)
        np.testing.assert_array_equal(qk.quantize(x, scale, zero_point, dtype=dtype), q, strict=True)
    assert (np.diff(x) > 0).all() and x[zero_point - least] == 0


@given(quantizing(), s.isas)
def test_int8_is_uint8_shifted(arguments, isa):
    x, scale, zero_point, dtype = arguments
    unsigned = zero_point - s.RANGES[dtype][0]
    with s.running(isa, 1):
        a, b = qk.quantize(x, scale, unsigned), qk.quantize(x, scale, unsigned - 128, dtype=np.int8)
    np.testing.assert_array_equal(a.astype(int) - 128, b.astype(int))


@given(bytes_to_dequantize(), s.isas, s.threads, s.layouts)
def test_dequantize_is_its_definition(arguments, isa, threads, layout):
    """One rounding: the product in float64 is exact, and rounds to the same."""
    q, scale, zero_point = arguments
    with s.running(isa, threads):
        x = qk.dequantize(s.LAYOUTS[layout](q), scale, zero_point)
    want = (np.float64(np.float32(scale)) * (q.astype(np.int64) - zero_point)).astype(np.float32)
    np.testing.assert_array_equal(x, want, strict=True)


@given(s.dtypes, arrays.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=7), st.data(), s.isas, s.layouts)
def test_per_channel_is_each_channel_alone(dtype, shape, data, isa, layout):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    count = shape[axis]
    scale = data.draw(arrays.arrays(np.float32, count, elements=s.scales))
    zero_point = data.draw(arrays.arrays(np.int32, count, elements=s.zero_points(dtype)))
    x = data.draw(s.floats_near_steps(shape, scale[0]))
    with s.running(isa, 1):
        q = qk.quantize(s.LAYOUTS[layout](x), scale, zero_point, dtype=dtype, axis=axis)
        back = qk.dequantize(s.LAYOUTS[layout](q), scale, zero_point, axis=axis)
        for i in range(count):
            one = qk.quantize(x.take(i, axis), scale[i], zero_point[i], dtype=dtype)
            np.testing.assert_array_equal(q.take(i, axis), one)
            np.testing.assert_array_equal(back.take(i, axis), qk.dequantize(one, scale[i], zero_point[i]))


@given(arrays.arrays(np.float32, s.long_shapes, elements=st.floats(-2.0**100, 2.0**100, width=32)), s.dtypes, s.isas, s.layouts)
def test_quantize_dynamic_is_its_definition(x, dtype, isa, layout):
    """As ONNX has it, in float32; 0 is a step, and no value is more than one away."""
    least, most = s.RANGES[dtype]
    with s.running(isa, 1):
        q, scale, zero_point = qk.quantize_dynamic(s.LAYOUTS[layout](x), dtype)
    lo, hi = np.float32(min(x.min(initial=0), 0)), np.float32(max(x.max(initial=0), 0))
    step = (hi - lo) / np.float32(255)
    step = step if step > 0 else np.float32(1)
    assert scale == step and zero_point == int(np.rint(np.clip(np.float32(least) - lo / step, least, most)))
    np.testing.assert_array_equal(q, definitions.quantize(x, scale, zero_point, dtype), strict=True)
    if x.size and scale > 2.0**-126:
        steps = np.abs(qk.dequantize(q, scale, zero_point).astype(np.float64) - x.astype(np.float64)) / scale
        assert steps.max() <= 1 + 4 * 255 * ONE_ROUNDING


@given(requantizing(), s.isas, s.threads, s.layouts)
def test_requantize_is_its_definition(arguments, isa, threads, layout):
    acc, multiplier, zero_point, dtype = arguments
    with s.running(isa, threads):
        q = qk.requantize(s.LAYOUTS[layout](acc), multiplier, zero_point, dtype=dtype)
    np.testing.assert_array_equal(q, definitions.finish(acc.astype(np.int64), 0, multiplier, dtype, zero_point), strict=True)


@given(requantizing(), s.isas)
def test_requantize_is_monotonic(arguments, isa):
    acc, multiplier, zero_point, dtype = arguments
    with s.running(isa, 1):
        q = qk.requantize(np.sort(acc.ravel()), multiplier, zero_point, dtype=dtype)
    assert (np.diff(q.astype(int)) * (1 if multiplier >= 0 else -1) >= 0).all()


@given(requantizing(), st.data(), s.isas)
def test_bounds_of_requantize_clip_its_result(arguments, data, isa):
    acc, multiplier, zero_point, dtype = arguments
    lo, hi = sorted(data.draw(st.tuples(s.zero_points(dtype), s.zero_points(dtype))))
    with s.running(isa, 1):
        q = qk.requantize(acc, multiplier, zero_point, dtype=dtype)
        np.testing.assert_array_equal(qk.requantize(acc, multiplier, zero_point, dtype=dtype, lo=lo, hi=hi), q.clip(lo, hi),
                                      strict=True)


@given(quantizing(shapes=s.shapes), s.layouts)
def test_qparams_are_the_functions(arguments, layout):
    x, scale, zero_point, dtype = arguments
    params, same = qk.QParams(scale, zero_point, dtype), qk.QParams(np.float32(scale), zero_point, np.dtype(dtype))
    assert params == same and hash(params) == hash(same)
    q = params.quantize(s.LAYOUTS[layout](x))
    np.testing.assert_array_equal(q, qk.quantize(x, scale, zero_point, dtype=dtype), strict=True)
    np.testing.assert_array_equal(params.dequantize(s.LAYOUTS[layout](q)), qk.dequantize(q, scale, zero_point), strict=True)


@given(st.floats(-2.0**100, 2.0**100, width=32), st.floats(-2.0**100, 2.0**100, width=32), s.dtypes, st.booleans())
def test_from_range_holds_the_range_and_zero(lo, hi, dtype, symmetric):
    lo, hi = sorted((lo, hi))
    params = qk.QParams.from_range(lo, hi, dtype=dtype, symmetric=symmetric)
    least, most = s.RANGES[dtype]
    assert least <= params.zero_point <= most and params.dequantize(np.array([params.zero_point], dtype))[0] == 0
    if params.scale <= 2.0**-126 or max(-lo, hi) < 2.0**-126:
        return                                    # the scale itself is rounded coarsely down there
    ends = params.dequantize(np.array([least, most], dtype)).astype(np.float64)
    slack = params.scale * (0.5 + 4 * 255 * ONE_ROUNDING)
    assert ends[0] <= min(lo, 0) + slack and max(hi, 0) - slack <= ends[1]
