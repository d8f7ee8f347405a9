"""Rounding of weights by what it does to a layer's output, instead of each to its nearest step.

Weights are rounded one after the other; what each loses is made up for by those that are still to come, as far as their
inputs go together on the samples: optimal brain quantization in the order and form of E. Frantar et al., GPTQ, 2022.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .network import Layer
from .weights import Grid

F64 = NDArray[np.float64]
# places of a layer's input that are looked at: some for each weight of a channel, and no more than memory is good for
_PLACES_A_WEIGHT, _FEWEST, _MOST = 8, 4096, 8192
_DAMPING = 0.01             # of the mean of the covariance's diagonal: keeps its inverse from following single samples
_BLOCK = 64                 # weights whose losses are handed on together


def round_by_error(rows: NDArray[Any], covariance: F64, grid: Grid) -> F64:
    """Integers of `grid`, (channels, k), for weights `rows` whose channels lie in equal groups in order.

    covariance      (groups, k, k), of the inputs that the k weights of each group's channels meet
    """
    groups, k = covariance.shape[:2]
    scale = np.broadcast_to(grid.scale, (len(rows), 1)).reshape(groups, -1)
    # the weights that matter most first, while there are others to make up for them
    order = np.argsort(-np.diagonal(covariance, axis1=1, axis2=2), axis=1, kind="stable")
    left = np.take_along_axis(rows.astype(np.float64).reshape(groups, -1, k), order[:, np.newaxis], axis=2)
    sorted_covariance = np.take_along_axis(np.take_along_axis(covariance, order[:, :, np.newaxis], 1), order[:, np.newaxis], 2)
    diagonal = np.diagonal(covariance, axis1=1, axis2=2).mean(axis=1)
    damped = sorted_covariance + np.maximum(diagonal * _DAMPING, 1e-12)[:, np.newaxis, np.newaxis] * np.eye(k)
    upper = np.linalg.cholesky(np.linalg.inv(damped)).transpose(0, 2, 1)
    q = np.empty_like(left)
    for first in range(0, k, _BLOCK):
        last = min(first + _BLOCK, k)
        losses = np.empty((*left.shape[:2], last - first))
        for i in range(first, last):
            q[..., i] = np.clip(np.rint(left[..., i] / scale) + grid.zero_point, grid.low, grid.high)
            loss = (left[..., i] - (q[..., i] - grid.zero_point) * scale) / upper[:, i, i, np.newaxis]
            left[..., i:last] -= loss[..., np.newaxis] * upper[:, np.newaxis, i, i:last]
            losses[..., i - first] = loss
        left[..., last:] -= losses @ upper[:, first:last, last:]
    result = np.empty_like(q)
    np.put_along_axis(result, order[:, np.newaxis], q, axis=2)
    return result.reshape(rows.shape)


def covariance(patches: NDArray[np.float32]) -> F64:
    """(groups, k, k) of `patches` (groups, n, k)."""
    centred = patches - patches.mean(axis=1, keepdims=True)
    return np.matmul(centred.transpose(0, 2, 1), centred).astype(np.float64) / max(patches.shape[1], 1)


def patches(layer: Layer, inputs: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What the weights of each group's channels meet on the samples, (groups, n, k), in steps of the input.

    inputs      (samples, *shape of the layer's input), without padding: places at the image's edge are left out unless
                there are no others
    """
    if layer.op.get_type_name() == "MatMul":
        rows = inputs.reshape(-1, inputs.shape[-1])
        return rows[_places(len(rows), layer)][np.newaxis].astype(np.float32)
    attributes = layer.op.get_attributes()
    kernel = layer.weights.shape[-2:]
    dilation, stride = attributes["dilations"], attributes["strides"]
    images = inputs.reshape(-1, *inputs.shape[-3:])
    spans = [(size - 1) * by + 1 for size, by in zip(kernel, dilation)]
    short = [max(span - size, 0) for span, size in zip(spans, images.shape[2:])]
    images = np.pad(images, ((0, 0), (0, 0), *(((n + 1) // 2, n // 2) for n in short)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(images, spans, axis=(2, 3))
    windows = windows[:, :, ::stride[0], ::stride[1], ::dilation[0], ::dilation[1]]
    groups = layer.weights.shape[0] if layer.op.get_type_name() == "GroupConvolution" else 1
    n, channels, height, width = windows.shape[:4]
    places = np.unravel_index(_places(n * height * width, layer), (n, height, width))
    # (places, channels, kernel): the one copy, of no more than is looked at
    picked = windows[places[0], :, places[1], places[2]].reshape(len(places[0]), groups, -1)
    return np.ascontiguousarray(picked.transpose(1, 0, 2)).astype(np.float32)


def _places(count: int, layer: Layer) -> NDArray[np.int64]:
    """Some of 0..count, spread evenly."""
    most = min(max(_PLACES_A_WEIGHT * layer.rows.shape[1], _FEWEST), _MOST)
    return np.linspace(0, count - 1, min(count, most)).astype(np.int64)
