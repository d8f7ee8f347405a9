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


def array_of(value: Any, dtypes: Sequence[str], name: str, *, dimensions: int | None = None) -> NDArray[Any]:
    """`value` as a C-contiguous array (copied only if it is not one) of one of `dtypes`, with no cast."""
    array = np.asarray(value)
    if array.dtype.name not in dtypes:
        raise TypeError(f"{name}: expected an array of {' or '.join(dtypes)}, got {array.dtype.name}")
    if dimensions is not None and array.ndim != dimensions:
        raise ValueError(f"{name}: expected {dimensions} dimensions, got shape {array.shape}")
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    # ascontiguousarray would turn a scalar into an array of one dimension
    return array if array.flags.c_contiguous else np.ascontiguousarray(array)


def floats(value: ArrayLike, name: str, *, positive: bool = False) -> NDArray[np.float32]:
    """Finite float32 values of at most one dimension, as one dimension; > 0 as float32 if `positive`."""
    given = np.atleast_1d(np.asarray(value))
    if given.dtype.kind not in "fiu":
        raise TypeError(f"{name}: expected real numbers, got {given.dtype.name}")
    with np.errstate(over="ignore"):              # beyond float32 is infinity, refused below
        array = given.astype(np.float32)
    if array.ndim != 1:
        raise ValueError(f"{name}: expected a number or one dimension, got shape {array.shape}")
    if not np.isfinite(array).all() or (positive and not (array > 0).all()):
        raise ValueError(f"{name}: expected {'positive ' if positive else ''}finite float32 values, got {value!r}")
    return np.ascontiguousarray(array)


def integers(value: ArrayLike, name: str, lo: int = -2**31, hi: int = 2**31 - 1) -> NDArray[np.int32]:
    """Integers in lo..hi of at most one dimension, as one dimension of int32."""
    array = np.atleast_1d(np.asarray(value))
    if array.dtype.kind not in "iu":
        raise TypeError(f"{name}: expected integers, got {array.dtype.name}")
    if array.ndim != 1:
        raise ValueError(f"{name}: expected an integer or one dimension, got shape {array.shape}")
    if array.size and not (lo <= int(array.min()) and int(array.max()) <= hi):
        raise ValueError(f"{name}: expected values in {lo}..{hi}, got {value!r}")
    return np.ascontiguousarray(array, np.int32)


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
    if channels == 1:
        return 1, 1, math.prod(shape)
    if axis is None:
        raise ValueError(f"{name}: {channels} values need axis=, the dimension that they belong to")
    where = axis_of(axis, len(shape))
    if shape[where] != channels:
        raise ValueError(f"{name}: expected 1 value or {shape[where]}, the length of axis {axis}, got {channels}")
    return math.prod(shape[:where]), channels, math.prod(shape[where + 1:])


def output_dtype(dtype: DTypeLike) -> str:
    """'uint8', 'int8' or 'float32'."""
    name = getattr(dtype, "__name__", str(dtype))
    return name if name == "float32" else quantized_dtype(dtype)


def axis_of(axis: Any, dimensions: int) -> int:
    """A dimension's number, negative ones counted from the end."""
    if not isinstance(axis, (int, np.integer)) or isinstance(axis, bool):
        raise TypeError(f"axis: expected an integer or None, got {axis!r}")
    if not -dimensions <= axis < dimensions:
        raise ValueError(f"axis: expected {-dimensions}..{dimensions - 1}, got {axis}")
    return int(axis) % dimensions


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
        return np.empty(shape, dtype)
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out: expected a NumPy array, got {type(out).__name__}")
    if out.dtype != np.dtype(dtype):
        raise TypeError(f"out: expected {dtype}, got {out.dtype.name}")
    if out.shape != shape:
        raise ValueError(f"out: expected shape {shape}, got {out.shape}")
    if not out.flags.c_contiguous or not out.flags.writeable:
        raise ValueError("out: expected a writeable C-contiguous array")
    if any(np.may_share_memory(out, array) for array in inputs):
        raise ValueError("out: overlaps an input")
    return out
