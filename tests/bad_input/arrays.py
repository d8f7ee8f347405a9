"""Rows of quantize, dequantize, requantize, quantize_dynamic and QParams."""

import numpy as np

import qkernels as qk

from .row import row

X = np.ones((3, 4), np.float32)
Q = np.ones((3, 4), np.uint8)
ACC = np.ones((3, 4), np.int32)


def misaligned(shape, dtype):
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return np.full(size + 1, 85, np.uint8)[1:].view(dtype).reshape(shape)


def read_only(shape, dtype):
    out = np.full(shape, 85, dtype)
    out.flags.writeable = False
    return out


def overlapping(name, shape, dtype, out_dtype):
    """`name` and out in the same memory."""
    memory = np.ones(4 * int(np.prod(shape)), np.uint8)
    views = [memory[:int(np.prod(shape)) * np.dtype(t).itemsize].view(t).reshape(shape) for t in (dtype, out_dtype)]
    return {name: views[0], "out": views[1]}


CALLS = {
    "quantize": (qk.quantize, dict(x=X, scale=1.0)),
    "dequantize": (qk.dequantize, dict(q=Q, scale=1.0)),
    "requantize": (qk.requantize, dict(acc=ACC, multiplier=1.0)),
    "quantize_dynamic": (qk.quantize_dynamic, dict(x=X)),
    "QParams": (qk.QParams, dict(scale=1.0)),
    "QParams.from_range": (qk.QParams.from_range, dict(lo=-1.0, hi=1.0)),
    "QParams.quantize": (lambda **given: qk.QParams(1.0).quantize(**given), dict(x=X)),
    "QParams.dequantize": (lambda **given: qk.QParams(1.0).dequantize(**given), dict(q=Q)),
}
"""The function and right arguments for it."""

OUTPUTS = {"quantize": ((3, 4), np.uint8), "dequantize": ((3, 4), np.float32), "requantize": ((3, 4), np.uint8),
           "QParams.quantize": ((3, 4), np.uint8), "QParams.dequantize": ((3, 4), np.float32)}
"""Shape and dtype of `out`, which every other wrong argument must leave as it is."""

RAGGED = [[1.0], [1.0, 2.0]]
NESTED = "expected an array, got nested sequences of unequal lengths"
AFFINE = "uint8 or int8 or uint16 or int16"
FLOATS = "expected an array of float32 or float16 or float64"


def float_arrays(function):
    return [row(function, "x", "integers", dict(x=ACC), TypeError, f"x: {FLOATS}, got int32"),
            row(function, "x", "text", dict(x="text"), TypeError, f"x: {FLOATS}, got str128"),
            row(function, "x", "complex numbers", dict(x=X.astype(np.complex64)), TypeError, f"x: {FLOATS}, got complex64"),
            row(function, "x", "ragged lists", dict(x=RAGGED), ValueError, f"x: {NESTED}")]


def quantized_arrays(function, expected):
    return [row(function, "q", "another dtype", dict(q=X), TypeError, f"q: expected an array of {expected}, got float32"),
            row(function, "q", "64-bit integers", dict(q=Q.astype(np.int64)), TypeError,
                f"q: expected an array of {expected}, got int64"),
            row(function, "q", "ragged lists", dict(q=RAGGED), ValueError, f"q: {NESTED}")]


def scales(function):
    positive = "scale: expected positive finite float32 values, got"
    return [row(function, "scale", "zero", dict(scale=0), ValueError, f"{positive} 0"),
            row(function, "scale", "negative", dict(scale=-0.5), ValueError, f"{positive} -0.5"),
            row(function, "scale", "NaN", dict(scale=float("nan")), ValueError, f"{positive} nan"),
            row(function, "scale", "infinite", dict(scale=float("inf")), ValueError, f"{positive} inf"),
            row(function, "scale", "0 in float32", dict(scale=1e-60), ValueError, f"{positive} 1e-60"),
            row(function, "scale", "infinite in float32", dict(scale=1e60), ValueError, f"{positive} 1e+60"),
            row(function, "scale", "beyond every number type", dict(scale=10**400), ValueError,
                f"{positive} an integer beyond 64 bits"),
            row(function, "scale", "text", dict(scale="a"), TypeError, "scale: expected real numbers, got str32"),
            row(function, "scale", "complex", dict(scale=1j), TypeError, "scale: expected real numbers, got complex128"),
            row(function, "scale", "None", dict(scale=None), TypeError, "scale: expected real numbers, got object"),
            row(function, "scale", "two dimensions", dict(scale=[[1.0]]), ValueError,
                "scale: expected a number or one dimension, got shape (1, 1)"),
            row(function, "scale", "ragged lists", dict(scale=RAGGED), ValueError, f"scale: {NESTED}"),
            row(function, "scale", "several without axis", dict(scale=[1.0, 2.0, 3.0]), ValueError,
                "scale: 3 values need axis=, the dimension that they belong to"),
            row(function, "scale", "empty", dict(scale=[]), ValueError,
                "scale: expected 1 value or 1, one a channel, got 0")]


