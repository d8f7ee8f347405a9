"""Batch normalization, and any constant factor or offset of a channel, into the layer before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .network import Layer, constant, consumers, layers, per_channel

if TYPE_CHECKING:
    import openvino

F64 = NDArray[np.float64]


def fold_batch_norms(model: openvino.Model) -> list[Layer]:
    """Folds what can be folded, in `model` itself, and returns its layers.

    Folded are BatchNormInference, and Multiply, Subtract and Add with a constant per channel, right behind a layer whose
    output nothing else reads.
    """
    found = layers(model)
    for layer in found:
        while _fold_next(layer):
            pass
    return found


def _fold_next(layer: Layer) -> bool:
    """Folds the operator behind `layer`, if it can be. A function of its own, so that nothing holds the operator
    afterwards: as long as it lives it counts as a reader."""
    behind = _single_consumer(layer.end)
    affine = None if behind is None else _affine(layer, behind)
    if affine is None:
        return False
    scale, shift = affine
    bias = np.zeros(len(layer.rows)) if layer.bias is None else layer.bias
    layer.set_rows(layer.rows * scale[:, np.newaxis])
    behind.output(0).replace(layer.end.output(0))
    del behind
    if layer.bias_op is not None or shift.any():
        layer.set_bias(bias * scale + shift)
    return True


def _single_consumer(op: openvino.Node) -> Any:
    behind = consumers(op)
    return behind[0] if len(behind) == 1 else None


def _affine(layer: Layer, op: openvino.Node) -> tuple[F64, F64] | None:
    """(scale, shift), each (channels,), of an operator that does no more than that."""
    kind, values = op.get_type_name(), op.input_values()
    if kind == "BatchNormInference":
        arrays = [constant(value) for value in values[1:]]
        if any(array is None for array in arrays):
            return None
        gamma, beta, mean, variance = (np.asarray(array, np.float64) for array in arrays)
        scale = gamma / np.sqrt(variance + op.get_attributes()["epsilon"])
        return scale, beta - mean * scale
    if kind not in ("Multiply", "Add", "Subtract"):
        return None
    # what is subtracted must be the constant
    arrays = [constant(value) for value in (values[1:] if kind == "Subtract" else values)]
    given = next((array for array in arrays if array is not None), None)
    by = None if given is None else per_channel(given, layer)
    if by is None:
        return None
    one, zero = np.ones(len(by)), np.zeros(len(by))
    return {"Multiply": (by.astype(np.float64), zero), "Add": (one, by.astype(np.float64)),
            "Subtract": (one, -by.astype(np.float64))}[kind]
