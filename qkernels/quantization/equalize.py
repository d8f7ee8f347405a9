"""Cross-layer equalization: channels scaled in one layer and scaled back in the next, so that one range fits all.

M. Nagel et al., Data-free quantization through weight equalization and bias correction, 2019, section 4.1, between two
layers with nothing but a Relu, a Clamp from 0 or nothing in between. The paper makes each ReLU6 a ReLU. Here a Clamp
stays, and a channel's factor keeps to where it changes nothing: a channel that reached the bound on the samples is not
made smaller, and none is made so large that what it reached would be cut off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .inference import Sample, run
from .network import Layer, consumers, opset

if TYPE_CHECKING:
    import openvino

F64 = NDArray[np.float64]
_ROUNDS = 20
_SETTLED = 1e-3             # no factor further from 1 than this


@dataclass(frozen=True, eq=False)
class Pair:
    first: Layer
    second: Layer
    bound: float            # of the Clamp between them; inf where there is none
    between: Any            # the operator that `second` reads


def equalize(model: openvino.Model, layers: Sequence[Layer], samples: Sequence[Sample]) -> None:
    """Scales weights and biases in `model` itself, whose outputs on the samples stay what they were."""
    pairs = [pair for layer in layers if (pair := _pair(layer, layers)) is not None]
    if not pairs:
        return
    highest = _highest(model, pairs, samples)
    for _ in range(_ROUNDS):
        furthest = max(_equalize(pair, highest) for pair in pairs)
        if furthest < _SETTLED:
            break


def _pair(first: Layer, layers: Sequence[Layer]) -> Pair | None:
    by_op = {layer.name: layer for layer in layers}
    op, bound = first.end, np.inf
    behind = consumers(op)
    if len(behind) == 1 and behind[0].get_type_name() in ("Relu", "Clamp"):
        op = behind[0]
        if op.get_type_name() == "Clamp":
            if op.get_attributes()["min"] != 0:
                return None
            bound = float(op.get_attributes()["max"])
        behind = consumers(op)
    if len(behind) != 1 or behind[0].friendly_name not in by_op:
        return None
    second = by_op[behind[0].friendly_name]
    same_kind = (first.op.get_type_name() == "MatMul") == (second.op.get_type_name() == "MatMul")
    grouped = second.op.get_type_name() == "GroupConvolution" and not second.depthwise
    # a depthwise layer of several outputs a channel has more rows than inputs
    if grouped or not same_kind or _inputs(second) != len(first.rows):
        return None
    return Pair(first, second, bound, op)


def _inputs(layer: Layer) -> int:
    """Channels that the layer reads."""
    return len(layer.rows) if layer.depthwise else _columns(layer).shape[1]


def _columns(layer: Layer) -> NDArray[np.float32]:
    """(channels out, channels in, taps) of a layer that is not grouped."""
    rows = layer.rows
    inputs = rows.shape[1] if layer.op.get_type_name() == "MatMul" else layer.weights.shape[1]
    return rows.reshape(len(rows), inputs, -1)


def _highest(model: openvino.Model, pairs: Sequence[Pair], samples: Sequence[Sample]) -> dict[str, F64]:
    """What each channel between the layers of a pair reached, (channels,), by the first layer's name."""
    outputs = []
    for pair in pairs:
        axes = [a for a in range(len(pair.between.get_output_shape(0))) if a != pair.first.channel_axis]
        outputs.append(opset().reduce_max(pair.between, np.array(axes, np.int64), False).output(0))
    found = [np.full(len(pair.first.rows), -np.inf) for pair in pairs]
    for arrays in run(outputs, model.get_parameters(), samples):
        for most, array in zip(found, arrays):
            np.maximum(most, array, out=most)
    return {pair.first.name: most for pair, most in zip(pairs, found)}


def _equalize(pair: Pair, highest: Mapping[str, F64]) -> float:
    """Scales one pair; the largest distance of a factor from 1."""
    before = np.abs(pair.first.rows).max(axis=1).astype(np.float64)
    second = np.abs(pair.second.rows if pair.second.depthwise else _columns(pair.second))
    after = second.max(axis=1 if pair.second.depthwise else (0, 2)).astype(np.float64)
    usable = (before > 0) & (after > 0)
    factor = np.where(usable, np.sqrt(np.where(usable, after, 1) / np.where(usable, before, 1)), 1.0)
    if pair.bound < np.inf:
        reached = highest[pair.first.name]
        cut = reached >= pair.bound * (1 - 1e-6)
        factor = np.minimum(np.where(cut, 1.0, factor), np.where(reached > 0, pair.bound / np.maximum(reached, 1e-30), factor))
    pair.first.set_rows(pair.first.rows * factor[:, np.newaxis])
    if pair.first.bias is not None:
        pair.first.set_bias(pair.first.bias * factor)
    if pair.second.depthwise:
        pair.second.set_rows(pair.second.rows / factor[:, np.newaxis])
    else:
        pair.second.set_rows((_columns(pair.second) / factor[:, np.newaxis]).reshape(pair.second.rows.shape))
    highest[pair.first.name][:] *= factor
    return float(np.abs(factor - 1).max())
