"""The machine's peak: as many multiply-accumulates at the rate of the dot-product instruction from registers."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from qkernels import _native
from qkernels.graph import ir

from .base import Prepared, Unsupported
from .work import Gemm, Layer, Work

_MILLISECONDS = 2


def prepare(work: Work, threads: int) -> Prepared:
    """Measured anew for every batch, so that it moves with the clock frequency as the work beside it does."""
    if threads != 1:
        raise Unsupported("the peak is measured on one thread")
    macs = _macs(work)

    def sample(runs: int) -> NDArray[np.float64]:
        return np.full(runs, macs / _native.measure_peak(_MILLISECONDS) * 1e9)
    return Prepared(sample)


def _macs(work: Work) -> int:
    if isinstance(work, Gemm):
        return work.a.size * work.b.shape[1]
    if isinstance(work, Layer) and isinstance(work.node, ir.Product):
        return math.prod(work.node.shape) * math.prod(work.node.weights.shape[:-1])
    raise Unsupported("it has no multiply-accumulates")
