"""MatMulInteger, QLinearMatMul, ConvInteger and QLinearConv of random shapes against their definition in int64, and against
onnx's reference where that follows the specification."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes
from onnx_models import reference, requantized, run, same_but_for_ties

from qkernels.onnx_backend import UnsupportedError

BYTES = st.sampled_from([np.uint8, np.int8])
seeds = st.integers(0, 2**32 - 1)
matmul_shapes = mutually_broadcastable_shapes(signature="(m?,k),(k,n?)->(m?,n?)", max_dims=3, max_side=5)


def any_bytes(rng, dtype, shape):
    return rng.integers(0, 256, shape).astype(np.uint8).view(dtype).reshape(shape)


def any_scales(rng, shape):
    return rng.uniform(0.001, 0.1, shape).astype(np.float32)


def shape_along(matrix, axis, form):
    """Of a scale or zero point: () for one value, (n,), or as many dimensions as the matrix with 1 across."""
    if form == "one" or matrix.ndim == 1:
        return ()
    if form == "vector":
        return (matrix.shape[axis],)
    return (*matrix.shape[:-1], 1) if axis == -2 else (*matrix.shape[:-2], 1, matrix.shape[-1])


def along(values, axis):
    """Per row or per column, as it broadcasts over the matrix."""
    return values[:, None] if axis == -2 and values.ndim == 1 and values.size > 1 else values


FORMS = st.sampled_from(["one", "vector", "matrix"])


@settings(deadline=None, max_examples=250)
@given(matmul_shapes, BYTES, BYTES, FORMS, FORMS, st.booleans(), seeds)
def test_matmul(shapes, a_dtype, b_dtype, a_form, b_form, leave_out, seed):
    """Both operators, every form of zero points and scales, shapes of numpy.matmul's rule, vectors among them."""
    rng = np.random.default_rng(seed)
    a, b = (any_bytes(rng, dtype, shape) for dtype, shape in zip((a_dtype, b_dtype), shapes.input_shapes))
    za, zb = any_bytes(rng, a_dtype, shape_along(a, -2, a_form)), any_bytes(rng, b_dtype, shape_along(b, -1, b_form))
    if leave_out:
        za, zb = np.zeros((), a_dtype), np.zeros((), b_dtype)
    sums = (a.astype(np.int64) - along(za.astype(np.int64), -2)) @ (b.astype(np.int64) - zb)
    inputs = [a, b] if leave_out else [a, b, za, zb]
    got = run("MatMulInteger", inputs, 10)[0]
    np.testing.assert_array_equal(got, np.asarray(sums.astype(np.int32)), strict=True)
    if za.ndim != 1:                              # the reference spreads a vector of rows over the columns
        np.testing.assert_array_equal(got, reference("MatMulInteger", inputs, 10)[0])

    sa, sb, sy = any_scales(rng, za.shape), any_scales(rng, zb.shape), any_scales(rng, ())
    zy = any_bytes(rng, rng.choice([np.uint8, np.int8]), ())
    rows, columns = along(sa.astype(np.float64), -2), sb.astype(np.float64)
    if a.ndim == 1 and columns.ndim > 1:          # the product lacks a vector's dimension
        columns = columns[..., 0, :]
    if b.ndim == 1 and rows.ndim > 1:
        rows = rows[..., 0]
    factors = rows * columns / float(sy)
    inputs = [a, sa, za, b, sb, zb, sy, zy]
    got = run("QLinearMatMul", inputs, 21)[0]
    np.testing.assert_array_equal(got, requantized(sums, factors, zy), strict=True)
    if za.ndim != 1 and a.ndim > 1 and b.ndim > 1:   # nor does it know that a product with a vector has a dimension less
        want = reference("QLinearMatMul", inputs, 21)[0]
        assert same_but_for_ties(got, np.asarray(want), sums * factors + int(zy))


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
def test_matmul_wraps(rng, dtype):
    """Sums beyond int32 are modulo 2^32, with zero points of rows and columns."""
    a, b = np.full((2, 140_000), np.iinfo(dtype).max, dtype), np.full((140_000, 3), 127, np.int8)
    za, zb = np.full(2, np.iinfo(dtype).min, dtype), np.array([-128, 0, 127], np.int8)
    za[1] += 1
    sums = (a.astype(np.int64) - za.astype(np.int64)[:, None]) @ (b.astype(np.int64) - zb)
    assert np.abs(sums).max() > 2**31
    np.testing.assert_array_equal(run("MatMulInteger", [a, b, za, zb], 10)[0], sums.astype(np.int32))


