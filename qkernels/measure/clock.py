"""The clock: nanoseconds of `time.perf_counter_ns`, monotonic and the same for every engine."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T")


def time_calls(call: Callable[[], Any], repeats: int) -> NDArray[np.float64]:
    """Nanoseconds of each of `repeats` consecutive calls, shape (repeats,).

    The garbage collector is left as it is: nothing in the loop allocates a container.
    """
    now = time.perf_counter_ns
    samples = np.empty(repeats, np.float64)
    for i in range(repeats):
        start = now()
        call()
        samples[i] = now() - start
    return samples


def timed(call: Callable[[], T]) -> tuple[T, float]:
    """The result of one call and the milliseconds it took."""
    start = time.perf_counter_ns()
    result = call()
    return result, (time.perf_counter_ns() - start) / 1e6
