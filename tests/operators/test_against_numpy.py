"""Plans and packed weights on every instruction set against NumPy's int64, and with one thread against two."""

import definitions
import numpy as np
import pytest

from qkernels import _native

DTYPES = ["uint8", "int8", "float32", "int32"]


def run_plan(build, x, threads):
    """The output of the plan that `build(plan, source)` makes, with one thread and, the same bytes, with two."""
    plan = _native.Plan()
    target = build(plan, plan.input(x.shape, x.dtype.name))
    plan.finish((target,))
    shape, dtype = plan.layers[-1]["output_shape"], plan.layers[-1]["output_dtype"]
    outputs = []
    for number in (1, 2):
        threads(number)
        out = np.full(shape, 85, dtype)
        plan.run((x,), (out,))
        outputs.append(out)
    assert outputs[0].tobytes() == outputs[1].tobytes()
    return outputs[0]


def random_bytes(rng, shape, dtype="uint8"):
    """Random values, or the extremes alone."""
    least, most = definitions.RANGES[dtype]
    if rng.integers(4) == 0:
        return rng.choice(np.array([least, most], dtype), shape)
    return rng.integers(least, most + 1, shape).astype(dtype)


def random_epilogue(rng, channels, k, dtype):
    least, most = definitions.RANGES.get(dtype, (0, 0))
    zero_point = int(rng.integers(least, most + 1))
    bias = rng.integers(-5000, 5000, channels, np.int32)
    multiplier = (rng.uniform(0.2, 2, channels) / (60 * np.sqrt(k + 1))).astype(np.float32)
    lo = zero_point if most and rng.integers(2) else least
    return dict(bias=bias, multiplier=multiplier, zero_point=zero_point, lo=lo, hi=most, dtype=dtype)


def wide_weights(rng, shape, share):
    """int8 numbers as int16, a `share` of them anything in -255..255, as uint8 less a zero point."""
    w = rng.integers(-128, 128, shape, np.int16)
    return np.where(rng.random(shape) < share, rng.integers(-255, 256, shape, np.int16), w)


def check_convolution(rng, threads, shape, weights_shape, *, stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1),
                      groups=1, dtype="uint8", per_channel=False, w=None):
    x = random_bytes(rng, shape)
    w = random_bytes(rng, weights_shape, "int8") if w is None else w
    zero_point = rng.integers(0, 256, shape[3] if per_channel else 1).astype(np.int32)
    epilogue = random_epilogue(rng, weights_shape[3], np.prod(weights_shape[:3]), dtype)
    geometry = dict(stride=stride, padding=padding, dilation=dilation, groups=groups)
    got = run_plan(lambda plan, source: plan.conv2d(source, w, input_zero_point=zero_point, name="c", **geometry,
                                                    **epilogue), x, threads)
    total = definitions.convolution(x, w, zero_point=zero_point, **geometry)
    np.testing.assert_array_equal(got, definitions.finish(total, **epilogue), strict=True)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("m, k, n", [(1, 1, 1), (7, 4, 64), (8, 5, 65), (14, 27, 32), (15, 70, 33), (29, 131, 100),
                                     (3, 64, 129), (400, 33, 24), (1, 1024, 1001), (50, 2, 17)])
def test_linear(isa, threads, rng, m, k, n, dtype):
    """The fully connected layer, remainders of rows, columns and depth."""
    x, w = random_bytes(rng, (m, k)), random_bytes(rng, (k, n), "int8")
    zero_point, epilogue = int(rng.integers(256)), random_epilogue(rng, n, k, dtype)
    got = run_plan(lambda plan, source: plan.linear(source, w, input_zero_point=zero_point, name="fc", **epilogue), x,
                   threads)
    expected = definitions.finish(definitions.product(x, w, zero_point), **epilogue)
    np.testing.assert_array_equal(got, expected, strict=True)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("share", [0.002, 1])