def zero_points(function, lo=0, hi=255, *, several=True):
    found = [row(function, "zero_point", "above the dtype's range", dict(zero_point=hi + 1), ValueError,
                 f"zero_point: expected values in {lo}..{hi}, got {hi + 1}"),
             row(function, "zero_point", "below the dtype's range", dict(zero_point=lo - 1), ValueError,
                 f"zero_point: expected values in {lo}..{hi}, got {lo - 1}"),
             row(function, "zero_point", "beyond 64 bits", dict(zero_point=2**70), ValueError,
                 f"zero_point: expected values in {lo}..{hi}, got an integer beyond 64 bits"),
             row(function, "zero_point", "a real number", dict(zero_point=1.5), TypeError,
                 "zero_point: expected integers, got float64"),
             row(function, "zero_point", "a truth value", dict(zero_point=True), TypeError,
                 "zero_point: expected integers, got bool"),
             row(function, "zero_point", "two dimensions", dict(zero_point=[[1]]), ValueError,
                 "zero_point: expected an integer or one dimension, got shape (1, 1)")]
    if several:
        found += [row(function, "zero_point", "several without axis", dict(zero_point=[1, 2, 3]), ValueError,
                      "zero_point: 3 values need axis=, the dimension that they belong to"),
                  row(function, "zero_point", "not as many as scales", dict(scale=[1.0, 2.0, 3.0], zero_point=[1, 2], axis=0),
                      ValueError, "zero_point: expected 1 value or 3, one a channel, got 2")]
    return found


def dtypes(function, expected="uint8 or int8", other=np.int16):
    """`other`: a dtype that is not among those `expected`."""
    return [row(function, "dtype", "another type", dict(dtype=other), TypeError,
                f"dtype: expected {expected}, got {np.dtype(other).name}"),
            row(function, "dtype", "None", dict(dtype=None), TypeError, f"dtype: expected {expected}, got float64"),
            row(function, "dtype", "no type", dict(dtype="nothing"), TypeError, f"dtype: expected {expected}, got 'nothing'")]


def axes(function, name):
    return [row(function, "axis", "outside the dimensions", {name: [1.0, 2.0, 3.0], "axis": 2}, ValueError,
                "axis: expected -2..1, got 2"),
            row(function, "axis", "outside, with one value", dict(axis=-3), ValueError, "axis: expected -2..1, got -3"),
            row(function, "axis", "text", dict(axis="rows"), TypeError, "axis: expected an integer or None, got 'rows'"),
            row(function, "axis", "of another length", {name: [1.0, 2.0, 3.0], "axis": 1}, ValueError,
                f"{name}: expected 1 value or 4, the length of axis 1, got 3")]


def outs(function, name, dtype, shape, out_dtype, other):
    """`other`: a dtype that `out` must not have."""
    kind, swapped = np.dtype(out_dtype).name, np.dtype(out_dtype).newbyteorder(">")
    turned = shape[::-1]
    found = [row(function, "out", "a list", dict(out=[[85]]), TypeError, "out: expected a NumPy array, got list"),
             row(function, "out", "another dtype", lambda: dict(out=np.full(shape, 85, other)), TypeError,
                 f"out: expected {kind}, got {np.dtype(other).name}"),
             row(function, "out", "another shape", lambda: dict(out=np.full(turned, 85, out_dtype)), ValueError,
                 f"out: expected shape {shape}, got {turned}"),
             row(function, "out", "not contiguous", lambda: dict(out=np.full(turned, 85, out_dtype).T), ValueError,
                 "out: expected a writeable, aligned, C-contiguous array"),
             row(function, "out", "read-only", lambda: dict(out=read_only(shape, out_dtype)), ValueError,
                 "out: expected a writeable, aligned, C-contiguous array"),
             row(function, "out", "in the input's memory", lambda: overlapping(name, shape, dtype, out_dtype), ValueError,
                 "out: overlaps an input")]
    if np.dtype(out_dtype).itemsize > 1:
        found += [row(function, "out", "misaligned", lambda: dict(out=misaligned(shape, out_dtype)), ValueError,
                      "out: expected a writeable, aligned, C-contiguous array"),
                  row(function, "out", "of the other byte order", lambda: dict(out=np.full(shape, 85, swapped)), TypeError,
                      f"out: expected {kind}, got {kind} of the other byte order")]
    return found


