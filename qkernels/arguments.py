"""What the public functions ask of their arguments. Each check names the argument, what came and what was expected."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

RANGES = {"uint8": (0, 255), "int8": (-128, 127)}
AFFINE_RANGES = {**RANGES, "uint16": (0, 65535), "int16": (-32768, 32767)}   # what quantize and dequantize know beside bytes


def quantized_dtype(dtype: DTypeLike, name: str = "dtype", known: Collection[str] = tuple(RANGES)) -> str:
    """'uint8' or 'int8', or another name of `known`."""
    try:
        found = np.dtype(dtype).name
    except TypeError:
        found = repr(dtype)
    if found not in known:
        raise TypeError(f"{name}: expected {' or '.join(known)}, got {found}")
    return found


def any_array(value: Any, name: str) -> NDArray[Any]:
    """`value` as NumPy takes it; ValueError for nested sequences that are no array."""
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name}: expected an array, got nested sequences of unequal lengths") from error


def array_of(value: Any, dtypes: Sequence[str], name: str, *, dimensions: int | None = None) -> NDArray[Any]:
    """`value` as an aligned C-contiguous array (copied only if it is not one) of one of `dtypes`, with no cast."""
    array = any_array(value, name)
    if array.dtype.name not in dtypes:
        raise TypeError(f"{name}: expected an array of {' or '.join(dtypes)}, got {array.dtype.name}")
    if dimensions is not None and array.ndim != dimensions:
        raise ValueError(f"{name}: expected {dimensions} dimensions, got shape {array.shape}")
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    # ascontiguousarray would turn a scalar into an array of one dimension, and leave a misaligned array as it is
    return array if array.flags.c_contiguous and array.flags.aligned else array.copy("C")


def floats(value: ArrayLike, name: str, *, positive: bool = False) -> NDArray[np.float32]:
    """Finite float32 values of at most one dimension, as one dimension; > 0 as float32 if `positive`."""
    given = np.atleast_1d(any_array(value, name))
    expected = f"{'positive ' if positive else ''}finite float32 values"
    if _is_beyond_int64(given):
        raise ValueError(f"{name}: expected {expected}, got an integer beyond 64 bits")
    if given.dtype.kind not in "fiu":
        raise TypeError(f"{name}: expected real numbers, got {given.dtype.name}")
    with np.errstate(over="ignore"):              # beyond float32 is infinity, refused below
        array = given.astype(np.float32)
    if array.ndim != 1:
        raise ValueError(f"{name}: expected a number or one dimension, got shape {array.shape}")
    if not np.isfinite(array).all() or (positive and not (array > 0).all()):
        raise ValueError(f"{name}: expected {expected}, got {value!r}")
    return np.ascontiguousarray(array)


def integers(value: ArrayLike, name: str, lo: int = -2**31, hi: int = 2**31 - 1) -> NDArray[np.int32]:
    """Integers in lo..hi of at most one dimension, as one dimension of int32."""
    array = np.atleast_1d(any_array(value, name))
    if _is_beyond_int64(array):
        raise ValueError(f"{name}: expected values in {lo}..{hi}, got an integer beyond 64 bits")
    if array.size and array.dtype.kind not in "iu":   # an empty list is float64; what it lacks is values
        raise TypeError(f"{name}: expected integers, got {array.dtype.name}")
    if array.ndim != 1:
        raise ValueError(f"{name}: expected an integer or one dimension, got shape {array.shape}")
    if array.size and not (lo <= int(array.min()) and int(array.max()) <= hi):
        raise ValueError(f"{name}: expected values in {lo}..{hi}, got {value!r}")
    return np.require(array, np.int32, "CA")


def _is_beyond_int64(array: NDArray[Any]) -> bool:
    """Whether NumPy made objects of Python's integers because it has no type for them."""
    return array.dtype == object and array.size > 0 and all(type(item) is int for item in array.flat)


def integer(value: Any, name: str, lo: int, hi: int) -> int:
    """One integer in lo..hi."""
    found = integers(value, name, lo, hi)
    if found.size != 1:
        raise ValueError(f"{name}: expected one integer, got {value!r}")
    return int(found[0])


