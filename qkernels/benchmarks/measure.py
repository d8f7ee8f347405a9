"""One case on every side: outputs compared first, then timed in turn, in one process and the same state of the caches.

What a call costs without work (Python, the binding) is measured right after each batch, in the same state, and taken off
on every side that is called from Python. A side whose time does not stand out from that has no time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qkernels.engines.base import Prepared
from qkernels.measure.interleave import batch_for, interleave
from qkernels.measure.statistics import median_interval, ratio_interval

from .caches import cold
from .record import OURS, Side

_MOST, _MOST_COLD = 200, 5  # runs of one side in one round
_CALL_MS = 0.5


@dataclass(frozen=True)
class Timing:
    """`rounds` of about `target_ms` of each side, `idle_ms` before each."""

    rounds: int
    target_ms: float
    idle_ms: float


class _Net:
    """A sampler of runs less what their call costs, the median of a batch of empty calls right after them."""

    def __init__(self, prepared: Prepared, target_ms: float, flush: Callable[[], None] | None) -> None:
        self._run, self._call = prepared.run, prepared.call
        self.batch, self._calls = _MOST_COLD, _MOST_COLD
        if flush is None:
            self.batch = batch_for(self._run, target_ms, most=_MOST)
            self._calls = batch_for(self._call, _CALL_MS, most=_MOST) if self._call else 0
        else:
            self._run, self._call = cold(self._run, flush), self._call and cold(self._call, flush)
        self._costs: list[float] = []

    def __call__(self, runs: int) -> NDArray[np.float64]:
        samples = self._run(runs)
        if self._call is None:
            return samples
        self._costs.append(float(np.median(self._call(self._calls))))
        return samples - self._costs[-1]

    @property
    def call_us(self) -> float | None:
        """The median of what was taken off; None where nothing was."""
        return float(np.median(self._costs)) / 1e3 if self._costs else None


def measure(sides: Mapping[str, Prepared], timing: Timing, outputs: Mapping[str, str],
            flush: Callable[[], None] | None = None) -> dict[str, Side]:
    """`OURS` and its peers, whose `outputs` are what `compare` said; `flush` None: warm caches."""
    samplers = {name: _Net(prepared, timing.target_ms, flush) for name, prepared in sides.items()}
    samples = interleave(samplers, rounds=timing.rounds, batch={name: sampler.batch for name, sampler in samplers.items()},
                         idle_ms=timing.idle_ms)
    return {name: _side(samples, name, samplers[name].call_us, outputs[name]) for name in sides}


def _side(samples: Mapping[str, NDArray[np.float64]], name: str, call_us: float | None, outputs: str) -> Side:
    us, ours = (median_interval(samples[side], unit=1e3) for side in (name, OURS))
    speedup = None
    if name != OURS and us.low > 0 and ours.low > 0:
        speedup = ratio_interval(samples[name], samples[OURS])
    return Side(us=us if us.low > 0 else None, call_us=call_us, outputs=outputs, speedup=speedup,
                rounds_us=tuple((np.median(samples[name], axis=1) / 1e3).round(4).tolist()))


def compare(sides: Mapping[str, Prepared]) -> tuple[dict[str, str], dict[str, str]]:
    """Runs every side once. Two texts by side: how far its output lies from ours, and, where that is too far, why it
    must not be timed."""
    for prepared in sides.values():
        prepared.run(1)
    ours = sides[OURS]
    expected = None if ours.result is None else np.array(ours.result())
    outputs, refused = {OURS: "ours"}, {}
    for name, prepared in sides.items():
        if name == OURS:
            continue
        if expected is None or prepared.result is None:
            outputs[name] = "not compared"
            continue
        try:
            outputs[name] = difference(expected, prepared.result(), max(prepared.tolerance, ours.tolerance))
        except ValueError as error:
            refused[name] = str(error)
    return outputs, refused


def difference(ours: NDArray[Any], theirs: NDArray[Any], allowed: float) -> str:
    """How far `theirs` lies from `ours`: in steps for integers, relative to our largest value for floats.

    ValueError beyond `allowed`, or for another number of elements.
    """
    a, b = ours.astype(np.float64).ravel(), np.asarray(theirs).astype(np.float64).ravel()
    if a.shape != b.shape:
        raise ValueError(f"its output has {b.size} elements, ours {a.size}")
    largest, integers = float(np.abs(a - b).max()), np.issubdtype(ours.dtype, np.integer)
    if not integers:
        largest /= max(float(np.abs(a).max()), 1e-30)
    if not largest <= allowed:
        raise ValueError(f"its output differs from ours by {largest:.3g}, allowed are {allowed:.3g}")
    if largest == 0:
        return "exact"
    equal = float(np.mean(a == b))
    return f"{largest:.0f} step at most, {equal:.2%} equal" if integers else f"{largest:.1e} of the largest value at most"
