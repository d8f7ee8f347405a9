"""PyTorch: its int8 matrix product."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from qkernels.measure.clock import time_calls

from .base import Prepared, Unsupported
from .work import Gemm, Work


def prepare(work: Work, threads: int) -> Prepared:
    if not isinstance(work, Gemm):
        raise Unsupported("PyTorch is measured on products only")
    if work.a.dtype != np.int8:
        raise Unsupported("PyTorch multiplies int8 by int8 only")
    a, b = torch.from_numpy(work.a), torch.from_numpy(np.ascontiguousarray(work.b))
    c = torch.empty((a.shape[0], b.shape[1]), dtype=torch.int32)
    one, none = torch.zeros((1, 1), dtype=torch.int8), torch.empty((1, 1), dtype=torch.int32)

    def sample(runs: int, left: torch.Tensor, right: torch.Tensor, result: torch.Tensor) -> NDArray[np.float64]:
        torch.set_num_threads(threads)
        return time_calls(lambda: torch._int_mm(left, right, out=result), runs)
    return Prepared(lambda runs: sample(runs, a, b, c), lambda runs: sample(runs, one, one, none), c.numpy)
