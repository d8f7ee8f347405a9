"""Weights as integers: their scales, and how they are stored in the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .insert import on_steps
from .network import Layer, named, opset

F64 = NDArray[np.float64]


@dataclass(frozen=True)
class Grid:
    """The values that weights can take: scale * (q - zero_point), q in low..high; `scale` (channels, 1) or (1, 1)."""

    scale: F64
    zero_point: int
    low: int
    high: int

    def nearest(self, rows: NDArray[Any]) -> NDArray[Any]:
        return np.clip(np.rint(rows / self.scale) + self.zero_point, self.low, self.high)

    def real(self, q: NDArray[Any]) -> F64:
        return (q - self.zero_point) * self.scale


def grid(rows: NDArray[np.float32], kind: str) -> Grid:
    """For weights (channels, weights of a channel). "s8": a scale for each channel; "u8": one, and a zero point."""
    if kind == "u8":
        low, high = (end.astype(np.float64) for end in on_steps(rows.min(), rows.max()))
        scale = (high - low) / 255
        return Grid(scale.reshape(1, 1), int(np.rint(-low / scale)), 0, 255)
    largest = np.abs(rows).max(axis=1, keepdims=True).astype(np.float64)
    # -128 stays unused: the range is symmetric, as OpenVINO and NNCF have it
    return Grid(np.where(largest > 0, largest, 127.0) / 127, 0, -127, 127)


def store(layer: Layer, q: NDArray[Any], found: Grid) -> None:
    """Integers (channels, weights of a channel) as the layer's weights: Constant, Convert, Subtract where there is a zero
    point, Multiply."""
    kind = np.int8 if found.low < 0 else np.uint8
    # float32 as the model will have it
    scale = found.scale.astype(np.float32)
    node = named(opset().constant(layer.shaped(q.astype(kind)), kind), f"{layer.name}/weights")
    node = named(opset().convert(node, "f32"), f"{layer.name}/weights/f32")
    if found.zero_point:
        node = named(opset().subtract(node, np.float32(found.zero_point)), f"{layer.name}/weights/shifted")
    by = layer.shaped(scale) if scale.size > 1 else scale.reshape(())
    layer.set_weights_node(named(opset().multiply(node, by), f"{layer.name}/weights/scaled"))
