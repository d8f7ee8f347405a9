"""The instruction set and the threads that new work uses."""

from __future__ import annotations

import math
import os
import warnings
from typing import Any

from . import _native


class use_isa:  # noqa: N801 - a function that is a context manager too
    """Sets the instruction set of everything made from here on; as a context manager, until its end.

    The set is the whole process's: threads that use this at the same time undo each other's. Objects that exist (PackedWeights,
    models) keep theirs. Raises ValueError listing what this CPU has.
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


_set_by: str | None = None  # "environment" or "call", whichever set the number of threads last


def set_num_threads(n: int) -> None:
    """Threads of each operation, the caller's among them.

    Raises ValueError outside 1..256. Warns (RuntimeWarning) where `n` is more than the CPUs that this process may use: threads
    then wait for one another.
    """
    if not isinstance(n, int) or isinstance(n, bool):
        raise TypeError(f"n: expected an integer, got {n!r}")
    if not 1 <= n <= 256:
        raise ValueError(f"n: expected 1..256, got {n}")
    _set_num_threads(n, "n", "call")


def _set_num_threads(n: int, name: str, source: str) -> None:
    global _set_by
    available = _native.threads_available()
    if n > available:
        warnings.warn(f"{name}: {n} threads on {available} CPU{'s' * (available != 1)} that this process may use "
                      f"({_limits()})", RuntimeWarning, stacklevel=3)
    _native.set_num_threads(n)
    _set_by = source


def get_num_threads() -> int:
    """What was set, otherwise the CPUs that this process may use now: its affinity, or its control groups' quota rounded up."""
    return _native.get_num_threads()


def _limits() -> str:
    quota = _native.cpu_quota()
    return f"affinity {_native.cpus_allowed()}, cgroup quota {quota if math.isfinite(quota) else 'none'}"


def cpu_info() -> dict[str, Any]:
    """Instruction sets and threads, and where the number of threads comes from.

    isa, built, supported   the set in use; those built in and those that this CPU has, weakest first
    threads, threads_from   in use, by "call" (`set_num_threads`), "environment" (QKERNELS_NUM_THREADS), "affinity" or
                            "cgroup quota"
    threads_available       the lesser of the two that follow, the quota rounded up
    cpus_allowed            CPUs that this thread may run on: its affinity
    cpu_quota               CPUs' worth of time by the control groups' quota; None for no limit
    """
    sets = _native.isas()
    allowed, quota = _native.cpus_allowed(), _native.cpu_quota()
    return {"isa": _native.current_isa(), "built": [name for name, _ in sets],
            "supported": [name for name, has in sets if has], "threads_available": _native.threads_available(),
            "cpus_allowed": allowed, "cpu_quota": quota if math.isfinite(quota) else None, "threads": get_num_threads(),
            "threads_from": _set_by or ("cgroup quota" if math.ceil(min(quota, allowed)) < allowed else "affinity")}


def apply_environment() -> None:
    """QKERNELS_ISA and QKERNELS_NUM_THREADS; ValueError that names the variable for a value that cannot be used."""
    isa, threads = os.environ.get("QKERNELS_ISA"), os.environ.get("QKERNELS_NUM_THREADS")
    if isa:
        try:
            _native.use_isa(isa)
        except ValueError as error:
            raise ValueError(f"QKERNELS_ISA: {error}") from error
    if threads:
        if not threads.isdecimal() or not 1 <= int(threads) <= 256:
            raise ValueError(f"QKERNELS_NUM_THREADS: expected an integer in 1..256, got {threads!r}")
        _set_num_threads(int(threads), "QKERNELS_NUM_THREADS", "environment")