@pytest.mark.parametrize("m, k, n", [(9, 64, 100), (15, 70, 33), (3, 129, 129), (1, 512, 1001)])
def test_linear_with_weights_beyond_int8(isa, threads, rng, m, k, n, share, dtype):
    x, w = random_bytes(rng, (m, k)), wide_weights(rng, (k, n), share)
    w[rng.integers(k), rng.integers(n)] = 255
    epilogue = random_epilogue(rng, n, k, dtype)
    got = run_plan(lambda plan, source: plan.linear(source, w.T.copy().T, input_zero_point=9, name="fc", **epilogue), x,
                   threads)
    np.testing.assert_array_equal(got, definitions.finish(definitions.product(x, w, 9), **epilogue), strict=True)


@pytest.mark.parametrize("share", [0.002, 1])
@pytest.mark.parametrize("shape, weights, geometry", [
    ((1, 9, 8, 6), (3, 3, 6, 10), dict(padding=(1, 1, 1, 1))),
    ((1, 10, 12, 8), (5, 5, 2, 16), dict(groups=4, stride=(3, 2), dilation=(1, 2), padding=(2, 4, 1, 3))),
    ((1, 19, 21, 3), (3, 3, 3, 40), dict(stride=(2, 2), padding=(0, 0, 1, 1))),
    *(((1, 9, 13, channels), (3, 3, 1, channels), dict(groups=channels, padding=(1, 1, 1, 1), stride=stride))
      for channels in (16, 24, 32, 64, 150) for stride in ((1, 1), (2, 2)))])
def test_convolution_with_weights_beyond_int8(isa, threads, rng, shape, weights, geometry, share):
    w = wide_weights(rng, weights, share)
    w[0, 1, 0, 5] = 255
    check_convolution(rng, threads, shape, weights, w=w, per_channel=True, **geometry)


@pytest.mark.parametrize("a_dtype", ["uint8", "int8"])
@pytest.mark.parametrize("b_dtype", ["uint8", "int8"])
@pytest.mark.parametrize("m, k, n", [(1, 1, 1), (6, 16, 16), (13, 70, 63), (20, 129, 97), (300, 35, 40)])
def test_weights_with_zero_points(isa, threads, rng, m, k, n, a_dtype, b_dtype):
    """Every mixture of signs, a zero point for a and one for each column of b."""
    a, b = random_bytes(rng, (m, k), a_dtype), random_bytes(rng, (k, n), b_dtype)
    least, most = definitions.RANGES[b_dtype]
    b_zero_point = rng.integers(least, most + 1, n).astype(np.int32)
    a_zero_point = int(rng.integers(*definitions.RANGES[a_dtype]))
    bias = rng.integers(-2**31, 2**31, n).astype(np.int32)
    weights = _native.Weights(b, b_zero_point)
    expected = definitions.finish(definitions.product(a, b, a_zero_point, b_zero_point), bias, None, "int32")
    for number in (1, 2):
        threads(number)
        out = np.full((m, n), -1, np.int32)
        weights.run(a, m, out, a_zero_point, bias, None, 0, 0, 0)
        np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("b_dtype, b_zero_point", [("int8", 0), ("uint8", 128)])
@pytest.mark.parametrize("dtype", DTYPES)
def test_weights_with_epilogue(isa, rng, b_dtype, b_zero_point, dtype):
    """Weights in any memory layout; int8 on the left side."""
    a, b = random_bytes(rng, (9, 50), "int8"), random_bytes(rng, (70, 50), b_dtype).T
    epilogue = random_epilogue(rng, 70, 50, dtype)
    out = np.zeros((9, 70), dtype)
    e = epilogue
    weights = _native.Weights(b, np.full(70, b_zero_point, np.int32))
    weights.run(a, 9, out, -3, e["bias"], e["multiplier"], e["zero_point"], e["lo"], e["hi"])
    np.testing.assert_array_equal(out, definitions.finish(definitions.product(a, b, -3, b_zero_point), **epilogue))


