"""A copy of the same bytes: what a conversion between types would cost if it did nothing but move them."""

from __future__ import annotations

import numpy as np

from qkernels.measure.clock import time_calls

from .base import Prepared, Unsupported
from .work import Dequantize, Quantize, Work


def prepare(work: Work, threads: int) -> Prepared:
    """As many bytes read and written together as a conversion of n elements, 5n: 2.5n copied."""
    if not isinstance(work, (Quantize, Dequantize)):
        raise Unsupported("a copy stands beside conversions only")
    if threads != 1:
        raise Unsupported("a copy runs on one thread")
    n = work.x.size if isinstance(work, Quantize) else work.q.size
    source = np.ones(n * 5 // 2, np.uint8)
    target, none = np.zeros_like(source), np.empty(0, np.uint8)
    return Prepared(lambda runs: time_calls(lambda: np.copyto(target, source), runs),
                    lambda runs: time_calls(lambda: np.copyto(none, none), runs))
