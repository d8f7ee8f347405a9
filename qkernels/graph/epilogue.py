"""The arithmetic of folding scales, batch normalization, bias and activation into bias, multiplier, lo and hi.

Pure functions of arrays: no models here. In units of the output, real = factor * acc + offset per channel; the native
epilogue computes float32(acc + bias) * multiplier, so multiplier = factor and bias = offset / factor.
"""

import numpy as np

from . import ir
from .values import F64, Integers

# |bias| below 2^30 leaves as much for the sum of products: acc + bias cannot leave int32 up to K = 32,896
_BIAS_LIMIT = 2.0**30
_FINE = 1 / 64      # of a unit of the output: below it, rounding the bias to an integer is not worth a thought
_NOTHING = 1e-30    # a factor below it shows in no output, and would soon leave float32


def fold(weights: Integers, factor: F64, offset: F64, *, quantized: bool
         ) -> tuple[ir.Weights, ir.I32, ir.F32]:
    """(weights, bias int32, multiplier float32) for `weights` (..., channels) and `factor`, `offset` (channels,).

    Weights come back as int8, or as int16 where they need up to nine bits.

    `quantized`: the output is in units of an integer's step, so that a bias rounded too coarsely matters. Where the
    bias would be too coarse, the channel's weights are multiplied by an integer as long as they fit int8, which is
    exact; where it would not fit int32, they are divided, which loses nothing that the output could show.
    int8 weights that stay as they are, are returned themselves.
    Raises ValueError for weights outside -255..255, or where a factor or offset is not finite.
    """
    axes = tuple(range(weights.ndim - 1))
    least, most = weights.min(axes, initial=0), weights.max(axes, initial=0)
    if least.min() < -255 or most.max() > 255:
        raise ValueError(f"weights less their zero point span {weights.min()}..{weights.max()}, expected -255..255")
    dtype = np.int8 if least.min() >= -128 and most.max() <= 127 else np.int16
    if not (np.isfinite(factor).all() and np.isfinite(offset).all()):
        raise ValueError("a scale or bias is not finite")
    largest = np.maximum(most.astype(np.int32), -least.astype(np.int32))
    constant = (np.abs(factor) < _NOTHING) | (largest == 0)
    if constant.any():
        # the power of two that puts a constant at 2^23..2^24, the finest that float32 holds exactly
        as_constant = np.exp2(np.where(offset == 0, 0.0, np.maximum(np.frexp(offset)[1] - 24.0, -100.0)))
        factor = np.where(constant, as_constant, factor)
    bias = np.abs(offset / factor)
    finer = 1.0
    if quantized:
        room = np.minimum(127 // np.maximum(largest, 1), _BIAS_LIMIT // np.maximum(bias, 1))
        finer = np.maximum(np.minimum(np.ceil(np.abs(factor) / (2 * _FINE)), room), 1)
        finer[np.abs((bias - np.rint(bias)) * factor) <= _FINE] = 1
    by = finer / np.maximum(bias / _BIAS_LIMIT, 1.0)
    by[constant] = 1
    scaled = weights.astype(dtype, copy=False)
    changed = np.flatnonzero(constant | (by != 1))
    if changed.size:
        scaled = scaled.copy("K")
        scaled[..., changed] = np.rint(weights[..., changed] * np.where(constant, 0.0, by)[changed])
    multiplier = (factor / by).astype(np.float32)
    if not np.isfinite(multiplier).all():
        raise ValueError("a multiplier leaves float32")
    # against the multiplier as rounded: what the kernel will use
    return scaled, np.rint(offset / multiplier.astype(np.float64)).astype(np.int32), multiplier


def bounds(lower: float, upper: float, scale: ir.F32, zero_point: ir.I32) -> tuple[int, int]:
    """(lo, hi) of the uint8 output for an activation that clamps to [lower, upper] before quantization.

    Exact, because rounding is monotonic: quantizing a clamped value is clamping to the quantized bounds.
    Raises ValueError where channels would need bounds of their own, or zero points of their own.
    """
    if (zero_point != zero_point[0]).any():
        raise ValueError("the output's zero point differs between channels")
    steps = scale.astype(np.float64)
    # an upper bound at the end of the range must not cut the last step because of its last bit
    end = steps * (255 - zero_point) * (1 - 1e-6)
    lo = _quantized(max(lower, -1e30), steps, zero_point)
    hi = np.where(upper >= end, 255, _quantized(min(upper, 1e30), steps, zero_point))
    for name, bound in (("lower", lo), ("upper", hi)):
        if (bound != bound[0]).any():
            raise ValueError(f"the activation's {name} bound falls inside the range of some channels only")
    if lo[0] > hi[0]:
        raise ValueError(f"the activation's bounds {lower}..{upper} leave no value")
    return int(lo[0]), int(hi[0])


def _quantized(real: float, steps: F64, zero_point: ir.I32) -> F64:
    return np.minimum(np.maximum(np.rint(real / steps) + zero_point, 0), 255)


def range_parameters(low: F64, high: F64) -> tuple[ir.F32, ir.I32]:
    """(scale float32, zero_point int32) of the 256 steps from `low` to `high`, arrays of one shape.

    Raises ValueError where the range is empty, does not contain 0 or does not hold it on a step.
    """
    if not (np.isfinite(low).all() and np.isfinite(high).all()) or (low >= high).any():
        raise ValueError("the range is empty or not finite")
    scale = (high - low) / 255
    below = -low / scale
    zero_point = np.rint(below)
    if zero_point.min() < 0 or zero_point.max() > 255:
        raise ValueError(f"the range {low.min():g}..{high.max():g} does not contain 0")
    if np.abs(below - zero_point).max() > _FINE:
        raise ValueError("0 is not on one of the range's steps")
    return scale.astype(np.float32), zero_point.astype(np.int32)