ROWS = [
    *float_arrays("quantize"), *scales("quantize"), *zero_points("quantize"),
    *dtypes("quantize", AFFINE, np.int32),
    row("quantize", "zero_point", "above the range of int16", dict(zero_point=32768, dtype=np.int16), ValueError,
        "zero_point: expected values in -32768..32767, got 32768"),
    *axes("quantize", "scale"),
    *outs("quantize", "x", np.float32, (3, 4), np.uint8, np.int8),
    *quantized_arrays("dequantize", f"{AFFINE} or int32"), *scales("dequantize"), *zero_points("dequantize"),
    row("dequantize", "zero_point", "with int32", dict(q=ACC, zero_point=1), ValueError,
        "zero_point: expected values in 0..0, got 1"),
    *axes("dequantize", "scale"),
    *outs("dequantize", "q", np.uint8, (3, 4), np.float32, np.float64),
    row("requantize", "acc", "real numbers", dict(acc=X), TypeError, "acc: expected an array of int32, got float32"),
    row("requantize", "acc", "64-bit integers", dict(acc=ACC.astype(np.int64)), TypeError,
        "acc: expected an array of int32, got int64"),
    row("requantize", "acc", "ragged lists", dict(acc=[[1], [1, 2]]), ValueError, f"acc: {NESTED}"),
    row("requantize", "multiplier", "NaN", dict(multiplier=float("nan")), ValueError,
        "multiplier: expected finite float32 values, got nan"),
    row("requantize", "multiplier", "text", dict(multiplier="a"), TypeError, "multiplier: expected real numbers, got str32"),
    row("requantize", "multiplier", "not one a channel", dict(multiplier=[1.0, 2.0]), ValueError,
        "multiplier: expected 1 value or 4, the length of axis -1, got 2"),
    *zero_points("requantize", several=False),
    row("requantize", "zero_point", "several", dict(zero_point=[1, 2]), ValueError,
        "zero_point: expected 1 value or 1, one a channel, got 2"),
    *dtypes("requantize"), *axes("requantize", "multiplier"),
    row("requantize", "lo", "above hi", dict(lo=5, hi=4), ValueError, "lo: expected at most hi = 4, got 5"),
    row("requantize", "lo", "outside the dtype's range", dict(lo=-1), ValueError, "lo: expected values in 0..255, got -1"),
    row("requantize", "lo", "a real number", dict(lo=0.5), TypeError, "lo: expected integers, got float64"),
    row("requantize", "hi", "outside the dtype's range", dict(hi=256), ValueError, "hi: expected values in 0..255, got 256"),
    row("requantize", "hi", "several", dict(hi=[1, 2]), ValueError, "hi: expected one integer, got [1, 2]"),
    *outs("requantize", "acc", np.int32, (3, 4), np.uint8, np.int32),
    *float_arrays("quantize_dynamic"),
    row("quantize_dynamic", "x", "infinite", dict(x=np.array([1, np.inf], np.float32)), ValueError,
        "x: expected finite values within the range of float32, got 0.0..inf"),
    row("quantize_dynamic", "x", "a range beyond float32", dict(x=np.array([3e38, -3e38], np.float32)), ValueError,
        "x: expected finite values within the range of float32, got -3.0000000054977558e+38..3.0000000054977558e+38"),
    *dtypes("quantize_dynamic"),
    *scales("QParams"), *zero_points("QParams"), *dtypes("QParams", AFFINE, np.int32),
    row("QParams", "axis", "text", dict(axis="rows"), TypeError, "axis: expected an integer or None, got 'rows'"),
    row("QParams", "axis", "a real number", dict(scale=[1.0], axis=0.5), TypeError,
        "axis: expected an integer or None, got 0.5"),
    row("QParams.from_range", "lo", "above hi", dict(lo=2.0), ValueError,
        "lo: expected as many values as hi, none above it, got 2.0 and 1.0"),
    row("QParams.from_range", "lo", "not as many as hi", dict(lo=[0.0, 0.0]), ValueError,
        "lo: expected as many values as hi, none above it, got [0.0, 0.0] and 1.0"),
    row("QParams.from_range", "lo", "NaN", dict(lo=float("nan")), ValueError, "lo: expected finite float32 values, got nan"),
    row("QParams.from_range", "lo", "two dimensions", dict(lo=[[0.0]], hi=[[1.0]]), ValueError,
        "lo: expected a number or one dimension, got shape (1, 1)"),
    row("QParams.from_range", "hi", "text", dict(hi="b"), TypeError, "hi: expected real numbers, got str32"),
    row("QParams.from_range", "hi", "infinite", dict(hi=float("inf")), ValueError,
        "hi: expected finite float32 values, got inf"),
    row("QParams.from_range", "hi", "a range beyond float32", dict(lo=-3e38, hi=3e38), ValueError,
        "hi: expected hi - lo within float32, got 3e+38 and -3e+38"),
    *dtypes("QParams.from_range", AFFINE, np.int32),
    row("QParams.from_range", "symmetric", "text", dict(symmetric="no"), TypeError,
        "symmetric: expected True or False, got 'no'"),
    row("QParams.from_range", "axis", "text", dict(axis="rows"), TypeError, "axis: expected an integer or None, got 'rows'"),
    row("QParams.from_range", "axis", "None with several values", dict(lo=[0.0, 0.0], hi=[1.0, 1.0]), ValueError,
        "scale: 2 values need axis=, the dimension that they belong to"),
    *float_arrays("QParams.quantize"), *outs("QParams.quantize", "x", np.float32, (3, 4), np.uint8, np.int8),
    *quantized_arrays("QParams.dequantize", "uint8"),
    *outs("QParams.dequantize", "q", np.uint8, (3, 4), np.float32, np.float64),
]