def test_requantizing_with_a_zero_point_of_weights_is_refused(isa):
    weights = _native.Weights(np.ones((4, 4), np.int8), np.ones(4, np.int32))
    out = np.full((1, 4), 85, np.uint8)
    with pytest.raises(ValueError, match="linear"):
        weights.run(np.ones((1, 4), np.uint8), 1, out, 0, None, np.ones(4, np.float32), 0, 0, 255)
    assert (out == 85).all()


@pytest.mark.parametrize("value", [-128, 127])
def test_sums_wrap_around(isa, value):
    """More than 33025 products of the largest values leave int32 and come back modulo 2^32."""
    k = 70001
    a, b = np.full((3, k), 255, np.uint8), np.full((k, 5), value, np.int8)
    total = definitions.product(a, b)
    assert (np.abs(total) >= 2**31).all()
    out = np.zeros((3, 5), np.int32)
    _native.Weights(b, np.zeros(5, np.int32)).run(a, 3, out, 0, None, None, 0, 0, 0)
    np.testing.assert_array_equal(out, definitions.wrap(total))


@pytest.mark.parametrize("bias", [-2**31, 2**31 - 1])
def test_bias_wraps_around(isa, threads, rng, bias):
    """Linear and depthwise accumulators that start at the ends of int32."""
    x, w = random_bytes(rng, (2, 5, 5, 34)), random_bytes(rng, (3, 3, 1, 34), "int8")
    epilogue = dict(bias=np.full(34, bias, np.int32), multiplier=np.full(34, 2.0**-26, np.float32), zero_point=100,
                    lo=0, hi=255, dtype="uint8")
    geometry = dict(stride=(1, 1), padding=(1, 1, 1, 1), dilation=(1, 1), groups=34)
    got = run_plan(lambda plan, source: plan.conv2d(source, w, input_zero_point=np.array([9], np.int32), name="c",
                                                    **geometry, **epilogue), x, threads)
    expected = definitions.finish(definitions.convolution(x, w, zero_point=9, **geometry), **epilogue)
    np.testing.assert_array_equal(got, expected)
    assert len(np.unique(got)) > 1


@pytest.mark.parametrize("k", [33025, 33026, 40003])
def test_long_products(isa, threads, rng, k):
    x, w = random_bytes(rng, (5, k)), random_bytes(rng, (k, 20), "int8")
    epilogue = random_epilogue(rng, 20, k, "int32")
    got = run_plan(lambda plan, source: plan.linear(source, w, input_zero_point=17, name="fc", **epilogue), x, threads)
    np.testing.assert_array_equal(got, definitions.finish(definitions.product(x, w, 17), **epilogue))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape, weights, geometry", [
    ((1, 9, 8, 6), (3, 3, 6, 10), dict(padding=(1, 1, 1, 1))),
    ((2, 11, 7, 12), (3, 2, 4, 9), dict(groups=3, stride=(2, 1), padding=(0, 2, 1, 0))),
    ((1, 16, 15, 5), (3, 3, 5, 70), dict(dilation=(2, 3), padding=(3, 2, 0, 1))),
    ((2, 10, 12, 8), (5, 5, 2, 16), dict(groups=4, stride=(3, 2), dilation=(1, 2), padding=(2, 4, 1, 3))),
    ((1, 6, 6, 7), (1, 1, 7, 5), dict(stride=(2, 2))),
    ((1, 6, 6, 7), (1, 1, 7, 5), dict(padding=(1, 0, 0, 2))),
    ((1, 4, 4, 3), (4, 4, 3, 2), dict()),
    ((1, 7, 7, 6), (3, 3, 1, 12), dict(groups=6, padding=(1, 1, 1, 1))),
    ((1, 9, 9, 6), (5, 5, 1, 6), dict(groups=6, padding=(2, 2, 2, 2))),
])
def test_convolution(isa, threads, rng, shape, weights, geometry, dtype):
    """Groups, stride, dilation, padding that differs on each side, a zero point for each channel."""
    for per_channel in (False, True):
        check_convolution(rng, threads, shape, weights, dtype=dtype, per_channel=per_channel, **geometry)


