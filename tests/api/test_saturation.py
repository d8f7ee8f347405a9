"""The saturation audit against its definition in NumPy."""

import numpy as np
import pytest

import qkernels as qk


def neighbours(a, b):
    """The exact sums of each two neighbouring products, shape (M, K // 2, N), int64."""
    k = b.shape[0] // 2 * 2
    products = a[:, :k, None].astype(np.int64) * b[None, :k]
    return products.reshape(a.shape[0], k // 2, 2, b.shape[1]).sum(2)


def leave_int16(sums):
    return int(((sums < -32768) | (sums > 32767)).sum())


def operands(rng, m, k, n, extreme):
    """Random bytes, or values around those where sums begin to leave int16."""
    if extreme:
        weights = rng.choice([-128, -65, -64, 63, 64, 65, 127], (k, n))
        return rng.integers(250, 256, (m, k)).astype(np.uint8), weights.astype(np.int8)
    return rng.integers(0, 256, (m, k)).astype(np.uint8), rng.integers(-128, 128, (k, n)).astype(np.int8)


@pytest.mark.parametrize("extreme", [False, True])
@pytest.mark.parametrize("m, k, n", [(1, 1, 1), (1, 2, 1), (3, 3, 5), (2, 64, 64), (5, 255, 7), (4, 256, 65), (3, 515, 130)])
def test_equals_definition(isa, threads, rng, m, k, n, extreme):
    """Remainders of every dimension, blocks of k and of columns, one thread and several."""
    a, b = operands(rng, m, k, n, extreme)
    want = leave_int16(neighbours(a, b))
    assert k < 64 or want > 0
    for number in (1, 3):
        threads(number)
        assert qk.count_saturations(a, b) == want
    assert qk.count_saturations(a[::-1], b) == want and qk.count_saturations(a, np.asfortranarray(b)) == want
    assert qk.count_saturations(a[:, ::-1], b[::-1]) == leave_int16(neighbours(a[:, ::-1], b[::-1]))


def test_int8_activations_are_the_uint8_above_them(rng):
    a, b = operands(rng, 4, 30, 9, extreme=True)
    assert qk.count_saturations((a ^ 0x80).view(np.int8), b) == qk.count_saturations(a, b) > 0


def test_any_leading_dimensions(rng):
    a, b = operands(rng, 6, 8, 5, extreme=True)
    assert qk.count_saturations(a.reshape(2, 3, 8), b) == qk.count_saturations(a, b)
    assert qk.count_saturations(a[0], b) == qk.count_saturations(a[:1], b)
    assert qk.count_saturations(a[:0], b) == 0


def test_weights_at_risk_are_those_that_some_activations_clip():
    """Every pair of weights with every pair of 0, 1, 127, 254 and 255, between which a sum of products is linear."""
    first, second = (part.ravel() for part in np.meshgrid(np.arange(-128, 128), np.arange(-128, 128), indexing="ij"))
    b = np.stack([first, second]).astype(np.int8)
    a = np.array([(x, y) for x in (0, 1, 127, 254, 255) for y in (0, 1, 127, 254, 255)], np.uint8)
    sums = neighbours(a, b)
    at_risk = ((sums < -32768) | (sums > 32767)).any((0, 1))
    assert qk.count_saturating_weights(b) == at_risk.sum() > 0
    assert qk.count_saturating_weights(b[:, at_risk]) == at_risk.sum()
    assert qk.count_saturating_weights(b[:, ~at_risk]) == 0


@pytest.mark.parametrize("call, error, message", [
    (lambda: qk.count_saturations(np.ones((2, 3), np.int16), np.ones((3, 2), np.int8)), TypeError, "^a: .*uint8 or int8.*t16"),
    (lambda: qk.count_saturations(np.ones((2, 4), np.uint8), np.ones((3, 2), np.int8)), ValueError, r"^a: .*3.*\(2, 4\)"),
    (lambda: qk.count_saturations(np.uint8(3), np.ones((3, 2), np.int8)), ValueError, "^a: "),
    (lambda: qk.count_saturations(np.ones((2, 3), np.uint8), np.ones((3, 2), np.uint8)), TypeError, "^b: .*int8.*uint8"),
    (lambda: qk.count_saturations(np.ones((2, 3), np.uint8), np.ones(3, np.int8)), ValueError, r"^b: .*\(K, N\).*\(3,\)"),
    (lambda: qk.count_saturating_weights(np.ones((0, 2), np.int8)), ValueError, r"^b: .*\(0, 2\)"),
    (lambda: qk.count_saturating_weights([[1.0]]), TypeError, "^b: .*float64"),
])
def test_bad_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()
