"""matmul, PackedWeights, linear and conv2d: their definitions, and that a product is linear in the integers."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from operators import definitions

import qkernels as qk

from . import strategies as s
from .counting import given


def wrapped(*terms):
    """Their sum modulo 2^32, as int32."""
    return definitions.wrap(sum(np.asarray(term, np.int64) for term in terms))


@given(s.products(), st.data(), s.isas, s.threads, s.layouts, s.layouts)
def test_matmul_is_its_definition(operands, data, isa, threads, a_layout, b_layout):
    """Sums in int64, modulo 2^32; packed or not, whatever the layout of either matrix."""
    a, b, za, zb = operands
    bias = data.draw(st.one_of(st.none(), s.int32s(b.shape[1])))
    want = wrapped(definitions.product(a, b, za, np.asarray(zb, np.int64)), 0 if bias is None else bias)
    with s.running(isa, threads):
        left, right = s.LAYOUTS[a_layout](a), s.LAYOUTS[b_layout](b)
        got = qk.matmul(left, right, a_zero_point=za, b_zero_point=zb, bias=bias)
        packed = qk.PackedWeights(right, zb)
        again = qk.matmul(left, packed, a_zero_point=za, bias=bias)
    np.testing.assert_array_equal(got, want, strict=True)
    np.testing.assert_array_equal(again, want, strict=True)
    assert packed.shape == b.shape and packed.dtype == b.dtype


@given(st.integers(33_000, 70_000), s.dtypes, s.dtypes, st.booleans(), s.isas)
def test_sums_wrap_around(k, a_dtype, b_dtype, same_ends, isa):
    """Long sums of the largest products, beyond int32."""
    ends = s.RANGES[a_dtype][0 if same_ends else 1], s.RANGES[b_dtype][1 if same_ends else 0]
    a, b = np.full((1, k), ends[0], a_dtype), np.full((k, 2), ends[1], b_dtype)
    with s.running(isa, 1):
        got = qk.matmul(a, b, a_zero_point=s.RANGES[a_dtype][1], b_zero_point=s.RANGES[b_dtype][0])
    want = definitions.product(a, b, s.RANGES[a_dtype][1], s.RANGES[b_dtype][0])
    np.testing.assert_array_equal(got, definitions.wrap(want), strict=True)


def halves(draw, matrix):
    """Two matrices of its dtype that add up to it."""
    first = draw(s.bytes_of(matrix.shape, matrix.dtype.name))
    wide = matrix.astype(np.int16)
    # between the value itself and what the dtype's ends leave for the other
    least, most = s.RANGES[matrix.dtype.name]
    first = np.clip(first.astype(np.int16), np.maximum(least, wide - most), np.minimum(most, wide - least))
    return first.astype(matrix.dtype), (wide - first).astype(matrix.dtype)


@given(s.products(), st.data(), s.isas)
def test_matmul_is_linear_in_either_matrix(operands, data, isa):
    a, b, za, zb = operands
    a_parts, b_parts = halves(data.draw, a), halves(data.draw, b)
    with s.running(isa, 1):
        sums = [qk.matmul(part, b, b_zero_point=zb) for part in (a, *a_parts)]
        np.testing.assert_array_equal(sums[0], wrapped(sums[1], sums[2]))
        sums = [qk.matmul(a, part, a_zero_point=za) for part in (b, *b_parts)]
        np.testing.assert_array_equal(sums[0], wrapped(sums[1], sums[2]))


@given(s.products(), s.isas)
def test_zero_points_and_bias_are_sums_of_their_own(operands, isa):
    """(a - za) (b - zb) = ab - za sum b - zb sum a + K za zb."""
    a, b, za, zb = operands
    bias = np.arange(b.shape[1], dtype=np.int32)
    with s.running(isa, 1):
        got = qk.matmul(a, b, a_zero_point=za, b_zero_point=zb, bias=bias)
        plain = qk.matmul(a, b)
    points = np.asarray(zb, np.int64)
    of_b, of_a = b.astype(np.int64).sum(0), a.astype(np.int64).sum(-1, keepdims=True)
    np.testing.assert_array_equal(got, wrapped(plain, -za * of_b, -points * of_a, a.shape[-1] * za * points, bias))


@given(s.products(), st.data(), s.isas)
def test_matmul_splits_along_k_and_n(operands, data, isa):
    """Into sums and into columns."""
    a, b, za, _ = operands
    k, n = data.draw(st.integers(1, b.shape[0])), data.draw(st.integers(1, b.shape[1]))
    with s.running(isa, 1):
        whole = qk.matmul(a, b, a_zero_point=za)
        parts = [qk.matmul(a[..., i:j], b[i:j], a_zero_point=za) for i, j in ((0, k), (k, b.shape[0])) if i < j]
        columns = [qk.matmul(a, b[:, i:j], a_zero_point=za) for i, j in ((0, n), (n, b.shape[1])) if i < j]
    np.testing.assert_array_equal(whole, wrapped(*parts))
    np.testing.assert_array_equal(whole, np.concatenate(columns, -1))


@st.composite
def epilogues(draw, columns):
    """Of linear and conv2d, by name."""
    dtype = draw(st.sampled_from(["uint8", "int8", "float32"]))
    multiplier = draw(st.one_of(s.multipliers, arrays.arrays(np.float32, columns, elements=s.multipliers)))
    found = dict(bias=draw(st.one_of(st.none(), s.int32s(columns))), multiplier=multiplier, dtype=dtype)
    if dtype != "float32":
        lo, hi = sorted(draw(st.tuples(s.zero_points(dtype), s.zero_points(dtype))))
        found |= dict(zero_point=draw(s.zero_points(dtype)), lo=lo, hi=hi)
    return found


def finished(total, epilogue):
    bias = 0 if epilogue["bias"] is None else epilogue["bias"]
    return definitions.finish(total, **{**epilogue, "bias": bias})


@given(s.products(), st.data(), s.isas, s.threads, s.layouts)
def test_linear_is_its_definition(operands, data, isa, threads, layout):
    """And the same as matmul and requantize one after the other."""
    a, b, za, _ = operands
    b = b.view(np.int8)
    epilogue = data.draw(epilogues(b.shape[1]))
    with s.running(isa, threads):
        got = qk.linear(s.LAYOUTS[layout](a), s.LAYOUTS[layout](b), a_zero_point=za, **epilogue)
        packed = qk.linear(a, qk.PackedWeights(b), a_zero_point=za, **epilogue)
        sums = qk.linear(a, b, a_zero_point=za, bias=epilogue["bias"])
        if epilogue["dtype"] != "float32":
            rest = {name: value for name, value in epilogue.items() if name != "bias"}
            np.testing.assert_array_equal(qk.requantize(sums, **rest), got, strict=True)
    np.testing.assert_array_equal(got, finished(definitions.product(a, b, za), epilogue), strict=True)
    np.testing.assert_array_equal(packed, got, strict=True)


def padding_of(c):
    """(top, left, bottom, right), the words counted out."""
    padding = c.keywords["padding"]
    if padding == "valid":
        return 0, 0, 0, 0
    if padding != "same":
        return padding
    sides = []
    for size, kernel, step, by in zip(c.x.shape[1:3], c.weights.shape, c.keywords["dilation"], c.keywords["stride"]):
        total = max((-(-size // by) - 1) * by + (kernel - 1) * step + 1 - size, 0)
        sides.append((total // 2, total - total // 2))
    return sides[0][0], sides[1][0], sides[0][1], sides[1][1]


def sums_of(c):
    """The exact sums of a convolution."""
    geometry = {**c.keywords, "padding": padding_of(c), "zero_point": c.keywords["x_zero_point"]}
    del geometry["x_zero_point"]
    return definitions.convolution(c.x, c.weights, **geometry)


@given(s.convolutions(), st.data(), s.isas, s.threads, s.layouts, s.layouts)
def test_conv2d_is_its_definition(c, data, isa, threads, x_layout, weights_layout):
    epilogue = data.draw(epilogues(c.weights.shape[3]))
    total = sums_of(c)
    with s.running(isa, threads):
        x, weights = s.LAYOUTS[x_layout](c.x), s.LAYOUTS[weights_layout](c.weights)
        sums = qk.conv2d(x, weights, **c.keywords)
        got = qk.conv2d(x, weights, **c.keywords, **epilogue)
    np.testing.assert_array_equal(sums, definitions.wrap(total), strict=True)
    np.testing.assert_array_equal(got, finished(total, epilogue), strict=True)


@given(s.convolutions(), st.data(), s.isas)
def test_conv2d_is_linear_in_the_weights(c, data, isa):
    parts = halves(data.draw, c.weights[:1, :1])  # drawing whole kernels would be slow
    parts = [np.concatenate([np.concatenate([part, rest[:1, 1:]], 1), rest[1:]]) for part, rest in
             ((parts[0], c.weights), (parts[1], np.zeros_like(c.weights)))]
    with s.running(isa, 1):
        sums = [qk.conv2d(c.x, weights, **c.keywords) for weights in (c.weights, *parts)]
    np.testing.assert_array_equal(sums[0], wrapped(sums[1], sums[2]))


@given(s.products(most=24), st.data(), s.isas)
def test_a_pointwise_convolution_is_a_product(operands, data, isa):
    a, b, za, _ = operands
    b = b.view(np.int8)
    rows = a.reshape(-1, a.shape[-1])
    if not rows.size:
        return
    epilogue = data.draw(epilogues(b.shape[1]))
    with s.running(isa, 1):
        got = qk.conv2d(rows[np.newaxis, :, np.newaxis], b[np.newaxis, np.newaxis], x_zero_point=za, **epilogue)
        np.testing.assert_array_equal(got[0, :, 0], qk.linear(rows, b, a_zero_point=za, **epilogue), strict=True)
