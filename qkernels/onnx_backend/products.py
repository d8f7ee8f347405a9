"""MatMulInteger, QLinearMatMul, ConvInteger and QLinearConv."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import qkernels as qk

from .types import FLOATS, UnsupportedError, supported

Array = NDArray[Any]
BYTES = ("uint8", "int8")


def matmul_integer(a: Array, b: Array, a_zero_point: Array | None = None, b_zero_point: Array | None = None) -> tuple[Array]:
    """(a - a_zero_point) @ (b - b_zero_point) in int32, shapes as numpy.matmul's.

    a_zero_point  one value, or one for each row of a: (M,) or (..., M, 1)
    b_zero_point  one value, or one for each column of b: (N,) or (..., 1, N)
    """
    return (_restored(_sums(a, b, a_zero_point, b_zero_point), a, b),)


def qlinear_matmul(a: Array, a_scale: Array, a_zero_point: Array, b: Array, b_scale: Array, b_zero_point: Array, y_scale: Array,
                   y_zero_point: Array) -> tuple[Array]:
    """The product of `matmul_integer`, times a_scale * b_scale / y_scale, requantized; scales have the zero points' shapes."""
    sums = _sums(a, b, a_zero_point, b_zero_point)
    rows = _of_rows(_scale(a_scale, "a_scale"), max(a.ndim, 2), a.shape[-2] if a.ndim > 1 else 1, "a_scale")
    columns = _of_columns(_scale(b_scale, "b_scale"), max(b.ndim, 2), b.shape[-1] if b.ndim > 1 else 1, "b_scale")
    factors = rows * columns / _one(_scale(y_scale, "y_scale"), "y_scale")
    return (_restored(_requantized(sums, factors, y_zero_point), a, b),)


def conv_integer(x: Array, w: Array, x_zero_point: Array | None = None, w_zero_point: Array | None = None, **attributes: Any
                 ) -> tuple[Array]:
    """The convolution of x - x_zero_point with w - w_zero_point in int32: (N, C, H, W) with (M, C / group, kH, kW)."""
    return (_channels_first(_convolved(x, w, x_zero_point, w_zero_point, None, attributes), x.ndim),)


def qlinear_conv(x: Array, x_scale: Array, x_zero_point: Array, w: Array, w_scale: Array, w_zero_point: Array, y_scale: Array,
                 y_zero_point: Array, bias: Array | None = None, **attributes: Any) -> tuple[Array]:
    """The convolution of `conv_integer` plus bias, times x_scale * w_scale / y_scale, requantized."""
    sums = _convolved(x, w, x_zero_point, w_zero_point, bias, attributes)
    weights_scale = _per_output(_scale(w_scale, "w_scale"), w.shape[0], "w_scale")
    factors = _one(_scale(x_scale, "x_scale"), "x_scale") * weights_scale / _one(_scale(y_scale, "y_scale"), "y_scale")
    return (_channels_first(_requantized(sums, factors, y_zero_point), x.ndim),)


def _scale(scale: Array, name: str) -> NDArray[np.float64]:
    """In float64, so that a multiplier is rounded once, to the kernels' float32."""
    supported(scale.dtype.name, name, *FLOATS)
    values = scale.astype(np.float64)
    if not (np.isfinite(values) & (values > 0)).all():
        raise ValueError(f"{name}: expected positive finite values, got {scale!r}")
    return values


def _one(values: Array, name: str) -> Any:
    if values.size != 1:
        raise ValueError(f"{name}: expected one value, got shape {values.shape}")
    return values.reshape(-1)[0]


def _zero_point(values: Array | None, dtype: np.dtype[Any], name: str) -> NDArray[np.int32]:
    if values is not None and values.dtype != dtype:
        raise TypeError(f"{name}: expected {dtype.name}, the type of what it belongs to, got {values.dtype.name}")
    return np.zeros((), np.int32) if values is None else values.astype(np.int32)


def _requantized(sums: NDArray[np.int32], factors: NDArray[np.float64], zero_point: Array) -> Array:
    """`factors` that broadcast to the sums: one, one for each index of the last axis, or of any other shape."""
    supported(zero_point.dtype.name, "y_zero_point", *BYTES)
    point, dtype = int(_one(zero_point, "y_zero_point")), zero_point.dtype
    with np.errstate(over="ignore"):              # infinity, which the kernels refuse
        multipliers = np.asarray(factors).astype(np.float32)
    if multipliers.size in (1, multipliers.shape[-1] if multipliers.ndim else 1):
        return qk.requantize(sums, multipliers.reshape(-1), point, dtype=dtype, axis=-1)
    flat = np.broadcast_to(multipliers, sums.shape).reshape(-1)
    return qk.requantize(sums.reshape(-1), flat, point, dtype=dtype, axis=0).reshape(sums.shape)


