"""Two-dimensional convolution of NHWC arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from . import _native
from .arguments import (
    RANGES,
    array_of,
    bounds,
    floats,
    integer,
    integers,
    output,
    output_dtype,
    per_channel,
    refuse_unused,
)


def _pair(value: int | tuple[int, int], name: str) -> tuple[int, int]:
    both = integers(value, name, 1)
    if both.size not in (1, 2):
        raise ValueError(f"{name}: expected an integer or (height, width), got {value!r}")
    return int(both[0]), int(both[-1])


def _padding(padding: Any, image: tuple[int, int], window: tuple[int, int], stride: tuple[int, int]
             ) -> tuple[int, int, int, int]:
    """(top, left, bottom, right)"""
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            raise ValueError(f"padding: expected 'same', 'valid' or integers, got {padding!r}")
        total = [0, 0]
        if padding == "same":
            total = [max((-(-size // step) - 1) * step + kernel - size, 0)
                     for size, kernel, step in zip(image, window, stride)]
        return total[0] // 2, total[1] // 2, total[0] - total[0] // 2, total[1] - total[1] // 2
    sides = integers(padding, "padding", 0)
    if sides.size not in (1, 2, 4):
        raise ValueError(f"padding: expected 1, 2 (height, width) or 4 (top, left, bottom, right) integers, got {padding!r}")
    top, left, bottom, right = (np.tile(sides, 4 // sides.size)).tolist()
    return top, left, bottom, right


def conv2d(x: ArrayLike, weights: ArrayLike, *, stride: int | tuple[int, int] = 1, padding: Any = 0,
           dilation: int | tuple[int, int] = 1, groups: int = 1, x_zero_point: ArrayLike = 0, bias: ArrayLike | None = None,
           multiplier: ArrayLike | None = None, zero_point: int = 0, dtype: DTypeLike = np.uint8, lo: int | None = None,
           hi: int | None = None, out: NDArray[Any] | None = None) -> NDArray[Any]:
    """Convolution with a fused epilogue, as `linear`.

    x             (batch, height, width, channels_in) uint8 or int8
    weights       (kernel_h, kernel_w, channels_in / groups, channels_out) int8; depthwise is groups=channels_in
    padding       'valid', 'same', or 1, 2 or 4 integers (top, left, bottom, right); filled with the input's zero point
    x_zero_point  a number, or one for each input channel
    bias          int32, a number or channels_out values
    multiplier    finite, a number or channels_out values; None: the int32 sums
    dtype         uint8, int8 or float32 (float32(acc) * multiplier)
    zero_point, lo and hi keep their defaults without a multiplier and with float32.
    Returns (batch, height_out, width_out, channels_out).
    Raises TypeError for a wrong dtype, ValueError for a value or shape outside the above; `out` is then untouched.
    """
    image = array_of(x, tuple(RANGES), "x", dimensions=4)
    kernel = array_of(weights, ("int8",), "weights", dimensions=4)
    if 0 in image.shape or 0 in kernel.shape:
        raise ValueError(f"x, weights: expected no empty dimension, got {image.shape} and {kernel.shape}")
    channels_in, channels_out = image.shape[3], kernel.shape[3]
    group_count = integer(groups, "groups", 1, channels_in)
    if channels_in % group_count or channels_out % group_count or kernel.shape[2] * group_count != channels_in:
        raise ValueError(f"weights: expected shape (kernel_h, kernel_w, {channels_in} / groups, channels_out) with "
                         f"groups = {group_count} dividing both, got {kernel.shape}")
    steps, spread = _pair(stride, "stride"), _pair(dilation, "dilation")
    window = ((kernel.shape[0] - 1) * spread[0] + 1, (kernel.shape[1] - 1) * spread[1] + 1)
    sides = _padding(padding, image.shape[1:3], window, steps)
    padded = (image.shape[1] + sides[0] + sides[2], image.shape[2] + sides[1] + sides[3])
    if padded[0] < window[0] or padded[1] < window[1]:
        raise ValueError(f"x: expected at least {window} pixels with padding, got {padded}")
    points = per_channel(integers(x_zero_point, "x_zero_point", *RANGES[image.dtype.name]), channels_in, "x_zero_point")
    biases = per_channel(integers(0 if bias is None else bias, "bias"), channels_out, "bias")
    multipliers = per_channel(floats(1.0 if multiplier is None else multiplier, "multiplier"), channels_out, "multiplier")
    name, out_point, low, high = output_dtype(dtype), 0, 0, 0
    if multiplier is None:
        name = "int32"
        refuse_unused(zero_point, lo, hi, "without a multiplier")
    elif name in RANGES:
        out_point = integer(zero_point, "zero_point", *RANGES[name])
        low, high = bounds(lo, hi, name)
    else:
        refuse_unused(zero_point, lo, hi, "with dtype float32")
    shape = (image.shape[0], (padded[0] - window[0]) // steps[0] + 1, (padded[1] - window[1]) // steps[1] + 1, channels_out)
    result = output(out, shape, name, [np.asarray(x), np.asarray(weights)])
    if image.dtype == np.int8:                    # the kernels see uint8: the same numbers 128 higher
        image, points = image.view(np.uint8) ^ np.uint8(0x80), points + np.int32(128)
    plan = _native.Plan()
    source = plan.input(image.shape, "uint8")
    plan.finish((plan.conv2d(source, kernel, stride=steps, padding=sides, dilation=spread, groups=group_count,
                             input_zero_point=points, bias=biases, multiplier=multipliers, zero_point=out_point, lo=low,
                             hi=high, dtype=name, name="conv2d"),))
    plan.run((image,), (result,))
    return result
