"""The saturation audit of a layer; see `qkernels.saturation` for what is counted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qkernels.graph import ir
from qkernels.saturation import count_saturating_weights, count_saturations


@dataclass(frozen=True)
class Saturation:
    """`count` of `sums` of two products saturate; `weights` of `weight_pairs` pairs could, for some activations."""

    count: int
    sums: int
    weights: int
    weight_pairs: int


def audit(node: ir.Node, x: NDArray[np.uint8]) -> Saturation | None:
    """What a kernel built on VPMADDUBSW would suffer in this layer on the activations `x` (uint8, NHWC).

    Pairs are neighbouring input channels under one tap of the kernel, within a group; an odd last channel is alone. None where
    no two products are added so: other layers than products, depthwise convolutions, which have one channel a group, and
    weights beyond int8.
    """
    if not isinstance(node, ir.Product) or node.weights.dtype != np.int8:
        return None
    count = sums = weights = weight_pairs = 0
    for a, b in _products(node, x):
        count += count_saturations(a, b)
        weights += count_saturating_weights(b)
        pairs = b.shape[1] * (b.shape[0] // 2)
        sums += a.size // a.shape[-1] * pairs
        weight_pairs += pairs
    return Saturation(count, sums, weights, weight_pairs) if weight_pairs else None


def _products(node: ir.Node, x: NDArray[np.uint8]) -> Iterator[tuple[NDArray[Any], NDArray[np.int8]]]:
    """Matrix products whose sum the layer is: its activations (..., K), its weights (K, N)."""
    if isinstance(node, ir.Linear):
        yield x, node.weights
    elif isinstance(node, ir.Conv2d) and node.weights.shape[2] > 1:
        padded = _padded(node, x)
        channels, per_group = node.weights.shape[2], node.weights.shape[3] // node.groups
        for i, j in np.ndindex(node.weights.shape[:2]):
            rows, columns = (slice(at * step, at * step + (size - 1) * by + 1, by)
                             for at, step, size, by in zip((i, j), node.dilation, node.shape[1:3], node.stride))
            for g in range(node.groups):
                yield (padded[:, rows, columns, g * channels:(g + 1) * channels],
                       node.weights[i, j, :, g * per_group:(g + 1) * per_group])


def _padded(node: ir.Conv2d, x: NDArray[np.uint8]) -> NDArray[np.uint8]:
    top, left, bottom, right = node.padding
    batch, height, width, channels = x.shape
    padded = np.empty((batch, height + top + bottom, width + left + right, channels), np.uint8)
    padded[:] = node.input_zero_point.astype(np.uint8)
    padded[:, top:top + height, left:left + width] = x
    return padded