@pytest.mark.parametrize("size, padding", [((32, 32), (0, 0, 1, 1)), ((31, 33), (1, 1, 1, 1)), ((5, 4), (2, 1, 0, 2)),
                                           ((3, 3), (0, 0, 0, 0)), ((65, 71), (0, 1, 1, 0))])
@pytest.mark.parametrize("channels", [32, 8, 65])
def test_first_convolution(isa, threads, rng, size, padding, channels):
    """3x3, stride 2, three channels: the gather of its own."""
    for dtype in DTYPES:
        check_convolution(rng, threads, (2, *size, 3), (3, 3, 3, channels), stride=(2, 2), padding=padding, dtype=dtype,
                          per_channel=True)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size, padding", [((6, 7), (1, 1, 1, 1)), ((7, 6), (0, 0, 1, 1)), ((3, 3), (0, 0, 0, 0)),
                                           ((1, 1), (1, 1, 1, 1)), ((9, 12), (2, 0, 1, 2)), ((1, 17), (1, 2, 1, 0))])
def test_depthwise(isa, threads, rng, size, padding, stride, dtype):
    """3x3 on whole blocks of channels and remainders, odd and even rows."""
    for channels in (2, 32, 45, 96):
        check_convolution(rng, threads, (2, *size, channels), (3, 3, 1, channels), stride=(stride, stride),
                          padding=padding, groups=channels, dtype=dtype, per_channel=True)


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("kernel, geometry", [
    ((5, 5), dict(padding=(2, 2, 2, 2))),
    ((5, 5), dict(padding=(1, 1, 2, 2), stride=(2, 2))),
    ((5, 5), dict(padding=(4, 0, 1, 3), dilation=(2, 1))),
    ((5, 5), dict(padding=(2, 2, 2, 2), stride=(1, 2))),
    ((7, 7), dict(padding=(3, 3, 3, 3))),
    ((3, 3), dict(padding=(2, 2, 2, 2), dilation=(2, 2))),
    ((3, 3), dict(stride=(3, 3))),
    ((1, 6), dict(padding=(0, 2, 0, 3), dilation=(1, 2))),
    ((4, 1), dict(padding=(3, 0, 0, 0), stride=(3, 1))),
    ((1, 1), dict(padding=(1, 0, 0, 1))),
    ((9, 2), dict(padding=(8, 1, 8, 0), stride=(2, 3), dilation=(1, 4)))])
def test_depthwise_of_any_size(isa, threads, rng, kernel, geometry, dtype):
    """Blocks of channels that are whole, nearly whole and hardly begun; edges on all sides; weights beyond int8."""
    for channels in (3, 40, 72, 120, 64):
        check_convolution(rng, threads, (2, 11, 13, channels), (*kernel, 1, channels), groups=channels, dtype=dtype,
                          per_channel=True, w=wide_weights(rng, (*kernel, 1, channels), 0.01 * rng.integers(2)), **geometry)


def test_depthwise_of_a_wide_image(isa, threads, rng):
    """More columns than are prepared at a time."""
    check_convolution(rng, threads, (1, 6, 131, 64), (5, 5, 1, 64), groups=64, padding=(2, 2, 2, 2))
    check_convolution(rng, threads, (1, 6, 131, 64), (3, 9, 1, 64), groups=64, padding=(1, 30, 1, 30), dilation=(1, 7))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape, channels", [((1, 14, 14, 64), 128), ((2, 7, 7, 33), 70), ((1, 1, 1, 5), 3),
                                             ((1, 30, 31, 8), 16)])
def test_pointwise(isa, threads, rng, shape, channels, dtype):
    check_convolution(rng, threads, shape, (1, 1, shape[3], channels), dtype=dtype, per_channel=True)


