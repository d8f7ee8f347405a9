"""QuantizeLinear, DequantizeLinear and DynamicQuantizeLinear."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import qkernels as qk

from ..arguments import axis_of, floats
from .types import FLOATS, NARROW, QUANTIZED, as_bytes, supported, type_name

Array = NDArray[Any]


class _View(NamedTuple):
    """An array seen so that scale and zero point, each of one dimension, belong to `axis` (None: one for all)."""

    array: Array
    scale: Array
    zero_point: Array
    axis: int | None
    blocks: tuple[int, int] | None                # where it was cut into blocks: (axis, its length when filled up)

    def restored(self, result: Array, shape: tuple[int, ...]) -> Array:
        """What was made of `array`, as `shape`, which it is a view of."""
        if self.blocks is None:
            return result
        axis, filled = self.blocks
        lines = result.reshape(*shape[:axis], *shape[axis + 1:], filled)
        return np.ascontiguousarray(np.moveaxis(lines[..., :shape[axis]], -1, axis))


def _view(x: Array, scale: Array, zero_point: Array | None, axis: int, block_size: int, names: tuple[str, str]) -> _View:
    """Raises ValueError, under the names of scale and zero point, for shapes that are no granularity of ONNX."""
    points = np.zeros(scale.shape, np.int32) if zero_point is None else zero_point.astype(np.int32)
    if points.size != scale.size or (scale.size > 1 and points.shape != scale.shape):
        raise ValueError(f"{names[1]}: expected the shape of {names[0]}, {scale.shape}, got {points.shape}")
    if block_size:
        return _blocked(x, scale, points, axis, block_size, names[0])
    if scale.ndim > 1:
        raise ValueError(f"{names[0]}: expected a scalar or one dimension where block_size is 0, got shape {scale.shape}")
    return _View(x, scale.reshape(-1), points.reshape(-1), axis if scale.size > 1 else None, None)


def _blocked(x: Array, scale: Array, points: Array, axis: int, block_size: int, name: str) -> _View:
    """Every block of `block_size` elements along `axis` as a row; the last one of a line is filled up."""
    where = axis_of(axis, x.ndim)
    count = -(-x.shape[where] // block_size)
    expected = (*x.shape[:where], count, *x.shape[where + 1:])
    if block_size < 0 or scale.shape != expected:
        raise ValueError(f"{name}: expected shape {expected} for block_size {block_size} on axis {axis}, got {scale.shape}")
    lines = np.moveaxis(x, where, -1)
    filled = count * block_size
    rows = np.pad(lines, [(0, 0)] * (x.ndim - 1) + [(0, filled - x.shape[where])]).reshape(scale.size, block_size)
    each = (np.moveaxis(values, where, -1).reshape(-1) for values in (scale, points))
    return _View(rows, *each, 0, (where, filled))


def quantize_linear(x: Array, y_scale: Array, y_zero_point: Array | None = None, *, axis: int = 1, block_size: int = 0,
                    output_dtype: int = 0, precision: int = 0, saturate: int = 1) -> tuple[Array]:
    """saturate(round_half_even(x / y_scale) + y_zero_point), the division in `precision`, by default y_scale's type.

    Integers are taken as float32. `saturate` concerns float8 alone.
    """
    supported(x.dtype.name, "x", *FLOATS, "int32")
    target = y_zero_point.dtype.name if y_zero_point is not None else type_name(output_dtype) if output_dtype else "uint8"
    supported(target, "y", *QUANTIZED)
    if output_dtype and type_name(output_dtype) != target:
        raise ValueError(f"output_dtype: expected {target}, the type of y_zero_point, got {type_name(output_dtype)}")
    division = supported(y_scale.dtype.name, "y_scale", *FLOATS, "int32")
    if precision:
        division = supported(type_name(precision), "precision", *FLOATS)
    view = _view(x, y_scale, y_zero_point, axis, block_size, ("y_scale", "y_zero_point"))
    scale, real = view.scale.astype(np.float32), view.array.astype(np.float32)
    if division in ("float16", "bfloat16"):
        real, scale = _divided(view.array, view.scale, view.axis, np.dtype(division)), np.ones_like(scale)
    stored = target if target not in NARROW else "uint8" if target.startswith("u") else "int8"
    q = qk.quantize(real, floats(scale, "y_scale", positive=True), view.zero_point, dtype=stored, axis=view.axis)
    if target in NARROW:
        q = q.clip(*NARROW[target]).astype(target)
    return (view.restored(q, x.shape),)


def _divided(x: Array, scale: Array, axis: int | None, dtype: np.dtype[Any]) -> NDArray[np.float32]:
    """x / scale with operands and quotient of `dtype`, which the kernels have no division of."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        floats(scale.astype(dtype).astype(np.float32), "y_scale", positive=True)
        shape = [1] * x.ndim
        if axis is not None:
            shape[axis_of(axis, x.ndim)] = -1
        return (x.astype(dtype) / scale.astype(dtype).reshape(shape)).astype(np.float32)


def dequantize_linear(x: Array, x_scale: Array, x_zero_point: Array | None = None, *, axis: int = 1, block_size: int = 0,
                      output_dtype: int = 0) -> tuple[Array]:
    """(x - x_zero_point) * x_scale in float32, rounded once more to a shorter `output_dtype`, by default x_scale's type."""
    supported(x.dtype.name, "x", *QUANTIZED, "int32")
    target = supported(type_name(output_dtype) if output_dtype else x_scale.dtype.name, "y", *FLOATS)
    supported(x_scale.dtype.name, "x_scale", *FLOATS)
    if x_zero_point is not None and x_zero_point.dtype != x.dtype:
        raise TypeError(f"x_zero_point: expected {x.dtype.name}, the type of x, got {x_zero_point.dtype.name}")
    view = _view(as_bytes(x), x_scale, x_zero_point, axis, block_size, ("x_scale", "x_zero_point"))
    scale = floats(view.scale.astype(np.float32), "x_scale", positive=True)
    real = qk.dequantize(view.array, scale, view.zero_point, axis=view.axis)
    with np.errstate(over="ignore"):
        return (view.restored(real.astype(target, copy=False), x.shape),)


def dynamic_quantize_linear(x: Array) -> tuple[Array, Array, Array]:
    """uint8, its scale and its zero point, from the range of x widened to hold 0."""
    q, scale, zero_point = qk.quantize_dynamic(x)
    return q, np.asarray(scale, np.float32), np.asarray(zero_point, np.uint8)
