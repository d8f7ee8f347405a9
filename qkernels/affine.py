"""Affine quantization of arrays: real = scale * (q - zero_point)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from . import _native
from .arguments import (
    AFFINE_RANGES,
    RANGES,
    array_of,
    axis_number,
    bounds,
    floats,
    integers,
    outer_channels_inner,
    output,
    per_channel,
    quantized_dtype,
)

_FLOATS = ("float32", "float16", "float64")
_DEQUANTIZED = {**AFFINE_RANGES, "int32": (0, 0)}    # the range of the zero point


def _as_float32(x: Any) -> NDArray[np.float32]:
    array = array_of(x, _FLOATS, "x")
    if array.dtype == np.float32:
        return array
    with np.errstate(over="ignore"):              # beyond float32 is infinity, which saturates
        return array.astype(np.float32)


def _parameters(scale: ArrayLike, zero_point: ArrayLike, dtype: str) -> tuple[NDArray[np.float32], NDArray[np.int32], str]:
    """Both of one length, and the name of the one that has it."""
    scales, zero_points = floats(scale, "scale", positive=True), integers(zero_point, "zero_point", *_DEQUANTIZED[dtype])
    count = max(scales.size, zero_points.size)
    name = "scale" if scales.size == count else "zero_point"
    return per_channel(scales, count, "scale"), per_channel(zero_points, count, "zero_point"), name


def quantize(x: ArrayLike, scale: ArrayLike, zero_point: ArrayLike = 0, *, dtype: DTypeLike = np.uint8,
             axis: int | None = None, out: NDArray[Any] | None = None) -> NDArray[Any]:
    """clamp(round_half_even(x / scale) + zero_point), the division in float32, as ONNX QuantizeLinear.

    x           float32, float16 or float64, any shape
    scale       > 0 and finite: a number, or one value for each index of `axis`
    zero_point  inside the range of `dtype`; a number, or as many as scales
    dtype       uint8, int8, uint16 or int16
    axis        a dimension of x, negative ones counted from the end
    out         C-contiguous array of x's shape and `dtype`, not overlapping x

    NaN becomes the zero point; infinities and whatever lies outside saturate.
    Raises TypeError for a wrong dtype, ValueError for a value or shape outside the above; `out` is then untouched.
    """
    done = _native.quantize_common(x, scale, zero_point, dtype, out) if axis is None else None
    if done is not None:
        return done
    name = quantized_dtype(dtype, known=AFFINE_RANGES)
    scales, zero_points, longer = _parameters(scale, zero_point, name)
    source = _as_float32(x)
    shape = outer_channels_inner(source.shape, axis, scales.size, longer)
    result = output(out, source.shape, name, [np.asarray(x)])
    _native.quantize(source, result, shape, scales, zero_points, name)
    return result


def dequantize(q: ArrayLike, scale: ArrayLike, zero_point: ArrayLike = 0, *, axis: int | None = None,
               out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
    """scale * float32(q - zero_point): float32, one rounding. Arguments and errors as for `quantize`.

    q  uint8, int8, uint16, int16; or int32 (a quantized bias) with no zero point but 0, whose conversion to float32 rounds too
    """
    done = _native.dequantize_common(q, scale, zero_point, out) if axis is None else None
    if done is not None:
        return done
    source = array_of(q, tuple(_DEQUANTIZED), "q")
    scales, zero_points, longer = _parameters(scale, zero_point, source.dtype.name)
    shape = outer_channels_inner(source.shape, axis, scales.size, longer)
    result = output(out, source.shape, "float32", [np.asarray(q)])
    _native.dequantize(source, result, shape, scales, zero_points, source.dtype.name)
    return result


def requantize(acc: ArrayLike, multiplier: ArrayLike, zero_point: int = 0, *, dtype: DTypeLike = np.uint8, axis: int = -1,
               lo: int | None = None, hi: int | None = None, out: NDArray[Any] | None = None) -> NDArray[Any]:
    """clamp(round_half_even(float32(acc) * multiplier) + zero_point, lo, hi).

    acc         int32, any shape
    multiplier  finite: a number, or one value for each index of `axis`
    lo, hi      ends of the clamp, by default the range of `dtype`: a ReLU is lo=zero_point

    Raises as `quantize`.
    """
    is_last = type(axis) is int and axis == -1
    done = _native.requantize_common(acc, multiplier, zero_point, dtype, lo, hi, out) if is_last else None
    if done is not None:
        return done
    name = quantized_dtype(dtype)
    source = array_of(acc, ("int32",), "acc")
    multipliers = floats(multiplier, "multiplier")
    point = int(per_channel(integers(zero_point, "zero_point", *RANGES[name]), 1, "zero_point")[0])
    low, high = bounds(lo, hi, name)
    along = None if is_last and source.ndim == 0 else axis    # a scalar has no last dimension, and needs none
    shape = outer_channels_inner(source.shape, along, multipliers.size, "multiplier")
    result = output(out, source.shape, name, [np.asarray(acc)])
    _native.requantize(source, result, shape, multipliers, point, low, high, name)
    return result


def quantize_dynamic(x: ArrayLike, dtype: DTypeLike = np.uint8) -> tuple[NDArray[Any], np.float32, int]:
    """(q, scale, zero_point) with parameters from the range of `x`, 0 always inside it, as ONNX DynamicQuantizeLinear.

    Raises ValueError for an infinity in x, TypeError for a wrong dtype. NaN does not widen the range.
    """
    name = quantized_dtype(dtype)
    source = _as_float32(x)
    lo, hi = _native.minmax(source) if source.size else (0.0, 0.0)
    lo, hi = min(lo, 0.0), max(hi, 0.0)
    with np.errstate(over="ignore"):
        span = np.float32(hi) - np.float32(lo)
    if not np.isfinite(span):
        raise ValueError(f"x: expected finite values within the range of float32, got {lo}..{hi}")
    params = QParams.from_range(lo, hi, dtype=name)
    return params.quantize(source), params.scale, params.zero_point


@dataclass(frozen=True, eq=False)
class QParams:
    """Scale and zero point of a quantized array; `axis` where they are per channel."""

    scale: Any
    zero_point: Any = 0
    dtype: Any = np.uint8
    axis: int | None = None

    def __post_init__(self) -> None:
        name = quantized_dtype(self.dtype, known=AFFINE_RANGES)
        scales, zero_points, longer = _parameters(self.scale, self.zero_point, name)
        if self.axis is not None:
            object.__setattr__(self, "axis", axis_number(self.axis))
        elif scales.size > 1:
            raise ValueError(f"{longer}: {scales.size} values need axis=, the dimension that they belong to")
        scales, zero_points = scales.copy(), zero_points.copy()   # the caller's stay writeable
        for array in (scales, zero_points):
            array.flags.writeable = False
        object.__setattr__(self, "dtype", np.dtype(name))
        object.__setattr__(self, "scale", scales if self.axis is not None else scales[0])
        object.__setattr__(self, "zero_point", zero_points if self.axis is not None else int(zero_points[0]))

    def _key(self) -> tuple[Any, ...]:
        return np.asarray(self.scale).tobytes(), np.asarray(self.zero_point).tobytes(), self.dtype, self.axis

    def __eq__(self, other: object) -> bool:
        return isinstance(other, QParams) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    @classmethod
    def from_range(cls, lo: ArrayLike, hi: ArrayLike, *, dtype: DTypeLike = np.uint8, symmetric: bool = False,
                   axis: int | None = None) -> QParams:
        """Parameters under which lo..hi, widened to hold 0, fills the dtype's range.

        Symmetric: the same distance on both sides of a zero point in the middle (0 for int8, 128 for uint8).
        A range too narrow for float32's smallest scale, 0..0 among them, has scale 1. Raises ValueError for lo > hi, for values
        that are not finite and for hi - lo beyond float32, TypeError for a wrong type.
        """
        name = quantized_dtype(dtype, known=AFFINE_RANGES)
        if not isinstance(symmetric, (bool, np.bool_)):
            raise TypeError(f"symmetric: expected True or False, got {symmetric!r}")
        low, high = floats(lo, "lo"), floats(hi, "hi")
        if low.size != high.size or (low > high).any():
            raise ValueError(f"lo: expected as many values as hi, none above it, got {lo!r} and {hi!r}")
        low, high = np.minimum(low, np.float32(0)), np.maximum(high, np.float32(0))
        with np.errstate(over="ignore"):
            span = high - low
        if not np.isfinite(span).all():
            raise ValueError(f"hi: expected hi - lo within float32, got {hi!r} and {lo!r}")
        least, most = AFFINE_RANGES[name]
        if symmetric:
            middle = (least + most + 1) // 2
            scale = (np.maximum(-low, high).astype(np.float64) / (most - middle)).astype(np.float32)
            scale = np.where(scale > 0, scale, np.float32(1))
            zero_point = np.full(low.shape, middle)
        else:
            scale = span / np.float32(most - least)
            scale = np.where(scale > 0, scale, np.float32(1))
            zero_point = np.rint(np.clip(least - low / scale, least, most)).astype(np.int64)
        if axis is None and scale.size == 1:
            return cls(scale[0], int(zero_point[0]), name)
        return cls(scale, zero_point, name, axis)

    def quantize(self, x: ArrayLike, *, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """`qkernels.quantize` with these parameters."""
        return quantize(x, self.scale, self.zero_point, dtype=self.dtype, axis=self.axis, out=out)

    def dequantize(self, q: ArrayLike, *, out: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
        """`qkernels.dequantize` with these parameters; TypeError for a `q` of another dtype."""
        return dequantize(array_of(q, (self.dtype.name,), "q"), self.scale, self.zero_point, axis=self.axis, out=out)
