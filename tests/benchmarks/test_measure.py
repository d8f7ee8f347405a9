"""The measuring of one case, with engines that take the time they are told."""

import numpy as np
import pytest

from qkernels.benchmarks.caches import COLD_L2, COLD_L3, WARM, cold, flushed_bytes
from qkernels.benchmarks.measure import Timing, compare, difference, measure
from qkernels.engines.base import Prepared
from qkernels.report.record import CacheLevel

TIMING = Timing(rounds=3, target_ms=0.01, idle_ms=0)


def engine(ns, call_ns=None, output=None, tolerance=0.0):
    def takes(nanoseconds):
        return lambda runs: np.full(runs, float(nanoseconds))
    return Prepared(takes(ns), None if call_ns is None else takes(call_ns),
                    None if output is None else lambda: np.array(output), tolerance)


def test_the_cost_of_a_call_is_taken_off_on_every_side():
    sides = {"qkernels": engine(3000, 1000), "a": engine(5000, 1000), "b": engine(4000)}
    found = measure(sides, TIMING, dict.fromkeys(sides, "exact"))
    assert found["qkernels"].us.median == 2 and found["qkernels"].call_us == 1 and found["qkernels"].speedup is None
    assert found["a"].speedup.value == 2 and found["a"].speedup.shown and found["a"].rounds_us == (4, 4, 4)
    assert found["b"].speedup.value == 2 and found["b"].call_us is None


def test_a_time_no_longer_than_its_call_is_no_time():
    sides = {"qkernels": engine(3000), "a": engine(1000, 1000)}
    found = measure(sides, TIMING, dict.fromkeys(sides, "exact"))["a"]
    assert found.us is None and found.speedup is None and found.call_us == 1


def test_outputs_decide_who_is_timed():
    sides = {"qkernels": engine(1, output=[1, 2]), "same": engine(1, output=[1, 2]), "off": engine(1, output=[1, 3]),
             "near": engine(1, output=[1, 3], tolerance=1), "more": engine(1, output=[1, 2, 3]), "none": engine(1)}
    outputs, refused = compare(sides)
    assert outputs == {"qkernels": "ours", "same": "exact", "near": "1 step at most, 50.00% equal", "none": "not compared"}
    assert refused == {"off": "its output differs from ours by 1, allowed are 0", "more": "its output has 3 elements, ours 2"}


def test_difference_of_floats_is_relative_and_never_nan():
    assert difference(np.float32([0, 4]), np.float32([0, 2]), 0.5) == "5.0e-01 of the largest value at most"
    for wrong in ([0, 1], [np.nan, 4]):
        with pytest.raises(ValueError, match="differs"):
            difference(np.float32([0, 4]), np.float32(wrong), 0.5)


def test_a_flush_goes_before_each_run():
    order = []
    sampler = cold(lambda runs: (order.append(f"run {runs}"), np.ones(runs))[1], lambda: order.append("flush"))
    assert sampler(2).tolist() == [1, 1] and order == ["flush", "run 1", "flush", "run 1"]


def test_flushed_bytes_exceed_the_level():
    caches = (CacheLevel(1, 1 << 15), CacheLevel(2, 1 << 20))
    assert flushed_bytes(WARM, caches) == 0 and flushed_bytes(COLD_L2, caches) == 4 << 20
    with pytest.raises(ValueError, match="level 3"):
        flushed_bytes(COLD_L3, caches)