# --- matrix products ---

def _sums(a: Array, b: Array, a_zero_point: Array | None, b_zero_point: Array | None) -> NDArray[np.int32]:
    """(..., M, N); vectors are matrices of one row or column."""
    supported(a.dtype.name, "a", *BYTES)
    supported(b.dtype.name, "b", *BYTES)
    if 0 in (a.ndim, b.ndim):
        raise ValueError(f"a, b: expected at least one dimension, got shapes {a.shape} and {b.shape}")
    left, right = a[None] if a.ndim == 1 else a, b[:, None] if b.ndim == 1 else b
    if left.shape[-1] != right.shape[-2]:
        raise ValueError(f"b: expected {left.shape[-1]} rows, the columns of a, got shape {b.shape}")
    rows = _of_rows(_zero_point(a_zero_point, a.dtype, "a_zero_point"), left.ndim, left.shape[-2], "a_zero_point")
    columns = _of_columns(_zero_point(b_zero_point, b.dtype, "b_zero_point"), right.ndim, right.shape[-1], "b_zero_point")
    # zero points may have leading dimensions of 1 where their matrices have others
    columns = np.broadcast_to(columns, (*right.shape[:-2], 1, right.shape[-1]))
    rows = np.broadcast_to(rows, (*left.shape[:-1], 1))
    stack = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    shape = (*stack, left.shape[-2], right.shape[-1])
    if 0 in shape or left.shape[-1] == 0:
        return np.zeros(shape, np.int32)
    if right.size == right.shape[-2] * right.shape[-1]:           # one matrix for all
        return _product(left, right.reshape(right.shape[-2:]), rows, columns.reshape(-1)).reshape(shape)
    lefts = np.broadcast_to(left, (*stack, *left.shape[-2:]))
    rights = np.broadcast_to(right, (*stack, *right.shape[-2:]))
    rows = np.broadcast_to(rows, (*stack, *rows.shape[-2:]))
    columns = np.broadcast_to(columns, (*stack, *columns.shape[-2:]))
    result = np.empty(shape, np.int32)
    for at in np.ndindex(stack):
        result[at] = _product(lefts[at], rights[at], rows[at], columns[at][0])
    return result


def _product(a: Array, b: Array, rows: NDArray[np.int32], columns: NDArray[np.int32]) -> NDArray[np.int32]:
    """`rows` (..., M, 1) and `columns` (N,) are the zero points.

    sum_k (a[m, k] - z[m]) (b[k, n] - y[n]) = sum_k a[m, k] (b[k, n] - y[n]) - z[m] sum_k (b[k, n] - y[n])
    """
    weights = qk.PackedWeights(b, columns)
    if (rows == rows.flat[0]).all():
        return qk.matmul(a, weights, a_zero_point=int(rows.flat[0]))
    return qk.matmul(a, weights) - rows * qk.matmul(np.ones((1, b.shape[0]), np.uint8), weights)


def _of_rows(values: Array, dimensions: int, rows: int, name: str) -> Array:
    """One value, (M,) or (..., M, 1), as an array of `dimensions` that broadcasts over the rows of a matrix."""
    if values.size == 1:
        return values.reshape((1,) * dimensions)
    if values.shape == (rows,):
        return values.reshape((1,) * (dimensions - 2) + (rows, 1))
    if values.ndim != dimensions or values.shape[-2:] != (rows, 1):
        raise ValueError(f"{name}: expected one value, ({rows},) or (..., {rows}, 1), got shape {values.shape}")
    return values


def _of_columns(values: Array, dimensions: int, columns: int, name: str) -> Array:
    """One value, (N,) or (..., 1, N), likewise."""
    if values.size == 1 or values.shape == (columns,):
        return values.reshape((1,) * (dimensions - 1) + (-1,))
    if values.ndim != dimensions or values.shape[-2:] != (1, columns):
        raise ValueError(f"{name}: expected one value, ({columns},) or (..., 1, {columns}), got shape {values.shape}")
    return values


def _restored(result: Array, a: Array, b: Array) -> Array:
    """Without the dimension that a vector was given."""
    if a.ndim == 1:
        result = result[..., 0, :]
    return result[..., 0] if b.ndim == 1 else result


