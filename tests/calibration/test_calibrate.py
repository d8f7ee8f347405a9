"""Observers, range methods and `calibrate`."""

import itertools

import numpy as np
import pytest

import qkernels as qk
from qkernels.calibration import Observer
from qkernels.calibration.methods import METHODS, ranges


def squared_error(params, x):
    return float(np.mean((params.dequantize(params.quantize(x)) - x) ** 2, dtype=np.float64))


@pytest.fixture
def heavy(rng):
    """Values of which few lie far out."""
    return rng.standard_t(3, 200_000).astype(np.float32)


def test_minmax_is_from_range(heavy):
    for dtype, symmetric in itertools.product(("uint8", "int8"), (False, True)):
        expected = qk.QParams.from_range(heavy.min(), heavy.max(), dtype=dtype, symmetric=symmetric)
        assert qk.calibrate(heavy, dtype=dtype, symmetric=symmetric) == expected


def test_percentile_cuts_that_share(heavy):
    params = qk.calibrate(heavy, "percentile", percentile=99.0)
    low, high = -params.zero_point * params.scale, (255 - params.zero_point) * params.scale
    bin_width = 2.0 ** np.frexp(np.abs(heavy).max() / 2048)[1]
    assert low == pytest.approx(np.quantile(heavy, 0.01), abs=bin_width + params.scale)
    assert high == pytest.approx(np.quantile(heavy, 0.99), abs=bin_width + params.scale)
    whole = qk.calibrate(np.abs(heavy), "percentile", percentile=100)
    assert whole.scale == pytest.approx(np.abs(heavy).max() / 255, rel=1e-6) and whole.zero_point == 0


@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("dtype", ["uint8", "int8"])
def test_mse_is_near_the_best_range_there_is(heavy, dtype, symmetric):
    found = squared_error(qk.calibrate(heavy, "mse", dtype=dtype, symmetric=symmetric), heavy)
    best = min(squared_error(qk.QParams.from_range(a * heavy.min(), b * heavy.max(), dtype=dtype, symmetric=symmetric), heavy)
               for a, b in itertools.product(np.linspace(0.02, 1, 25), repeat=2) if a == b or not symmetric)
    assert found < 1.05 * best
    assert found < 0.9 * squared_error(qk.calibrate(heavy, dtype=dtype, symmetric=symmetric), heavy)


def test_entropy_cuts_a_far_tail_and_keeps_a_flat_one(heavy, rng):
    assert qk.calibrate(heavy, "entropy").scale < 0.7 * qk.calibrate(heavy).scale
    flat = rng.uniform(0, 1, 200_000).astype(np.float32)
    assert qk.calibrate(flat, "entropy").scale > 0.97 / 255


@pytest.mark.parametrize("method", METHODS)
def test_each_index_of_an_axis_has_its_own(method, rng):
    x = rng.standard_normal((3, 50_000)).astype(np.float32) * np.float32([[1e-3], [1], [1e3]])
    params = qk.calibrate(x.T, method, dtype="int8", axis=1, symmetric=True)
    for channel, values in enumerate(x):
        assert params.scale[channel] == qk.calibrate(values, method, dtype="int8", symmetric=True).scale
    assert params.zero_point.tolist() == [0, 0, 0] and params.axis == 1


@pytest.mark.parametrize("method", METHODS)
def test_a_stream_gives_what_the_whole_gives(method, heavy):
    pieces = (piece * factor for piece, factor in zip(np.split(heavy, 10), np.float32(2) ** np.arange(10)))
    whole = np.concatenate([piece * factor for piece, factor in zip(np.split(heavy, 10), np.float32(2) ** np.arange(10))])
    assert qk.calibrate(pieces, method) == qk.calibrate(whole, method)


def test_merged_observers_have_seen_what_one_would_have(rng):
    arrays = [rng.standard_normal((4, 1000)) * 10.0**power for power in (-3, 2, 0)]
    one, first, second = Observer(0), Observer(0), Observer(0)
    for array in arrays:
        one.update(array)
    first.update(arrays[0])
    second.update(arrays[1])
    second.update(arrays[2])
    first.merge(second)
    for name in ("lowest", "highest", "counts", "edges"):
        np.testing.assert_array_equal(getattr(first, name), getattr(one, name))
    assert one.counts.sum() == 12_000
    whole = Observer()
    whole.update(np.stack(arrays))
    np.testing.assert_array_equal(one.whole().counts, whole.counts)
    assert (one.whole().lowest, one.whole().highest) == (whole.lowest, whole.highest)


def test_histogram_counts_each_value_in_its_bin(rng):
    x = rng.uniform(-3, 3, 5000)
    seen = Observer(bins=64)
    seen.update(x[:10])
    seen.update(x)
    counts, edges = seen.counts[0], seen.edges[0]
    np.testing.assert_array_equal(counts, np.histogram(np.concatenate([x[:10], x]), edges)[0])
    assert edges[0] <= x.min() and x.max() < edges[-1] and np.abs(x).max() > edges[-1] / 2


def test_most_thins_the_histogram_and_not_the_extremes(rng):
    x = rng.uniform(0, 1, 10_001).astype(np.float32)
    seen = Observer(most=100)
    seen.update(x)
    assert 90 <= seen.counts.sum() <= 100
    assert (seen.lowest, seen.highest) == (x.min(), x.max())


@pytest.mark.parametrize("method", METHODS)
def test_constants(method):
    assert qk.calibrate(np.zeros(5, np.float32), method).scale == 1
    assert qk.calibrate(np.full(5, 2, np.float32), method).scale == pytest.approx(2 / 255, rel=0.02)
    assert qk.calibrate(np.full(5, -1e-38, np.float32), method).zero_point in (0, 255)


def test_bad_input_is_named(rng):
    x = np.ones((2, 3), np.float32)
    with pytest.raises(ValueError, match="method: expected minmax, percentile, mse, entropy, got 'median'"):
        qk.calibrate(x, "median")
    with pytest.raises(ValueError, match="x: expected finite"):
        qk.calibrate(np.float32([1, np.nan]))
    with pytest.raises(ValueError, match="x: expected finite"):
        qk.calibrate(np.float32([1, np.inf]))
    with pytest.raises(ValueError, match="x: expected values"):
        qk.calibrate(np.empty((0, 3), np.float32))
    with pytest.raises(ValueError, match="x: expected values, got none"):
        qk.calibrate(iter(()))
    with pytest.raises(TypeError, match="x: expected an array of float32"):
        qk.calibrate([1, 2])
    with pytest.raises(TypeError, match="dtype: expected uint8 or int8"):
        qk.calibrate(x, dtype="int16")
    with pytest.raises(ValueError, match="percentile: expected more than 50"):
        qk.calibrate(x, "percentile", percentile=50)
    with pytest.raises(ValueError, match="x: expected 2 channels as before, got 3"):
        qk.calibrate(iter((x, x.T)), axis=0)
    with pytest.raises(ValueError, match="axis: expected"):
        qk.calibrate(x, axis=2)
    with pytest.raises(ValueError, match="bins: expected an even number"):
        Observer(bins=5)
    with pytest.raises(ValueError, match="other: axis 0"):
        Observer().merge(Observer(0))
    with pytest.raises(ValueError, match="x: expected values, got none"):
        ranges(Observer())