POOLINGS = [((1, 7, 7, 130), (7, 7), (1, 1), (0, 0, 0, 0)), ((2, 9, 8, 64), (3, 2), (2, 3), (0, 0, 0, 0)),
            ((1, 5, 5, 3), (1, 1), (1, 1), (0, 0, 0, 0)), ((1, 6, 11, 17), (2, 5), (1, 2), (1, 4, 0, 2)),
            ((2, 9, 9, 40), (3, 3), (2, 2), (1, 1, 1, 1)), ((1, 4, 6, 96), (5, 3), (1, 1), (2, 1, 3, 0))]


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("shape, kernel, stride, padding", POOLINGS)
@pytest.mark.parametrize("exclude_pad", [False, True])
def test_average_pool(isa, threads, rng, shape, kernel, stride, padding, exclude_pad, dtype):
    x, zero_point = random_bytes(rng, shape), 37
    least, most = definitions.RANGES[dtype]
    epilogue = dict(multiplier=np.float32(0.7 / (kernel[0] * kernel[1])), zero_point=least + 90, lo=least + 3,
                    hi=most - 5, dtype=dtype)
    got = run_plan(lambda plan, source: plan.average_pool(source, kernel=kernel, stride=stride, padding=padding,
                                                          exclude_pad=exclude_pad, input_zero_point=zero_point,
                                                          name="p", **epilogue), x, threads)
    sums, inside = definitions.average_pool(x, kernel, stride, padding, zero_point)
    if exclude_pad:
        epilogue["multiplier"] = epilogue["multiplier"] * (np.float32(kernel[0] * kernel[1]) / inside.astype(np.float32))
    np.testing.assert_array_equal(got, definitions.finish(sums, 0, **epilogue), strict=True)


@pytest.mark.parametrize("shape, kernel, stride, padding", POOLINGS)
def test_max_pool(isa, threads, rng, shape, kernel, stride, padding):
    """Padding is left out of the maximum, even of zeros."""
    x = random_bytes(rng, shape)
    x[:, :2] = 0
    got = run_plan(lambda plan, source: plan.max_pool(source, kernel=kernel, stride=stride, padding=padding, name="p"), x,
                   threads)
    np.testing.assert_array_equal(got, definitions.max_pool(x, kernel, stride, padding), strict=True)


@pytest.mark.parametrize("kernel, padding", [((3, 3), (3, 0, 0, 0)), ((3, 3), (0, 0, 0, 4)), ((8, 3), (1, 0, 0, 0)),
                                             ((0, 3), (0, 0, 0, 0))])