# --- convolutions ---

def _convolved(x: Array, w: Array, x_zero_point: Array | None, w_zero_point: Array | None, bias: Array | None,
               attributes: dict[str, Any]) -> NDArray[np.int32]:
    """(N, H, W, M). The kernels take int8 weights without zero point z: sum x (w - z) = sum x w - z sum x, the latter a
    convolution with ones."""
    supported(x.dtype.name, "x", *BYTES)
    supported(w.dtype.name, "w", *BYTES)
    if x.ndim not in (3, 4):
        raise UnsupportedError(f"x: expected one or two spatial dimensions, got shape {x.shape}")
    if w.ndim != x.ndim:
        raise ValueError(f"w: expected {x.ndim} dimensions, as x has, got shape {w.shape}")
    geometry = _geometry(x.shape[2:], w.shape[2:], **attributes)
    point = int(_one(_zero_point(x_zero_point, x.dtype, "x_zero_point"), "x_zero_point"))
    points = _per_output(_zero_point(w_zero_point, w.dtype, "w_zero_point"), w.shape[0], "w_zero_point")
    if x.ndim == 3:
        x, w = x[:, :, None], w[:, :, None]
    image, weights = np.ascontiguousarray(x.transpose(0, 2, 3, 1)), w.transpose(2, 3, 1, 0)
    if w.dtype == np.uint8:
        weights, points = (weights ^ np.uint8(0x80)).view(np.int8), points - 128
    sums = qk.conv2d(image, weights, x_zero_point=point, bias=bias, **geometry)
    if not points.any():
        return sums
    groups = geometry["groups"]
    windows = qk.conv2d(image, np.ones((*weights.shape[:3], groups), np.int8), x_zero_point=point, **geometry)
    return sums - points * np.repeat(windows, w.shape[0] // groups, axis=3)


def _geometry(image: tuple[int, ...], kernel: tuple[int, ...], *, auto_pad: bytes = b"NOTSET", dilations: Any = None,
              group: int = 1, kernel_shape: Any = None, pads: Any = None, strides: Any = None) -> dict[str, Any]:
    """ONNX's attributes as the arguments of conv2d; a one-dimensional image is one row."""
    steps = _lengths(strides, (1,) * len(image), "strides")
    spread = _lengths(dilations, (1,) * len(image), "dilations")
    if tuple(kernel_shape or kernel) != kernel:
        raise ValueError(f"kernel_shape: expected {kernel}, the shape of w, got {tuple(kernel_shape)}")
    sides = _lengths(pads, (0,) * (2 * len(image)), "pads")
    if auto_pad != b"NOTSET" and pads is not None:
        raise ValueError("pads: expected none beside auto_pad")
    if auto_pad in (b"SAME_UPPER", b"SAME_LOWER"):
        totals = [max((-(-size // step) - 1) * step + (window - 1) * wide + 1 - size, 0)
                  for size, step, window, wide in zip(image, steps, kernel, spread)]
        halves = tuple(total // 2 for total in totals)
        others = tuple(total - total // 2 for total in totals)
        sides = halves + others if auto_pad == b"SAME_UPPER" else others + halves
    elif auto_pad not in (b"NOTSET", b"VALID"):
        raise ValueError(f"auto_pad: expected NOTSET, SAME_UPPER, SAME_LOWER or VALID, got {auto_pad.decode()}")
    before, after = sides[:len(image)], sides[len(image):]
    if len(image) == 1:
        steps, spread, before, after = (1, *steps), (1, *spread), (0, *before), (0, *after)
    return {"stride": steps, "dilation": spread, "padding": (*before, *after), "groups": group}


def _lengths(given: Any, default: tuple[int, ...], name: str) -> tuple[int, ...]:
    found = default if given is None else tuple(given)
    if len(found) != len(default):
        raise ValueError(f"{name}: expected {len(default)} integers, got {found}")
    return found


def _per_output(values: Array, outputs: int, name: str) -> Array:
    """One value, or one for each output channel, as one dimension."""
    if values.size != 1 and values.shape != (outputs,):
        raise ValueError(f"{name}: expected one value or ({outputs},), got shape {values.shape}")
    return values.reshape(-1)


def _channels_first(result: Array, dimensions: int) -> Array:
    """(N, H, W, M) as (N, M, H, W), or (N, M, W) for a one-dimensional image."""
    moved = result.transpose(0, 3, 1, 2)
    return np.ascontiguousarray(moved if dimensions == 4 else moved[:, :, 0])
