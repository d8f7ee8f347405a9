"""The instruction set and the threads that new work uses."""

from __future__ import annotations

import os
from typing import Any

from . import _native


class use_isa:  # noqa: N801 - a function that is a context manager too
    """Sets the instruction set of everything made from here on; as a context manager, until its end.

    Objects that exist (PackedWeights, models) keep theirs. Raises ValueError listing what this CPU has.
    """

    def __init__(self, name: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"name: expected a string, got {type(name).__name__}")
        self._before = _native.current_isa()
        _native.use_isa(name)

    def __enter__(self) -> use_isa:
        return self

    def __exit__(self, *_: object) -> None:
        _native.use_isa(self._before)


def set_num_threads(n: int) -> None:
    """Threads of each operation, the caller's among them. ValueError below 1."""
    if not isinstance(n, int) or isinstance(n, bool):
        raise TypeError(f"n: expected an integer, got {n!r}")
    if not 1 <= n <= 256:
        raise ValueError(f"n: expected 1..256, got {n}")
    _native.set_num_threads(n)


def get_num_threads() -> int:
    """By default the CPUs that this process may run on."""
    return _native.get_num_threads()


def cpu_info() -> dict[str, Any]:
    """`isa` in use; `built` and `supported` sets, weakest first; `threads_available`; `threads` in use."""
    sets = _native.isas()
    return {"isa": _native.current_isa(), "built": [name for name, _ in sets],
            "supported": [name for name, has in sets if has], "threads_available": _native.threads_available(),
            "threads": get_num_threads()}


def apply_environment() -> None:
    """QKERNELS_ISA and QKERNELS_NUM_THREADS; ValueError that names the variable for a value that cannot be used."""
    isa, threads = os.environ.get("QKERNELS_ISA"), os.environ.get("QKERNELS_NUM_THREADS")
    if isa:
        try:
            _native.use_isa(isa)
        except ValueError as error:
            raise ValueError(f"QKERNELS_ISA: {error}") from error
    if threads:
        try:
            set_num_threads(int(threads))
        except ValueError as error:
            raise ValueError(f"QKERNELS_NUM_THREADS: expected an integer in 1..256, got {threads!r}") from error
