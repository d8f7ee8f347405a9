"""The roofline: the least time that the machine's measured limits allow a layer.

A layer needs at least `macs / peak`, the multiply-accumulates at the rate that the
instruction set's dot product reaches from registers, and `bytes / bandwidth`, its bytes read
once at the rate of the smallest cache that holds its whole working set. The larger of the
two is its roofline, and names what bounds it. Both limits are measured on the machine, in
the same run, with as many threads as the layers run on.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from qkernels.report.record import CacheLevel

DRAM = "DRAM"
_LARGEST_BUFFER = 512 << 20


class Probe(Protocol):
    """What of the native module measures the machine."""

    def measure_peak(self, milliseconds: int) -> float: ...
    def measure_read_bandwidth(self, buffer: NDArray[np.uint8], milliseconds: int) -> float: ...


@dataclass(frozen=True)
class Bound:
    """The roofline of one layer: microseconds, and "compute" or the memory level that sets it."""

    us: float
    by: str


@dataclass(frozen=True)
class Roofline:
    """Measured limits of the machine for runs on `threads` threads.

    `peak_gmacs` 10^9 multiply-accumulates a second; `bandwidth_gbs` 10^9 bytes read a second
    by level ("L1", "L2", "L3", "DRAM"), both summed over the threads; `capacity` bytes of
    each cache that those threads have together.
    """

    threads: int
    peak_gmacs: float
    peak_gmacs_one_thread: float
    bandwidth_gbs: dict[str, float]
    capacity: dict[str, int]

    def level(self, working_set: int) -> str:
        """The smallest cache that holds `working_set` bytes, else "DRAM"."""
        for name in sorted(self.capacity):
            if working_set <= self.capacity[name]:
                return name
        return DRAM

    def bound(self, macs: int, moved: int) -> Bound:
        """The roofline of a layer of `macs` multiply-accumulates that touches `moved` bytes."""
        level = self.level(moved)
        compute_us = macs / (self.peak_gmacs * 1e3)
        memory_us = moved / (self.bandwidth_gbs[level] * 1e3)
        return Bound(compute_us, "compute") if compute_us >= memory_us else Bound(memory_us, level)


def measure_roofline(probe: Probe, caches: tuple[CacheLevel, ...], threads: int, milliseconds: int = 60) -> Roofline:
    """Measure peak and read bandwidth on `threads` threads at once.

    The buffers fill half of each cache (each thread its share of a cache that is shared), and
    four times the last one, at most 512 MiB together, for DRAM.
    """
    capacity = {f"L{c.level}": c.size_bytes * (threads if c.shared_by == 1 else 1) for c in caches}
    bandwidth = {name: _together(threads, _reader(probe, size // 2 // threads, milliseconds))
                 for name, size in capacity.items()}
    dram = min(4 * max(capacity.values()), _LARGEST_BUFFER) // threads
    bandwidth[DRAM] = _together(threads, _reader(probe, dram, milliseconds))
    one = _together(1, lambda: lambda: probe.measure_peak(milliseconds))
    peak = one if threads == 1 else _together(threads, lambda: lambda: probe.measure_peak(milliseconds))
    return Roofline(threads, peak / 1e9, one / 1e9, {name: value / 1e9 for name, value in bandwidth.items()}, capacity)


def _reader(probe: Probe, size: int, milliseconds: int) -> Callable[[], Callable[[], float]]:
    def make() -> Callable[[], float]:
        # A buffer of its own for each thread, written first: an untouched page is no memory yet.
        buffer = np.ones(max(size, 4096), np.uint8)
        return lambda: probe.measure_read_bandwidth(buffer, milliseconds)
    return make


def _together(threads: int, make: Callable[[], Callable[[], float]]) -> float:
    """The sum of what `threads` calls reach side by side, the better of two goes (a neighbour only ever slows one down)."""
    calls = [make() for _ in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        return max(sum(pool.map(lambda call: call(), calls)) for _ in range(2))