def padded_convolution(x, w, pads, strides, dilations, group):
    """(N, M, H, W) in int64 of x (N, C, H, W), zero points taken off, and w (M, C / group, kH, kW)."""
    x = np.pad(x, [(0, 0), (0, 0), (pads[0], pads[2]), (pads[1], pads[3])])
    extents = [(k - 1) * d + 1 for k, d in zip(w.shape[2:], dilations)]
    windows = np.lib.stride_tricks.sliding_window_view(x, extents, axis=(2, 3))
    windows = windows[:, :, ::strides[0], ::strides[1], ::dilations[0], ::dilations[1]]
    parts = zip(np.split(windows, group, axis=1), np.split(w, group))
    return np.concatenate([np.einsum("nchwij,mcij->nmhw", image, weights) for image, weights in parts], axis=1)


@st.composite
def convolutions(draw):
    """Shapes and attributes of a convolution that has an output."""
    dimensions = draw(st.sampled_from([1, 2, 2]))
    sizes = st.tuples(*[st.integers(1, 3)] * dimensions)
    group, per_group, per_output = draw(st.integers(1, 4)), draw(st.integers(1, 4)), draw(st.integers(1, 4))
    kernel, strides, dilations = draw(sizes), draw(sizes), draw(sizes)
    image = tuple((k - 1) * d + draw(st.integers(1, 6)) for k, d in zip(kernel, dilations))
    attributes = {"strides": strides, "dilations": dilations, "group": group}
    auto_pad = draw(st.sampled_from(["NOTSET", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]))
    if auto_pad == "NOTSET":
        attributes["pads"] = draw(st.tuples(*[st.integers(0, 3)] * (2 * dimensions)))
    else:
        attributes["auto_pad"] = auto_pad
    if draw(st.booleans()):
        attributes["kernel_shape"] = kernel
    batch = draw(st.integers(1, 2))
    return (batch, group * per_group, *image), (group * per_output, per_group, *kernel), attributes


