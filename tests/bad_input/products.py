"""Rows of PackedWeights, matmul, linear, conv2d, count_saturations and count_saturating_weights."""

import numpy as np

import qkernels as qk

from .arrays import NESTED, zero_points
from .row import row

A = np.ones((3, 4), np.uint8)
B = np.ones((4, 3), np.int8)
IMAGE = np.ones((1, 5, 5, 4), np.uint8)
KERNEL = np.ones((3, 3, 4, 6), np.int8)
RAGGED = [[1], [1, 2]]
BYTES = "expected an array of uint8 or int8"

CALLS = {
    "PackedWeights": (qk.PackedWeights, dict(b=B)),
    "matmul": (qk.matmul, dict(a=A, b=B)),
    "linear": (qk.linear, dict(a=A, weights=B, multiplier=1.0)),
    "count_saturations": (qk.count_saturations, dict(a=A, b=B)),
    "count_saturating_weights": (qk.count_saturating_weights, dict(b=B)),
    "conv2d": (qk.conv2d, dict(x=IMAGE, weights=KERNEL, multiplier=1.0)),
}
OUTPUTS = {"matmul": ((3, 3), np.int32), "linear": ((3, 3), np.uint8), "conv2d": ((1, 3, 3, 6), np.uint8)}


def left_array(function):
    return [row(function, "a", "another dtype", dict(a=A.astype(np.int16)), TypeError, f"a: {BYTES}, got int16"),
            row(function, "a", "ragged lists", dict(a=RAGGED), ValueError, f"a: {NESTED}"),
            row(function, "a", "another last dimension", dict(a=A[:, :2]), ValueError,
                "a: expected a last dimension of 4, the rows of b, got shape (3, 2)"),
            row(function, "a", "a scalar", dict(a=np.uint8(1)), ValueError,
                "a: expected a last dimension of 4, the rows of b, got shape ()")]


def left(function):
    return [*left_array(function),
            row(function, "a_zero_point", "outside a's range", dict(a_zero_point=256), ValueError,
                "a_zero_point: expected values in 0..255, got 256"),
            row(function, "a_zero_point", "a real number", dict(a_zero_point=1.0), TypeError,
                "a_zero_point: expected integers, got float64"),
            row(function, "a_zero_point", "several", dict(a_zero_point=[1, 2]), ValueError,
                "a_zero_point: expected one integer, got [1, 2]")]


def right(function, name, points, expected=BYTES):
    """`points`: the argument with the zero points, if there is one."""
    shape = f"{name}: expected shape (K, N), both at least 1, got"
    found = [row(function, name, "another dtype", {name: B.astype(np.float32)}, TypeError, f"{name}: {expected}, got float32"),
             row(function, name, "ragged lists", {name: RAGGED}, ValueError, f"{name}: {NESTED}"),
             row(function, name, "one dimension", {name: B[0]}, ValueError, f"{shape} (3,)"),
             row(function, name, "empty", {name: B[:0]}, ValueError, f"{shape} (0, 3)")]
    if points:
        found += [row(function, points, "outside the range of b", {points: 128}, ValueError,
                      f"{points}: expected values in -128..127, got 128"),
                  row(function, points, "a real number", {points: 0.5}, TypeError, f"{points}: expected integers, got float64"),
                  row(function, points, "not one a column", {points: [1, 2]}, ValueError,
                      f"{points}: expected 1 value or 3, one a channel, got 2")]
    return found


def biases(function, count):
    return [row(function, "bias", "not one a column", dict(bias=[1, 2]), ValueError,
                f"bias: expected 1 value or {count}, one a channel, got 2"),
            row(function, "bias", "outside int32", dict(bias=2**31), ValueError,
                "bias: expected values in -2147483648..2147483647, got 2147483648"),
            row(function, "bias", "real numbers", dict(bias=0.5), TypeError, "bias: expected integers, got float64")]