def test_windows_of_padding_alone_are_refused(isa, kernel, padding):
    plan = _native.Plan()
    source = plan.input((1, 6, 6, 5), "uint8")
    with pytest.raises(ValueError, match="p: sizes"):
        plan.max_pool(source, kernel=kernel, stride=(1, 1), padding=padding, name="p")
    with pytest.raises(ValueError, match="p: sizes"):
        plan.average_pool(source, kernel=kernel, stride=(1, 1), padding=padding, exclude_pad=True, input_zero_point=0,
                          multiplier=1.0, zero_point=0, lo=0, hi=255, dtype="uint8", name="p")


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("channels", [1, 5, 16, 300])
def test_quantize_and_dequantize(isa, threads, rng, channels, dtype):
    """Per tensor and per channel, ties and special values, more elements than one task takes."""
    least, most = definitions.RANGES[dtype]
    for parameters in {1, channels}:
        scale = rng.choice(np.array([0.5, 0.013, 3.0, 1e-38], np.float32), parameters)
        zero_point = rng.integers(least, most + 1, parameters).astype(np.int32)
        x = (rng.integers(-600, 600, (50000 // channels, channels)) * np.float32(0.5) * scale).astype(np.float32)
        x[:10, 0] = [np.nan, np.inf, -np.inf, -0.0, 1e-45, -1e-40, 3e38, -3e38, np.nextafter(x[9, 0], np.float32(9)),
                     0.25]
        q = run_plan(lambda plan, source: plan.quantize(source, scale, zero_point, dtype, name="q"), x, threads)
        np.testing.assert_array_equal(q, definitions.quantize(x, scale, zero_point, dtype), strict=True)
        back = run_plan(lambda plan, source: plan.dequantize(source, scale, zero_point, name="d"), q, threads)
        np.testing.assert_array_equal(back, definitions.dequantize(q, scale, zero_point), strict=True)


@pytest.mark.parametrize("shape", [(1, 1), (3, 1001), (2, 4, 10)])
def test_softmax(isa, threads, rng, shape):
    """Close to float64, rows that sum to one, values whose exponential overflows."""
    x = (rng.normal(size=shape) * 30 + 200).astype(np.float32)
    got = run_plan(lambda plan, source: plan.softmax(source, name="s"), x, threads)
    exponentials = np.exp(x.astype(np.float64) - x.max(-1, keepdims=True))
    np.testing.assert_allclose(got, exponentials / exponentials.sum(-1, keepdims=True), rtol=1e-5, atol=1e-30)
    np.testing.assert_allclose(got.sum(-1), 1, rtol=1e-5)


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("shape, one_pixel", [((1, 3, 5, 7), False), ((2, 14, 14, 96), False), ((3, 9, 4, 40), True),
                                              ((1, 50, 41, 16), True), ((2, 1, 1, 65), True), ((5, 33), False)])
@pytest.mark.parametrize("operation", ["add", "multiply"])
def test_arithmetic(isa, threads, rng, operation, shape, one_pixel, dtype):
    """Sums and products of two tensors, the second as large or of one pixel an image."""
    a, b = random_bytes(rng, shape), random_bytes(rng, (shape[0], 1, 1, shape[3]) if one_pixel else shape)
    least, most = definitions.RANGES[dtype]
    zero_points, scales = (rng.integers(256), rng.integers(256)), rng.uniform(0.1, 1.5, 2).astype(np.float32)
    scales[0] *= 1 if operation == "add" else 0.01
    epilogue = dict(zero_point=least + 100, lo=least + int(rng.integers(2)) * 90, hi=most - 3, dtype=dtype)

    plan = _native.Plan()
    sources = [plan.input(x.shape, "uint8") for x in (a, b)]
    plan.finish((plan.arithmetic(*sources, operation=operation, zero_points=zero_points, scales=scales, name="z",
                                 **epilogue),))
    first, second = (x.astype(np.int32) - np.int32(zero) for x, zero in zip((a, b), zero_points))
    if operation == "add":
        real = first.astype(np.float32) * scales[0] + second.astype(np.float32) * scales[1]
    else:
        real = (first * second).astype(np.float32) * scales[0]
    expected = np.clip(np.rint(real) + epilogue["zero_point"], epilogue["lo"], epilogue["hi"]).astype(dtype)
    for number in (1, 2):
        threads(number)
        out = np.full(shape, 85, dtype)
        plan.run((a, b), (out,))
        np.testing.assert_array_equal(out, expected)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
@pytest.mark.parametrize("matrices, rows, columns", [(2, 3, 1500), (1, 33, 70), (3, 64, 49), (1, 1, 5), (2, 100, 1025)])
def test_transpose(isa, threads, rng, matrices, rows, columns, dtype):
    x = random_bytes(rng, (matrices, rows, columns)).astype(dtype)
    got = run_plan(lambda plan, source: plan.transpose(source, rows, columns, (matrices, columns, rows), name="t"), x, threads)
    np.testing.assert_array_equal(got, x.transpose(0, 2, 1))


@pytest.mark.parametrize("size", [1, 63, 64, 1000, 70000])
def test_table(isa, threads, rng, size):
    x, entries = random_bytes(rng, (size,)), random_bytes(rng, (256,))
    np.testing.assert_array_equal(run_plan(lambda plan, source: plan.table(source, entries, name="t"), x, threads), entries[x])
