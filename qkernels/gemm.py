"""int8 matrix products: exact int32, or requantized in the same pass."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from . import _native
from .arguments import (
    RANGES,
    any_array,
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

_BYTES = tuple(RANGES)


class PackedWeights:
    """A (K, N) matrix of int8 or uint8, packed once for the instruction set in use; immutable, shared by threads.

    zero_point  of b: a number, or one for each of the N columns
    Raises TypeError for another dtype, ValueError for another number of dimensions or a zero point outside b's range.
    """

    def __init__(self, b: ArrayLike, zero_point: ArrayLike = 0) -> None:
        matrix, points = _matrix(b, zero_point, "b", "zero_point")
        self._shape = matrix.shape
        self._dtype = matrix.dtype
        self._has_zero_point = bool(points.any())
        self._native = _native.Weights(matrix, points)

    @property
    def shape(self) -> tuple[int, int]:
        """(K, N)"""
        return self._shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the matrix that was packed."""
        return self._dtype

    @property
    def implementation(self) -> str:
        """Name of the kernel that it is packed for."""
        return self._native.implementation

    def __repr__(self) -> str:
        return f"PackedWeights(shape={self.shape}, dtype={self.dtype.name}, implementation={self.implementation!r})"


def _matrix(b: ArrayLike, zero_point: ArrayLike, name: str, zero_point_name: str) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """The matrix and a zero point for each column."""
    matrix = any_array(b, name)
    if matrix.dtype.name not in _BYTES:
        raise TypeError(f"{name}: expected an array of uint8 or int8, got {matrix.dtype.name}")
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise ValueError(f"{name}: expected shape (K, N), both at least 1, got {matrix.shape}")
    points = integers(zero_point, zero_point_name, *RANGES[matrix.dtype.name])
    return matrix, per_channel(points, matrix.shape[1], zero_point_name)


def _packed(b: ArrayLike | PackedWeights, zero_point: ArrayLike, name: str, zero_point_name: str) -> PackedWeights:
    if not isinstance(b, PackedWeights):
        return PackedWeights(*_matrix(b, zero_point, name, zero_point_name))
    if np.any(any_array(zero_point, zero_point_name) != 0):
        raise ValueError(f"{zero_point_name}: PackedWeights have their own, given when they were packed")
    return b


def _left(a: ArrayLike, weights: PackedWeights) -> NDArray[Any]:
    array = array_of(a, _BYTES, "a")
    if array.ndim < 1 or array.shape[-1] != weights.shape[0]:
        raise ValueError(f"a: expected a last dimension of {weights.shape[0]}, the rows of b, got shape {array.shape}")
    return array


def _bias(bias: ArrayLike | None, columns: int) -> NDArray[np.int32] | None:
    return None if bias is None else per_channel(integers(bias, "bias"), columns, "bias")


def matmul(a: ArrayLike, b: ArrayLike | PackedWeights, *, a_zero_point: int = 0, b_zero_point: ArrayLike = 0,
           bias: ArrayLike | None = None, out: NDArray[np.int32] | None = None) -> NDArray[np.int32]:
    """sum_k (a[..., m, k] - a_zero_point) * (b[k, n] - b_zero_point[n]) + bias[n] in int32, exact modulo 2^32.

    a     (..., M, K) or (K,), uint8 or int8
    b     (K, N) uint8 or int8, or PackedWeights (whose zero point was given when packing)
    bias  int32, a number or N values
    out   int32 (..., M, N), C-contiguous, not overlapping a or b
    Raises TypeError for a wrong dtype, ValueError for a value or shape outside the above; `out` is then untouched.
    """
    if type(b) is PackedWeights and type(b_zero_point) is int and b_zero_point == 0:
        done = _native.linear_common(b._native, a, a_zero_point, bias, None, 0, np.uint8, None, None, out)
        if done is not None:
            return done
    weights = _packed(b, b_zero_point, "b", "b_zero_point")
    left = _left(a, weights)
    point = integer(a_zero_point, "a_zero_point", *RANGES[left.dtype.name])
    biases = _bias(bias, weights.shape[1])
    inputs = [np.asarray(a)] if isinstance(b, PackedWeights) else [np.asarray(a), np.asarray(b)]
    result = output(out, (*left.shape[:-1], weights.shape[1]), "int32", inputs)
    weights._native.run(left, left.size // weights.shape[0], result, point, biases, None, 0, 0, 0)
    return result


def linear(a: ArrayLike, weights: ArrayLike | PackedWeights, *, a_zero_point: int = 0, bias: ArrayLike | None = None,
           multiplier: ArrayLike | None = None, zero_point: int = 0, dtype: DTypeLike = np.uint8, lo: int | None = None,
           hi: int | None = None, out: NDArray[Any] | None = None) -> NDArray[Any]:
    """`matmul` and `requantize` in one pass: clamp(round_half_even(float32(acc) * multiplier[n]) + zero_point, lo, hi).

    multiplier  finite, a number or N values; None: the int32 sums themselves, as `matmul`
    dtype       uint8 or int8; float32 gives float32(acc) * multiplier, dequantized
    The weights' zero point must be 0 unless multiplier is None; zero_point, lo and hi keep their defaults without a
    multiplier and with float32. Other arguments and errors as for `matmul`.
    """
    if multiplier is None:
        refuse_unused(zero_point, lo, hi, "without a multiplier")
        output_dtype(dtype)
    if type(weights) is PackedWeights:
        done = _native.linear_common(weights._native, a, a_zero_point, bias, multiplier, zero_point, dtype, lo, hi, out)
        if done is not None:
            return done
    packed = _packed(weights, 0, "weights", "weights")
    if multiplier is None:
        return matmul(a, packed, a_zero_point=a_zero_point, bias=bias, out=out)
    if packed._has_zero_point or packed.dtype == np.uint8:
        raise ValueError("weights: expected int8 with zero point 0 where a multiplier is given, got "
                         f"{packed.dtype.name}{' with a zero point' if packed._has_zero_point else ''}")
    left = _left(a, packed)
    point = integer(a_zero_point, "a_zero_point", *RANGES[left.dtype.name])
    biases = _bias(bias, packed.shape[1])
    multipliers = per_channel(floats(multiplier, "multiplier"), packed.shape[1], "multiplier")
    name, low, high, out_point = output_dtype(dtype), 0, 0, 0
    if name in RANGES:
        out_point = integer(zero_point, "zero_point", *RANGES[name])
        low, high = bounds(lo, hi, name)
    else:
        refuse_unused(zero_point, lo, hi, "with dtype float32")
    inputs = [np.asarray(a)] if isinstance(weights, PackedWeights) else [np.asarray(a), np.asarray(weights)]
    result = output(out, (*left.shape[:-1], packed.shape[1]), name, inputs)
    packed._native.run(left, left.size // packed.shape[0], result, point, biases, multipliers, out_point, low, high)
    return result