def epilogues(function, count):
    default = "expected its default without a multiplier, got"
    as_float = "expected its default with dtype float32, got"
    found = [row(function, "multiplier", "infinite", dict(multiplier=float("inf")), ValueError,
                 "multiplier: expected finite float32 values, got inf"),
             row(function, "multiplier", "text", dict(multiplier="a"), TypeError,
                 "multiplier: expected real numbers, got str32"),
             row(function, "multiplier", "not one a column", dict(multiplier=[1.0, 2.0]), ValueError,
                 f"multiplier: expected 1 value or {count}, one a channel, got 2"),
             row(function, "zero_point", "without a multiplier", dict(multiplier=None, zero_point=3), ValueError,
                 f"zero_point: {default} 3"),
             row(function, "zero_point", "with float32", dict(dtype=np.float32, zero_point=3), ValueError,
                 f"zero_point: {as_float} 3"),
             row(function, "dtype", "another type", dict(dtype=np.int64), TypeError,
                 "dtype: expected uint8, int8 or float32, got int64"),
             row(function, "dtype", "no type, without a multiplier", dict(multiplier=None, dtype="nothing"), TypeError,
                 "dtype: expected uint8, int8 or float32, got 'nothing'"),
             row(function, "lo", "above hi", dict(lo=9, hi=8), ValueError, "lo: expected at most hi = 8, got 9"),
             row(function, "lo", "without a multiplier", dict(multiplier=None, lo=1), ValueError, f"lo: {default} 1"),
             row(function, "hi", "outside the dtype's range", dict(hi=256), ValueError,
                 "hi: expected values in 0..255, got 256"),
             row(function, "hi", "with float32", dict(dtype=np.float32, hi=9), ValueError, f"hi: {as_float} 9")]
    return [*found, *zero_points(function, several=False)]


def pairs(name):
    return [row("conv2d", name, "zero", {name: 0}, ValueError, f"{name}: expected values in 1..2147483647, got 0"),
            row("conv2d", name, "a real number", {name: 1.5}, TypeError, f"{name}: expected integers, got float64"),
            row("conv2d", name, "three numbers", {name: (1, 2, 3)}, ValueError,
                f"{name}: expected an integer or (height, width), got (1, 2, 3)")]


HAS_OWN = "PackedWeights have their own, given when they were packed"
PLAIN = "weights: expected int8 with zero point 0 where a multiplier is given, got"
SIDES = "expected 1, 2 (height, width) or 4 (top, left, bottom, right) integers, got"

