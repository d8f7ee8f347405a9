"""The operations in NumPy with int64 sums: what the native code is compared with."""

import numpy as np

RANGES = {"uint8": (0, 255), "int8": (-128, 127)}


def wrap(total):
    """int64 modulo 2^32, as int32."""
    return total.astype(np.uint64).astype(np.uint32).view(np.int32)


def finish(total, bias, multiplier, dtype, zero_point=0, lo=None, hi=None):
    """The epilogue of an exact sum whose last axis is the channels."""
    acc = wrap(total + np.asarray(bias, np.int64))
    if dtype == "int32":
        return acc
    scaled = acc.astype(np.float32) * np.asarray(multiplier, np.float32)
    if dtype == "float32":
        return scaled
    least, most = RANGES[dtype]
    lo, hi = least if lo is None else lo, most if hi is None else hi
    return np.clip(np.rint(scaled).astype(np.float64) + zero_point, lo, hi).astype(dtype)


def product(a, b, a_zero_point=0, b_zero_point=0):
    return (a.astype(np.int64) - a_zero_point) @ (b.astype(np.int64) - b_zero_point)


def convolution(x, w, stride, padding, dilation, groups, zero_point):
    """Sums of a convolution; weights (kernel_h, kernel_w, in / groups, out), padding (top, left, bottom, right)."""
    top, left, bottom, right = padding
    real = np.pad(x.astype(np.int64) - zero_point, ((0, 0), (top, bottom), (left, right), (0, 0)))
    kernel_h, kernel_w, per_group, out = w.shape
    height = (real.shape[1] - (kernel_h - 1) * dilation[0] - 1) // stride[0] + 1
    width = (real.shape[2] - (kernel_w - 1) * dilation[1] - 1) // stride[1] + 1
    total = np.zeros((x.shape[0], height, width, out), np.int64)
    of_group = out // groups
    for i in range(kernel_h):
        for j in range(kernel_w):
            y0, x0 = i * dilation[0], j * dilation[1]
            tap = real[:, y0:y0 + (height - 1) * stride[0] + 1:stride[0], x0:x0 + (width - 1) * stride[1] + 1:stride[1]]
            for g in range(groups):
                columns = slice(g * of_group, (g + 1) * of_group)
                total[..., columns] += tap[..., g * per_group:(g + 1) * per_group] @ w[i, j, :,
                                                                                       columns].astype(np.int64)
    return total


def average_pool(x, kernel, stride, padding, zero_point):
    """Sums of each window, and how many pixels of it are not padding."""
    real = x.astype(np.int64) - zero_point
    return (_windows(a, kernel, stride, padding).sum((-2, -1)) for a in (real, np.ones_like(real)))


def max_pool(x, kernel, stride, padding):
    return _windows(x.astype(np.int64), kernel, stride, padding, -1).max((-2, -1)).astype(x.dtype)


def _windows(x, kernel, stride, padding, value=0):
    top, left, bottom, right = padding
    padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=value)
    return np.lib.stride_tricks.sliding_window_view(padded, kernel, (1, 2))[:, ::stride[0], ::stride[1]]


def quantize(x, scale, zero_point, dtype):
    least, most = RANGES[dtype]
    with np.errstate(over="ignore", invalid="ignore"):
        steps = np.rint(np.asarray(x, np.float32) / np.asarray(scale, np.float32))
    steps = np.nan_to_num(steps.astype(np.float64), nan=0.0, posinf=1e9, neginf=-1e9)
    return np.clip(steps + zero_point, least, most).astype(dtype)


def dequantize(q, scale, zero_point):
    return np.asarray(scale, np.float32) * (q.astype(np.int32) - np.asarray(zero_point, np.int32)).astype(np.float32)
