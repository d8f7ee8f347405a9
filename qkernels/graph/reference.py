"""What each node of the graph means, in NumPy: exact integers, then the rounding rule of the numerics contract.

Written to be obviously right, not fast: the importer's tests and the report's checks compare with it.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import ir

Array = NDArray[Any]


def evaluate(node: ir.Node, *inputs: Array) -> Array:
    """The output of one node for its inputs, arrays of the shapes and dtypes of the nodes it reads.

    Raises KeyError for a node without a definition (an Input has none).
    """
    return _EVALUATORS[type(node)](node, *inputs)


def evaluate_graph(graph: ir.Graph, *inputs: Array) -> tuple[Array, ...]:
    """The outputs of the whole graph for its inputs, in the order of `graph.inputs`."""
    values: dict[str, Array] = dict(zip(graph.inputs, inputs, strict=True))
    for node in graph.nodes:
        if not isinstance(node, ir.Input):
            values[node.name] = evaluate(node, *(values[name] for name in node.inputs))
    return tuple(values[name] for name in graph.outputs)


def _finish(node: ir.Epilogue, acc: Array) -> Array:
    """`acc` int64, bias included and inside int32 -> the node's output."""
    product = acc.astype(np.float32) * node.multiplier
    return product if node.dtype == "float32" else _rounded(node, _activated(node, product))


def _activated(node: ir.Epilogue, v: Array) -> Array:
    """float32, an operation a rounding."""
    if not node.activation:
        return v
    gate = np.minimum(np.maximum(v + np.float32(3), np.float32(0)), np.float32(6))
    return (v * gate if node.activation == "hard_swish" else gate) * np.float32(node.activation_scale)


def _rounded(node: ir.Epilogue, steps: Array) -> Array:
    return np.clip(np.rint(steps) + np.float32(node.zero_point), node.lo, node.hi).astype(node.dtype)


def _quantize(node: ir.Quantize, x: Array) -> Array:
    limits = np.iinfo(node.dtype)
    scale, zero_point = node.affine()
    q = np.rint(x / scale) + zero_point
    return np.clip(np.where(np.isnan(q), zero_point, q), limits.min, limits.max).astype(node.dtype)


def _dequantize(node: ir.Dequantize, q: Array) -> Array:
    return node.input_scale * (q.astype(np.int32) - node.input_zero_point).astype(np.float32)


def _windows(x: Array, out: tuple[int, int], at: tuple[int, int], stride: ir.Pair) -> Array:
    """The elements of `x` (n, h, w, c) that one tap of the kernel, at row and column `at`, meets: (n, *out, c)."""
    rows = slice(at[0], at[0] + (out[0] - 1) * stride[0] + 1, stride[0])
    columns = slice(at[1], at[1] + (out[1] - 1) * stride[1] + 1, stride[1])
    return x[:, rows, columns]


def _conv2d(node: ir.Conv2d, q: Array) -> Array:
    top, left, bottom, right = node.padding
    # float64 holds every sum of these products exactly (below 2^53) and has a fast matrix product
    x = np.pad(q.astype(np.float64) - node.input_zero_point, ((0, 0), (top, bottom), (left, right), (0, 0)))
    kernel_h, kernel_w, per_group, channels_out = node.weights.shape
    out = node.shape[1], node.shape[2]
    weights = node.weights.astype(np.float64).reshape(kernel_h, kernel_w, per_group, node.groups, -1)
    acc = np.zeros((*node.shape[:3], node.groups, channels_out // node.groups))
    for i in range(kernel_h):
        for j in range(kernel_w):
            taps = _windows(x, out, (i * node.dilation[0], j * node.dilation[1]), node.stride)
            taps = taps.reshape(*taps.shape[:3], node.groups, per_group)
            if per_group == 1:  # depthwise: one product instead of one per group
                acc += taps * weights[i, j, 0]
                continue
            for g in range(node.groups):
                acc[..., g, :] += taps[..., g, :] @ weights[i, j, :, g]
    return _finish(node, acc.reshape(node.shape).astype(np.int64) + node.bias)


def _linear(node: ir.Linear, q: Array) -> Array:
    acc = (q.astype(np.float64) - node.input_zero_point) @ node.weights.astype(np.float64)
    return _finish(node, acc.astype(np.int64) + node.bias)


def _average_pool(node: ir.AveragePool, q: Array) -> Array:
    sums = np.sum(_taps(node, q.astype(np.int64) - node.input_zero_point), axis=0)
    if not node.exclude_pad:
        return _finish(node, sums)
    inside = np.sum(_taps(node, np.ones_like(q[..., :1], np.int64)), axis=0).astype(np.float32)
    return _finish(replace(node, multiplier=node.multiplier * (np.float32(node.kernel[0] * node.kernel[1]) / inside)), sums)


def _max_pool(node: ir.MaxPool, q: Array) -> Array:
    return np.max(_taps(node, q), axis=0)   # padded with the least of all values


def _taps(node: ir.AveragePool | ir.MaxPool, x: Array) -> list[Array]:
    """What each position of the kernel meets, zeros in the padding."""
    top, left, bottom, right = node.padding
    padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
    positions = [(i, j) for i in range(node.kernel[0]) for j in range(node.kernel[1])]
    return [_windows(padded, node.shape[1:3], at, node.stride) for at in positions]


def _arithmetic(node: ir.Arithmetic, a: Array, b: Array) -> Array:
    first, second = (q.astype(np.int32) - np.int32(zero) for q, zero in zip((a, b), node.zero_points))
    if node.operation == "multiply":
        return _rounded(node, (first * second).astype(np.float32) * node.multiplier[0])
    return _rounded(node, first.astype(np.float32) * node.multiplier[0] + second.astype(np.float32) * node.multiplier[1])


def _table(node: ir.Table, q: Array) -> Array:
    return node.table[q]


def _transpose(node: ir.Transpose, x: Array) -> Array:
    return x.transpose((0, 2, 3, 1) if node.channels_first else (0, 3, 1, 2))


def _softmax(node: ir.Softmax, x: Array) -> Array:
    exponentials = np.exp(x - x.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def _reshape(node: ir.Reshape, x: Array) -> Array:
    return x.reshape(node.shape)


_EVALUATORS: dict[type[ir.Node], Callable[..., Array]] = {
    ir.Quantize: _quantize,
    ir.Dequantize: _dequantize,
    ir.Conv2d: _conv2d,
    ir.Linear: _linear,
    ir.AveragePool: _average_pool,
    ir.MaxPool: _max_pool,
    ir.Arithmetic: _arithmetic,
    ir.Table: _table,
    ir.Softmax: _softmax,
    ir.Transpose: _transpose,
    ir.Reshape: _reshape,
}