ROWS = [
    *right("PackedWeights", "b", "zero_point"),
    *left("matmul"), *right("matmul", "b", "b_zero_point"),
    row("matmul", "b_zero_point", "with PackedWeights", lambda: dict(b=qk.PackedWeights(B), b_zero_point=1), ValueError,
        f"b_zero_point: {HAS_OWN}"),
    *biases("matmul", 3),
    row("matmul", "out", "a list", dict(out=[[85]]), TypeError, "out: expected a NumPy array, got list"),
    row("matmul", "out", "another dtype", lambda: dict(out=np.full((3, 3), 85, np.int64)), TypeError,
        "out: expected int32, got int64"),
    row("matmul", "out", "another shape", lambda: dict(out=np.full((3, 4), 85, np.int32)), ValueError,
        "out: expected shape (3, 3), got (3, 4)"),
    *left("linear"), *right("linear", "weights", None),
    row("linear", "weights", "uint8 with a multiplier", dict(weights=B.view(np.uint8)), ValueError, f"{PLAIN} uint8"),
    row("linear", "weights", "with a zero point and a multiplier", lambda: dict(weights=qk.PackedWeights(B, 1)), ValueError,
        f"{PLAIN} int8 with a zero point"),
    *biases("linear", 3), *epilogues("linear", 3),
    row("linear", "out", "another dtype", lambda: dict(out=np.full((3, 3), 85, np.int32)), TypeError,
        "out: expected uint8, got int32"),
    row("linear", "out", "another shape", lambda: dict(out=np.full((3, 4), 85, np.uint8)), ValueError,
        "out: expected shape (3, 3), got (3, 4)"),
    row("conv2d", "x", "another dtype", dict(x=IMAGE.astype(np.float32)), TypeError, f"x: {BYTES}, got float32"),
    row("conv2d", "x", "three dimensions", dict(x=IMAGE[0]), ValueError, "x: expected 4 dimensions, got shape (5, 5, 4)"),
    row("conv2d", "x", "empty", dict(x=IMAGE[:0]), ValueError,
        "x, weights: expected no empty dimension, got (0, 5, 5, 4) and (3, 3, 4, 6)"),
    row("conv2d", "x", "smaller than the kernel", dict(x=IMAGE[:, :2]), ValueError,
        "x: expected at least (3, 3) pixels with padding, got (2, 5)"),
    row("conv2d", "weights", "another dtype", dict(weights=KERNEL.view(np.uint8)), TypeError,
        "weights: expected an array of int8, got uint8"),
    row("conv2d", "weights", "three dimensions", dict(weights=KERNEL[0]), ValueError,
        "weights: expected 4 dimensions, got shape (3, 4, 6)"),
    row("conv2d", "weights", "other channels", dict(weights=KERNEL[:, :, :3]), ValueError,
        "weights: expected shape (kernel_h, kernel_w, 4 / groups, channels_out) with groups = 1 dividing both, "
        "got (3, 3, 3, 6)"),
    *pairs("stride"), *pairs("dilation"),
    row("conv2d", "padding", "another word", dict(padding="full"), ValueError,
        "padding: expected 'same', 'valid' or integers, got 'full'"),
    row("conv2d", "padding", "negative", dict(padding=-1), ValueError, "padding: expected values in 0..2147483647, got -1"),
    row("conv2d", "padding", "three numbers", dict(padding=(1, 2, 3)), ValueError, f"padding: {SIDES} (1, 2, 3)"),
    row("conv2d", "padding", "empty", dict(padding=()), ValueError, f"padding: {SIDES} ()"),
    row("conv2d", "padding", "None", dict(padding=None), TypeError, "padding: expected integers, got object"),
    row("conv2d", "padding", "more than a memory", dict(padding=2**31 - 1), ValueError,
        "out: expected shape (1, 4294967297, 4294967297, 6), got (1, 3, 3, 6)"),
    row("conv2d", "padding", "more than a memory, without out", dict(padding=2**31 - 1, out=None), MemoryError,
        "out: no memory for an array of shape (1, 4294967297, 4294967297, 6)"),
    row("conv2d", "groups", "more than channels", dict(groups=5), ValueError, "groups: expected values in 1..4, got 5"),
    row("conv2d", "groups", "several", dict(groups=[1, 1]), ValueError, "groups: expected one integer, got [1, 1]"),
    row("conv2d", "x_zero_point", "outside x's range", dict(x_zero_point=-1), ValueError,
        "x_zero_point: expected values in 0..255, got -1"),
    row("conv2d", "x_zero_point", "not one a channel", dict(x_zero_point=[1, 2]), ValueError,
        "x_zero_point: expected 1 value or 4, one a channel, got 2"),
    *biases("conv2d", 6), *epilogues("conv2d", 6),
    row("conv2d", "out", "another dtype", lambda: dict(out=np.full((1, 3, 3, 6), 85, np.int32)), TypeError,
        "out: expected uint8, got int32"),
    row("conv2d", "out", "another shape", lambda: dict(out=np.full((1, 3, 3, 5), 85, np.uint8)), ValueError,
        "out: expected shape (1, 3, 3, 6), got (1, 3, 3, 5)"),
    *left_array("count_saturations"),
    *right("count_saturations", "b", None, "expected an array of int8"),
    row("count_saturations", "b", "uint8", dict(b=B.view(np.uint8)), TypeError, "b: expected an array of int8, got uint8"),
    *right("count_saturating_weights", "b", None, "expected an array of int8"),
]
