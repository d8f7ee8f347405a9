"""NumPy: the conversions step by step into buffers made once, the product through its floating-point BLAS."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from qkernels.measure.clock import time_calls

from .base import Prepared, Unsupported, python_calls
from .work import Dequantize, Gemm, Quantize, Work

_LARGEST = 1 << 28  # multiply-accumulates; beyond, minutes go by and nobody learns anything


def prepare(work: Work, threads: int) -> Prepared:
    if isinstance(work, Gemm):
        return _gemm(work, threads)
    if threads != 1:
        raise Unsupported("NumPy's conversions run on one thread")
    if isinstance(work, Quantize):
        return _quantize(work)
    if isinstance(work, Dequantize):
        return _dequantize(work)
    raise Unsupported("NumPy has no such layer")


def _quantize(work: Quantize) -> Prepared:
    scale, zero_point = np.float32(work.scale), np.float32(work.zero_point)

    def convert(x: NDArray[np.float32], real: NDArray[np.float32], q: NDArray[np.uint8]) -> None:
        np.divide(x, scale, out=real)
        np.rint(real, out=real)
        np.add(real, zero_point, out=real)
        np.clip(real, 0, 255, out=real)
        np.copyto(q, real, casting="unsafe")
    x, real, q = work.x, np.empty_like(work.x), np.empty(work.x.shape, np.uint8)
    no_x, no_q = x[:0], q[:0]
    return python_calls(lambda: convert(x, real, q), lambda: convert(no_x, no_x, no_q), lambda: q)


def _dequantize(work: Dequantize) -> Prepared:
    scale, zero_point = np.float32(work.scale), np.float32(work.zero_point)

    def convert(q: NDArray[np.uint8], real: NDArray[np.float32]) -> None:
        np.subtract(q, zero_point, out=real)
        np.multiply(real, scale, out=real)
    q, real = work.q, np.empty(work.q.shape, np.float32)
    no_q, no_real = q[:0], real[:0]
    return python_calls(lambda: convert(q, real), lambda: convert(no_q, no_real), lambda: real)


def _gemm(work: Gemm, threads: int) -> Prepared:
    """In float32 where that holds every sum exactly, else in float64; `b` converted once, `a` and the result in each run."""
    if work.a.size * work.b.shape[1] > _LARGEST:
        raise Unsupported(f"NumPy is measured up to {_LARGEST >> 20} Mi multiply-accumulates")
    kind = np.float32 if work.a.shape[1] * 255 * 128 < 1 << 24 else np.float64
    b = work.b.astype(kind)
    real, product = np.empty(work.a.shape, kind), np.empty((work.a.shape[0], b.shape[1]), kind)
    c = np.empty(product.shape, np.int32)

    def multiply(rows: int) -> None:
        np.copyto(real[:rows], work.a[:rows])
        np.matmul(real[:rows], b, out=product[:rows])
        np.copyto(c[:rows], product[:rows], casting="unsafe")

    def sample(runs: int, rows: int) -> NDArray[np.float64]:
        with threadpool_limits(threads):
            return time_calls(lambda: multiply(rows), runs)
    return Prepared(lambda runs: sample(runs, work.a.shape[0]), lambda runs: sample(runs, 0), lambda: c)