def per_channel(values: NDArray[Any], count: int, name: str) -> NDArray[Any]:
    """`values` of length 1 or `count`, as length `count`."""
    if values.size not in (1, count):
        raise ValueError(f"{name}: expected 1 value or {count}, one a channel, got {values.size}")
    return values if values.size == count else np.ascontiguousarray(np.broadcast_to(values, count))


def outer_channels_inner(shape: tuple[int, ...], axis: int | None, channels: int, name: str) -> tuple[int, int, int]:
    """`shape` seen as (outer, channels, inner); per tensor if `channels` is 1."""
    if axis is None and channels != 1:
        raise ValueError(f"{name}: {channels} values need axis=, the dimension that they belong to")
    where = 0 if axis is None else axis_of(axis, len(shape))
    if channels == 1:
        return 1, 1, math.prod(shape)
    if shape[where] != channels:
        raise ValueError(f"{name}: expected 1 value or {shape[where]}, the length of axis {axis}, got {channels}")
    return math.prod(shape[:where]), channels, math.prod(shape[where + 1:])


def output_dtype(dtype: DTypeLike) -> str:
    """'uint8', 'int8' or 'float32'."""
    try:
        found = np.dtype(dtype).name
    except TypeError:
        found = repr(dtype)
    if found != "float32" and found not in RANGES:
        raise TypeError(f"dtype: expected uint8, int8 or float32, got {found}")
    return found


def refuse_unused(zero_point: Any, lo: Any, hi: Any, why: str) -> None:
    """ValueError for an argument of the quantized epilogue where there is none: it would change nothing."""
    for name, value, is_default in (("zero_point", zero_point, not np.any(any_array(zero_point, "zero_point") != 0)),
                                    ("lo", lo, lo is None), ("hi", hi, hi is None)):
        if not is_default:
            raise ValueError(f"{name}: expected its default {why}, got {value!r}")


def axis_number(axis: Any) -> int:
    """An integer."""
    if not isinstance(axis, (int, np.integer)) or isinstance(axis, bool):
        raise TypeError(f"axis: expected an integer or None, got {axis!r}")
    return int(axis)


def axis_of(axis: Any, dimensions: int) -> int:
    """A dimension's number, negative ones counted from the end."""
    number = axis_number(axis)
    if not -dimensions <= number < dimensions:
        expected = f"{-dimensions}..{dimensions - 1}" if dimensions else "None for a scalar"
        raise ValueError(f"axis: expected {expected}, got {axis}")
    return number % dimensions


def bounds(lo: Any, hi: Any, dtype: str) -> tuple[int, int]:
    """The clamp's ends, by default the dtype's."""
    least, most = RANGES[dtype]
    low = least if lo is None else integer(lo, "lo", least, most)
    high = most if hi is None else integer(hi, "hi", least, most)
    if low > high:
        raise ValueError(f"lo: expected at most hi = {high}, got {low}")
    return low, high


def output(out: Any, shape: tuple[int, ...], dtype: str, inputs: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """`out` if it fits, a new array if it is None. It must not share memory with an input: results are written as they
    are made."""
    if out is None:
        return _new(shape, dtype)
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out: expected a NumPy array, got {type(out).__name__}")
    if out.dtype != np.dtype(dtype):
        swapped = "" if out.dtype.isnative else " of the other byte order"
        raise TypeError(f"out: expected {dtype}, got {out.dtype.name}{swapped}")
    if out.shape != shape:
        raise ValueError(f"out: expected shape {shape}, got {out.shape}")
    if not (out.flags.c_contiguous and out.flags.aligned and out.flags.writeable):
        raise ValueError("out: expected a writeable, aligned, C-contiguous array")
    if any(np.may_share_memory(out, array) for array in inputs):
        raise ValueError("out: overlaps an input")
    return out


def _new(shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    try:
        return np.empty(shape, dtype)
    except ValueError as error:                   # more bytes than an address can count
        raise MemoryError(f"out: no memory for an array of shape {shape}") from error
