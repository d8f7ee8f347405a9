"""oneDNN's int8 matrix product, `dnnl_gemm_u8s8s32` and `dnnl_gemm_s8s8s32`, through its C API.

It takes both matrices as they are: it has no public call that packs B beforehand.
"""

from __future__ import annotations

import ctypes
import importlib.metadata
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from .base import Prepared, Unsupported, python_calls
from .work import Gemm, Work

_DISTRIBUTION = "onednn"
_LIBRARY = "libdnnl.so.3"
_LONG, _POINTER = ctypes.c_int64, ctypes.c_void_p

_running: tuple[ctypes.CDLL, int] | None = None  # the library, and the threads it runs on until the process ends


def prepare(work: Work, threads: int) -> Prepared:
    """Raises Unsupported where the library cannot run on `threads` threads in this process."""
    if not isinstance(work, Gemm):
        raise Unsupported("oneDNN is measured on products only; OpenVINO's layers are its convolutions")
    multiply = _function(library(threads), work.a.dtype == np.uint8)
    (m, k), n = work.a.shape, work.b.shape[1]
    a, b, c, offset = work.a, np.ascontiguousarray(work.b), np.zeros((m, n), np.int32), np.zeros(1, np.int32)

    def arguments(rows: int) -> tuple[object, ...]:
        """transa, transb, offsetc, M, N, K, alpha, A, lda, ao, B, ldb, bo, beta, C, ldc, co"""
        return (b"N", b"N", b"F", rows, n, k, 1.0, a.ctypes.data, k, 0, b.ctypes.data, n, 0, 0.0, c.ctypes.data, n,
                offset.ctypes.data)
    full, none = arguments(m), arguments(0)
    if (status := multiply(*full)) != 0:
        raise RuntimeError(f"oneDNN: status {status} for a product of {m} x {k} x {n}")
    # the arrays are kept with the call: ctypes holds their addresses only
    return python_calls(lambda kept=(a, b, offset): multiply(*full), lambda: multiply(*none), lambda: c)


def _function(library: ctypes.CDLL, unsigned: bool) -> Callable[..., int]:
    found = library["dnnl_gemm_u8s8s32" if unsigned else "dnnl_gemm_s8s8s32"]
    found.argtypes = [*[ctypes.c_char] * 3, *[_LONG] * 3, ctypes.c_float, _POINTER, _LONG,
                      ctypes.c_uint8 if unsigned else ctypes.c_int8, _POINTER, _LONG, ctypes.c_int8, ctypes.c_float, _POINTER,
                      _LONG, _POINTER]
    found.restype = ctypes.c_int
    return found


def library(threads: int) -> ctypes.CDLL:
    """The library on `threads` threads.

    Its thread pool (TBB) asks once how many CPUs the process may use, so it is started while that is `threads`. Another
    engine's TBB that is already in the process would be taken instead, on a number of threads of its own.
    """
    global _running
    if _running is None:
        allowed = os.sched_getaffinity(0)
        if threads > len(allowed):
            raise Unsupported(f"oneDNN runs on as many threads as CPUs, and there are {len(allowed)}")
        if "libtbb.so" in Path("/proc/self/maps").read_text():
            raise Unsupported("another engine's thread pool is in this process, whose number of threads oneDNN would take")
        os.sched_setaffinity(0, sorted(allowed)[:threads])
        try:
            found = _load(_LIBRARY)
            _start(found)
        finally:
            os.sched_setaffinity(0, allowed)
        _running = found, threads
    if _running[1] != threads:
        raise Unsupported(f"oneDNN already runs on {_running[1]} threads in this process")
    return _running[0]


def _start(library: ctypes.CDLL) -> None:
    """A product large enough to be shared among threads."""
    n = 512
    ones, c, offset = np.ones((n, n), np.int8), np.empty((n, n), np.int32), np.zeros(1, np.int32)
    _function(library, False)(b"N", b"N", b"F", n, n, n, 1.0, ones.ctypes.data, n, 0, ones.ctypes.data, n, 0, 0.0,
                              c.ctypes.data, n, offset.ctypes.data)


def _load(name: str) -> ctypes.CDLL:
    """A shared library of the distribution's environment; what it needs is loaded first.

    The wheels of oneDNN and of its runtime put theirs into one directory that the loader does not search.
    """
    path = directory() / name
    while True:
        try:
            return ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)
        except OSError as error:
            missing = str(error).split(":")[0]
            if missing == name or not (path.parent / missing).is_file():
                raise ImportError(f"oneDNN: {error}") from error
            _load(missing)


def directory() -> Path:
    """Where the distribution's libraries are. ImportError where it is not installed."""
    files = importlib.metadata.files(_DISTRIBUTION) or []
    found = next((file for file in files if file.name == _LIBRARY), None)
    if found is None:
        raise ImportError(f"oneDNN: the distribution {_DISTRIBUTION!r} has no {_LIBRARY} on this platform")
    return Path(str(found.locate())).resolve().parent
