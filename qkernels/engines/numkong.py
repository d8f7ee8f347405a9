"""NumKong's packed int8 dot products, one thread."""

from __future__ import annotations

import numkong
import numpy as np

from .base import Prepared, Unsupported, python_calls
from .work import Gemm, Work


def prepare(work: Work, threads: int) -> Prepared:
    if not isinstance(work, Gemm):
        raise Unsupported("NumKong is measured on products only")
    if work.a.dtype != np.int8:
        raise Unsupported("NumKong multiplies int8 by int8 only")
    if threads != 1:
        raise Unsupported("NumKong runs on the caller's thread")
    packed = numkong.dots_pack(np.ascontiguousarray(work.b.T))  # it takes the columns as rows
    c = numkong.zeros((work.a.shape[0], work.b.shape[1]), dtype="int32")
    return python_calls(lambda: numkong.dots_packed(work.a, packed, out=c),
                        lambda: numkong.dots_packed(work.a, packed, out=c, start_row=0, end_row=0), lambda: np.asarray(c))
