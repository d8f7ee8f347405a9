"""Engines in turn: A B, B A, A B ..., each after a pause.

Whatever drifts (clock frequency, temperature, neighbours on the machine) then falls on all
engines alike, and samples of one round can be compared as a pair. The pause is there because
worker threads of some engines spin for a while after their parallel region, and would
otherwise take the core from the engine that runs next.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Sampler = Callable[[int], NDArray[np.float64]]
"""Takes a number of runs, does that many and returns the nanoseconds of each."""


class Interrupted(KeyboardInterrupt):
    """A KeyboardInterrupt on the way; `samples` holds the rounds that were complete, at least one."""

    def __init__(self, samples: dict[str, NDArray[np.float64]]) -> None:
        super().__init__()
        self.samples = samples


def interleave(sides: Mapping[str, Sampler], *, rounds: int, batch: int | Mapping[str, int] = 1, warmup: int = 1,
               idle_ms: float = 5.0, progress: Callable[[], None] | None = None) -> dict[str, NDArray[np.float64]]:
    """Nanoseconds of every run, by side, each of shape (rounds, batch).

    In each round every side runs `batch` times in a row, after `idle_ms` of sleep and
    `warmup` runs that are not kept: they bring the caches and the clock frequency back.
    The order of the sides is turned round from one round to the next. `progress` is called
    once a round. ValueError when there is nothing to run; Interrupted on a KeyboardInterrupt
    after the first round.
    """
    if not sides or rounds < 1:
        raise ValueError(f"interleave: expected at least one side and one round, got {len(sides)} and {rounds}")
    sizes = {name: batch if isinstance(batch, int) else batch[name] for name in sides}
    samples = {name: np.empty((rounds, sizes[name]), np.float64) for name in sides}
    order, index = list(sides), 0
    try:
        for index in range(rounds):
            for name in order:
                time.sleep(idle_ms / 1e3)
                if warmup:
                    sides[name](warmup)
                samples[name][index] = sides[name](sizes[name])
            order.reverse()
            if progress is not None:
                progress()
    except KeyboardInterrupt as interrupt:
        if index == 0:
            raise
        raise Interrupted({name: taken[:index] for name, taken in samples.items()}) from interrupt
    return samples


def batch_for(sampler: Sampler, target_ms: float, *, least: int = 1, most: int = 1000) -> int:
    """How many runs of `sampler` fill about `target_ms`, judged by the faster of two trial runs."""
    typical_ns = max(float(sampler(2).min()), 1.0)
    return int(min(max(target_ms * 1e6 / typical_ns, least), most))
