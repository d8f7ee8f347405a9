"""From what an observer saw to the range that 256 steps shall cover: the usual methods, one function each."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Real

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from .calibrate import PERCENTILE
from .observer import Observer

F64 = NDArray[np.float64]
Pair = tuple[float, float]
_STEPS = 255
_NARROWEST = 0.1        # of the extremes: no method cuts deeper


def ranges(seen: Observer, method: str = "minmax", *, symmetric: bool = False, percentile: float = PERCENTILE
           ) -> tuple[F64, F64]:
    """(low, high), each (channels,), as `method` chooses them, widened to hold 0.

    minmax      the extremes
    percentile  on each side the value that `percentile` percent of all values do not exceed
    mse         the least expected squared error of quantization: uniform rounding inside, clipping outside
    entropy     the least Kullback-Leibler divergence of the quantized histogram from the histogram
                (S. Migacz, 8-bit inference with TensorRT, 2017), the extremes where the histogram is too coarse to tell

    Raises ValueError for another method, a percentile outside of 50..100 or an observer that saw nothing, TypeError for a
    percentile that is no number.
    """
    if not isinstance(method, str) or method not in METHODS:
        raise ValueError(f"method: expected {', '.join(METHODS)}, got {method!r}")
    if not isinstance(percentile, Real):
        raise TypeError(f"percentile: expected a number, got {percentile!r}")
    if not 50 < percentile <= 100:
        raise ValueError(f"percentile: expected more than 50 and at most 100, got {percentile!r}")
    if seen.empty:
        raise ValueError("x: expected values, got none")
    low, high = np.minimum(seen.lowest, 0.0), np.maximum(seen.highest, 0.0)
    if symmetric:
        low, high = -np.maximum(-low, high), np.maximum(-low, high)
    if method == "minmax":
        return low, high
    for channel, (counts, edges) in enumerate(zip(seen.counts, seen.edges)):
        if low[channel] < high[channel]:
            histogram = _Histogram(counts, edges, low[channel], high[channel], symmetric)
            low[channel], high[channel] = METHODS[method](histogram, percentile)
    return low, high


class _Histogram:
    """The occupied bins of one channel, folded onto the positive side where the range shall be symmetric."""

    def __init__(self, counts: NDArray[np.int64], edges: F64, low: float, high: float, symmetric: bool) -> None:
        used = np.flatnonzero(counts)
        self.low, self.high, self.symmetric = float(low), float(high), symmetric
        self.counts = counts[used].astype(np.float64)
        # the outermost bins reach no further than the values
        self.left, self.right = np.maximum(edges[used], low), np.minimum(edges[used + 1], high)
        self.bin_width = float(edges[1] - edges[0])
        self.centres = (self.left + self.right) / 2

    def scaled(self, factor: float) -> Pair:
        return self.low * factor, self.high * factor


def _minmax(seen: _Histogram, percentile: float) -> Pair:
    return seen.low, seen.high


def _percentile(seen: _Histogram, percentile: float) -> Pair:
    share = percentile / 100
    if seen.symmetric:
        order = np.argsort(np.abs(seen.centres))
        reach = np.maximum(np.abs(seen.left), np.abs(seen.right))[order]
        most = float(reach[np.searchsorted(np.cumsum(seen.counts[order]), share * seen.counts.sum())])
        return -most, most
    below = np.concatenate([[0.0], np.cumsum(seen.counts)]) / seen.counts.sum()
    ends = np.append(seen.left, seen.right[-1])
    high = float(np.interp(share, below, ends)) if seen.high > 0 else 0.0
    low = float(np.interp(1 - share, below, ends)) if seen.low < 0 else 0.0
    return min(low, 0.0), max(high, 0.0)


def _expected_error(seen: _Histogram, low: float, high: float) -> float:
    """Sum of squared errors with 256 steps from `low` to `high`: a twelfth of a squared step for every value inside, the
    squared distance for every one outside. The bin at 0 is free, because 0 is exact."""
    step = (high - low) / _STEPS
    beyond = np.where(seen.centres < low, low - seen.centres, np.maximum(seen.centres - high, 0.0))
    rounding = np.minimum(np.abs(seen.centres), step / np.sqrt(12)) ** 2
    return float(seen.counts @ np.where(beyond > 0, beyond**2, rounding))


def _mse(seen: _Histogram, percentile: float) -> Pair:
    if seen.symmetric or seen.low == 0 or seen.high == 0:
        return seen.scaled(_least(lambda factor: _expected_error(seen, *seen.scaled(factor))))
    low, high = 1.0, 1.0
    for _ in range(3):      # one end after the other; neither moves further after that
        high = _least(lambda factor: _expected_error(seen, seen.low * low, seen.high * factor))  # noqa: B023
        low = _least(lambda factor: _expected_error(seen, seen.low * factor, seen.high * high))  # noqa: B023
    return seen.low * low, seen.high * high


def _divergence(seen: _Histogram, low: float, high: float) -> float:
    """Kullback-Leibler divergence of the histogram as 256 steps hold it from the clipped histogram."""
    step = (high - low) / _STEPS
    # the bins at 0 stay out: what a ReLU makes 0 is exact, and would outweigh everything else
    inside = (seen.left > 0) | (seen.right < 0)
    inside &= (seen.centres >= low) & (seen.centres <= high)
    if not inside.any():
        return 1e9      # worse than any; an infinity would lead the search astray
    place = np.rint((np.clip(seen.centres, low, high) - low) / step).astype(np.int64)
    clipped = np.where(inside, seen.counts, 0.0)
    first, last = np.flatnonzero(inside)[[0, -1]]
    clipped[first] += seen.counts[:first].sum()
    clipped[last] += seen.counts[last + 1:].sum()
    mass = np.bincount(place[inside], seen.counts[inside], _STEPS + 1)
    bins = np.bincount(place[inside], minlength=_STEPS + 1)
    held = np.where(inside, (mass / np.maximum(bins, 1))[place], 0.0)
    p, q = clipped / clipped.sum(), held / held.sum()
    return float(special.rel_entr(p, q)[inside].sum())


def _entropy(seen: _Histogram, percentile: float) -> Pair:
    # with less than two bins a step, the histogram would hold quantized values as well as any
    narrowest = 2 * _STEPS * seen.bin_width / (seen.high - seen.low)
    if narrowest >= 1:
        return seen.low, seen.high
    return seen.scaled(_least(lambda factor: _divergence(seen, *seen.scaled(factor)), max(narrowest, _NARROWEST)))


def _least(cost: Callable[[float], float], lowest: float = _NARROWEST) -> float:
    """The factor in lowest..1 of the least cost: the best of a coarse grid, refined between its neighbours."""
    grid = np.linspace(lowest, 1.0, 19)
    costs = [cost(factor) for factor in grid]
    best = int(np.argmin(costs))
    around = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    found = optimize.minimize_scalar(cost, bounds=around, method="bounded", options={"xatol": 1e-3})
    return float(found.x) if found.fun < costs[best] else float(grid[best])


METHODS: dict[str, Callable[[_Histogram, float], Pair]] = {
    "minmax": _minmax,
    "percentile": _percentile,
    "mse": _mse,
    "entropy": _entropy,
}
