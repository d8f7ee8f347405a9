"""QParams compare and hash by value, per tensor and per channel."""

import numpy as np

import qkernels as qk


def test_equal_by_value():
    first, same, other = (qk.QParams(scale, 3) for scale in (0.5, 0.5, 0.25))
    assert first == same and hash(first) == hash(same)
    assert first != other and first != "params"


def test_per_channel():
    first, same = (qk.QParams([0.5, 2.0], [1, 2], np.int8, 0) for _ in range(2))
    assert first == same and hash(first) == hash(same)
    assert first != qk.QParams([0.5, 2.0], [1, 2], np.int8, 1)
    assert first != qk.QParams([0.5, 1.0], [1, 2], np.int8, 0)