def explicit_pads(image, kernel, attributes):
    """(begin..., end...). SAME: ceil(size / stride) outputs; an odd one of the padding at the end or, LOWER, at the start."""
    if "pads" in attributes or attributes["auto_pad"] == "VALID":
        return attributes.get("pads", (0,) * (2 * len(image)))
    begin, end = [], []
    for size, k, stride, dilation in zip(image, kernel, attributes["strides"], attributes["dilations"]):
        total = max((-(-size // stride) - 1) * stride + (k - 1) * dilation + 1 - size, 0)
        small, large = total // 2, (total + 1) // 2
        begin.append(small if attributes["auto_pad"] == "SAME_UPPER" else large)
        end.append(large if attributes["auto_pad"] == "SAME_UPPER" else small)
    return (*begin, *end)


@settings(deadline=None, max_examples=250)
@given(convolutions(), BYTES, BYTES, st.booleans(), st.booleans(), st.sampled_from(["one", "each", "none"]), seeds)
def test_convolution(case, x_dtype, w_dtype, scale_of_each, with_bias, points, seed):
    """Both operators, one and two dimensions, groups, strides, dilations and padding of every kind, weights per channel."""
    x_shape, w_shape, attributes = case
    rng = np.random.default_rng(seed)
    x, w = any_bytes(rng, x_dtype, x_shape), any_bytes(rng, w_dtype, w_shape)
    zx, zw = any_bytes(rng, x_dtype, ()), any_bytes(rng, w_dtype, w_shape[:1] if points == "each" else ())
    if points == "none":
        zx, zw = np.zeros((), x_dtype), np.zeros((), w_dtype)
    centred_x = x.astype(np.int64) - int(zx)
    centred_w = w.astype(np.int64) - zw.astype(np.int64).reshape((-1,) + (1,) * (w.ndim - 1))
    pads, strides = explicit_pads(x_shape[2:], w_shape[2:], attributes), attributes["strides"]
    dilations, group = attributes["dilations"], attributes["group"]
    if x.ndim == 3:
        sums = padded_convolution(centred_x[:, :, None], centred_w[:, :, None], (0, pads[0], 0, pads[1]),
                                  (1, *strides), (1, *dilations), group)[:, :, 0]
    else:
        sums = padded_convolution(centred_x, centred_w, pads, strides, dilations, group)
    inputs = [x, w] if points == "none" else [x, w, zx, zw]
    got = run("ConvInteger", inputs, 10, **attributes)[0]
    np.testing.assert_array_equal(got, sums.astype(np.int32), strict=True)
    # the reference has other rules of auto_pad, and spreads a zero point of each channel as if weights had four dimensions
    if "pads" in attributes and (x.ndim == 4 or points != "each"):
        np.testing.assert_array_equal(got, reference("ConvInteger", inputs, 10, **attributes)[0])

    bias = rng.integers(-9999, 9999, w_shape[0]).astype(np.int32) if with_bias else None
    zw = np.broadcast_to(zw, w_shape[:1]) if scale_of_each else zw
    sx, sw, sy = any_scales(rng, ()), any_scales(rng, w_shape[:1] if scale_of_each else ()), any_scales(rng, ())
    zy = any_bytes(rng, rng.choice([np.uint8, np.int8]), ())
    if with_bias:
        sums = sums + bias.reshape((-1,) + (1,) * (x.ndim - 2))
    factors = float(sx) * sw.astype(np.float64).reshape((-1,) + (1,) * (x.ndim - 2)) / float(sy)
    got = run("QLinearConv", [x, sx, zx, w, sw, zw, sy, zy, bias], 10, **attributes)[0]
    np.testing.assert_array_equal(got, requantized(sums, factors, zy), strict=True)


@pytest.mark.parametrize("inputs, attributes, error, message", [
    ([(2, 3), (3, 4, 5, 6, 7)], {}, UnsupportedError, "ConvInteger: x: expected one or two spatial dimensions"),
    ([(1, 2, 4, 4, 4), (3, 2, 1, 1, 1)], {}, UnsupportedError, "ConvInteger: x: expected one or two spatial dimensions"),
    ([(1, 2, 4, 4), (3, 2, 1)], {}, ValueError, "ConvInteger: w: expected 4 dimensions"),
    ([(1, 2, 4, 4), (3, 1, 1, 1)], {}, ValueError, "ConvInteger: weights: expected shape"),
    ([(1, 2, 4, 4), (3, 2, 1, 1), (2,)], {}, ValueError, "ConvInteger: x_zero_point: expected one value"),
    ([(1, 2, 4, 4), (3, 2, 1, 1), (), (2,)], {}, ValueError, r"ConvInteger: w_zero_point: expected one value or \(3,\)"),
    ([(1, 2, 4, 4), (3, 2, 2, 2)], {"kernel_shape": [1, 1]}, ValueError, "ConvInteger: kernel_shape"),
    ([(1, 2, 4, 4), (3, 2, 2, 2)], {"strides": [1]}, ValueError, "ConvInteger: strides: expected 2 integers"),
    ([(1, 2, 4, 4), (3, 2, 2, 2)], {"pads": [1, 1]}, ValueError, "ConvInteger: pads: expected 4 integers"),
    ([(1, 2, 4, 4), (3, 2, 2, 2)], {"pads": [1] * 4, "auto_pad": "VALID"}, ValueError, "ConvInteger: pads: expected none"),
    ([(1, 2, 4, 4), (3, 2, 2, 2)], {"auto_pad": "SAME"}, ValueError, "ConvInteger: auto_pad: expected NOTSET"),
])
def test_bad_convolutions(inputs, attributes, error, message):
    with pytest.raises(error, match=f"^{message}"):
        run("ConvInteger", [np.zeros(shape, np.uint8) for shape in inputs], 10, **attributes)


@pytest.mark.parametrize("inputs, message", [
    ([(2, 3), (4, 2)], "MatMulInteger: b: expected 3 rows"), ([(), (4, 2)], "MatMulInteger: a, b: expected at least one"),
    ([(2, 3), (3, 2), (3,)], r"MatMulInteger: a_zero_point: expected one value, \(2,\) or"),
    ([(2, 3), (3, 4), (), (3,)], r"MatMulInteger: b_zero_point: expected one value, \(4,\) or"),
])
def test_bad_matmul(inputs, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        run("MatMulInteger", [np.zeros(shape, np.uint8) for shape in inputs], 10)


def test_zero_point_of_another_type_and_scales_that_are_none():
    a = np.zeros((2, 2), np.uint8)
    with pytest.raises(TypeError, match="^MatMulInteger: a_zero_point: expected uint8"):
        run("MatMulInteger", [a, a, np.int8(0)[()] * np.ones((), np.int8)], 10)
    one, zero = np.ones((), np.float32), np.zeros((), np.uint8)
    for bad in (np.float32(0), np.float32(np.nan), np.float32(-1), np.float32(np.inf)):
        with pytest.raises(ValueError, match="^QLinearMatMul: b_scale: expected positive finite"):
            run("QLinearMatMul", [a, one, zero, a, np.asarray(bad), zero, one, zero], 21)
    with pytest.raises(ValueError, match="^QLinearMatMul: y_scale: expected one value"):
        run("QLinearMatMul", [a, one, zero, a, one, zero, np.ones(2, np.float32), np.zeros(2, np.uint8)], 21)
