"""The state of the caches before each run: warm, or cold down to a level."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from qkernels.engines.base import Sampler
from qkernels.report.record import CacheLevel

WARM, COLD_L2, COLD_L3 = "warm", "cold-l2", "cold-l3"
STATES = (WARM, COLD_L2, COLD_L3)
_LEVEL = {COLD_L2: 2, COLD_L3: 3}
_TIMES = {COLD_L2: 4, COLD_L3: 2}  # of the level's size; twice 32 MiB takes milliseconds already


def flushed_bytes(state: str, caches: Sequence[CacheLevel]) -> int:
    """Bytes to be walked so that nothing else is left in the state's level and those above it; 0 for warm.

    ValueError where the machine does not say that it has such a level.
    """
    if state == WARM:
        return 0
    size = next((cache.size_bytes for cache in caches if cache.level == _LEVEL[state]), None)
    if size is None:
        raise ValueError(f"cache: this machine names no level {_LEVEL[state]}, which {state} would flush")
    return _TIMES[state] * size


def flusher(size: int) -> Callable[[], None]:
    """Reads a buffer of `size` bytes from end to end. Reads alone: what it leaves behind is clean and goes for nothing."""
    buffer = np.ones(size // 8, np.uint64)
    return lambda: buffer.sum()


def cold(sampler: Sampler, flush: Callable[[], None]) -> Sampler:
    """`sampler` with a flush before each single run, itself not timed. The caches of other cores keep what they have."""
    def sample(runs: int) -> NDArray[np.float64]:
        samples = np.empty(runs, np.float64)
        for i in range(runs):
            flush()
            samples[i] = sampler(1)[0]
        return samples
    return sample
