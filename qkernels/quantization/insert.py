"""FakeQuantize behind tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .network import named, opset

if TYPE_CHECKING:
    import openvino

STEPS = 255
SUFFIX = "/quantized"


def on_steps(low: ArrayLike, high: ArrayLike) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The range of 256 steps as near low..high as can be with 0 on a step; an empty one becomes 0..1.

    The step is widened rather than an end cut: a range that was chosen to hold the extremes still does, to half a step.
    """
    below, above = np.minimum(np.asarray(low, np.float64), 0), np.maximum(np.asarray(high, np.float64), 0)
    above = np.where(above > below, above, 1.0)
    scale = (above - below) / STEPS
    point = np.rint(-below / scale)
    # both ends inside, where they do not lie at the very end of the steps
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = np.fmax(np.where(point > 0, -below / point, 0), np.where(point < STEPS, above / (STEPS - point), 0))
    return (-point * scale).astype(np.float32), ((STEPS - point) * scale).astype(np.float32)


def fake_quantize(output: Any, low: NDArray[np.float32], high: NDArray[np.float32]) -> Any:
    """Behind `output`; `low` and `high` hold one value, or one a channel of an NCHW tensor."""
    rank = len(output.get_shape())
    shape = (1, -1, *(1,) * (rank - 2)) if low.size > 1 else (1,) * rank
    low, high = low.reshape(shape), high.reshape(shape)
    return opset().fake_quantize(output, low, high, low, high, STEPS + 1)


def insert(op: openvino.Node, low: NDArray[np.float32], high: NDArray[np.float32]) -> None:
    """A FakeQuantize between `op` and all that reads it."""
    targets = op.output(0).get_target_inputs()
    node = named(fake_quantize(op.output(0), low, high), op.friendly_name + SUFFIX)
    for target in targets:
        target.replace_source_output(node.output(0))
