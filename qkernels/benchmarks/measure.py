"""One case on every side: outputs compared first, then timed in turn, in one process and the same state of the caches.

What a call costs without work (Python, the binding) is measured in the same rounds, in the same state, and taken off on
every side that is called from Python. A side whose time does not stand out from that has no time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from qkernels.engines.base import Prepared, Sampler
from qkernels.measure.interleave import batch_for, interleave
from qkernels.measure.statistics import median_interval, ratio_interval

from .caches import cold
from .record import OURS, Side, Speedup

_CALL = " (call)"
_MOST, _MOST_COLD = 200, 5  # runs of one side in one round


@dataclass(frozen=True)
class Timing:
    """`rounds` of about `target_ms` of each side, `idle_ms` before each."""

    rounds: int
    target_ms: float
    idle_ms: float


def measure(sides: Mapping[str, Prepared], timing: Timing, outputs: Mapping[str, str],
            flush: Callable[[], None] | None = None) -> dict[str, Side]:
    """`OURS` and its peers, whose `outputs` are what `compare` said; `flush` None: warm caches."""
    samplers = _samplers(sides)
    if flush is None:
        batches = {name: batch_for(sampler, timing.target_ms, most=_MOST) for name, sampler in samplers.items()}
    else:
        samplers = {name: cold(sampler, flush) for name, sampler in samplers.items()}
        batches = dict.fromkeys(samplers, _MOST_COLD)
    samples = interleave(samplers, rounds=timing.rounds, batch=batches, idle_ms=timing.idle_ms)
    net = {name: _net(samples, name) for name in sides}
    return {name: _side(net, name, samples.get(name + _CALL), outputs[name]) for name in sides}


def _samplers(sides: Mapping[str, Prepared]) -> dict[str, Sampler]:
    """Of each side, and of its call without work."""
    found = {name: prepared.run for name, prepared in sides.items()}
    found.update({name + _CALL: prepared.call for name, prepared in sides.items() if prepared.call is not None})
    return found


def _net(samples: Mapping[str, NDArray[np.float64]], name: str) -> NDArray[np.float64]:
    """Nanoseconds of each round's median run, less those of its median call; shape (rounds,)."""
    call = samples.get(name + _CALL)
    return np.median(samples[name], axis=1) - (0.0 if call is None else np.median(call, axis=1))


def _side(net: Mapping[str, NDArray[np.float64]], name: str, call: NDArray[np.float64] | None, outputs: str) -> Side:
    us = median_interval(net[name], unit=1e3)
    ours = median_interval(net[OURS], unit=1e3)
    speedup = None
    if name != OURS and us.low > 0 and ours.low > 0:
        ratio = ratio_interval(net[name], net[OURS])
        speedup = Speedup(ratio.value, ratio.low, ratio.high)
    return Side(us=us if us.low > 0 else None, call_us=None if call is None else median_interval(call, unit=1e3).median,
                outputs=outputs, rounds_us=tuple((net[name] / 1e3).round(4).tolist()), speedup=speedup)


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
