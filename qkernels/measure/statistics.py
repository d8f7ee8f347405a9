"""Medians and their bootstrap intervals.

Samples come in rounds (see `interleave`). Runs of one batch resemble each other more than
runs of different rounds do, so a round counts as one observation: its median. Resampling
single runs would give intervals that are too narrow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.stats
from numpy.typing import ArrayLike, NDArray

from qkernels.report.record import Interval

RESAMPLES = 4000
CONFIDENCE = 0.95
SEED = 20240229


@dataclass(frozen=True)
class Ratio:
    """Their time over ours; `shown` is False where the interval contains 1."""

    value: float
    low: float
    high: float

    @property
    def shown(self) -> bool:
        return not self.low <= 1.0 <= self.high

    @property
    def verdict(self) -> str:
        """'faster', 'slower' or 'no difference shown', from our side."""
        if not self.shown:
            return "no difference shown"
        return "faster" if self.value > 1.0 else "slower"


def median_interval(samples: ArrayLike, *, unit: float = 1.0, confidence: float = CONFIDENCE, seed: int = SEED) -> Interval:
    """The median of the rounds' medians with its bootstrap interval, divided by `unit`.

    `samples` of shape (rounds, batch), or (rounds,); at least two rounds, otherwise
    ValueError. Times in nanoseconds and `unit` 1e3 give microseconds.
    """
    rounds = _round_medians(samples) / unit
    if np.ptp(rounds) == 0:                       # a degenerate bootstrap warns and gives NaN
        return Interval(float(rounds[0]), float(rounds[0]), float(rounds[0]))
    found = scipy.stats.bootstrap((rounds,), np.median, n_resamples=RESAMPLES, confidence_level=confidence,
                                  method="percentile", vectorized=True, rng=np.random.default_rng(seed)).confidence_interval
    return Interval(float(np.median(rounds)), float(found.low), float(found.high))


def ratio_interval(theirs: ArrayLike, ours: ArrayLike, *, confidence: float = CONFIDENCE, seed: int = SEED) -> Ratio:
    """Median of `theirs` over median of `ours`, with its bootstrap interval.

    Both of shape (rounds, batch) with the same number of rounds, batches may differ. Rounds
    are resampled as pairs: what slowed a whole round down slowed both sides.
    ValueError for fewer than two rounds, or when the numbers of rounds differ.
    """
    top, bottom = _round_medians(theirs), _round_medians(ours)
    if len(top) != len(bottom):
        raise ValueError(f"theirs: expected {len(bottom)} rounds as in ours, got {len(top)}")
    value = float(np.median(top) / np.median(bottom))
    if np.ptp(top) == 0 and np.ptp(bottom) == 0:
        return Ratio(value, value, value)
    found = scipy.stats.bootstrap((top, bottom), _ratio_of_medians, n_resamples=RESAMPLES, confidence_level=confidence,
                                  method="percentile", vectorized=True, paired=True,
                                  rng=np.random.default_rng(seed)).confidence_interval
    return Ratio(value, float(found.low), float(found.high))


def _ratio_of_medians(top: NDArray[np.float64], bottom: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
    return np.median(top, axis=axis) / np.median(bottom, axis=axis)


def _round_medians(samples: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(samples, np.float64)
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim != 2 or values.shape[0] < 2 or values.shape[1] < 1:
        raise ValueError(f"samples: expected shape (rounds >= 2, batch >= 1), got {values.shape}")
    if not np.isfinite(values).all():
        raise ValueError("samples: expected finite times, got NaN or infinity")
    return np.median(values, axis=1)
