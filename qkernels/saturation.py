"""How often a kernel built on VPMADDUBSW would clip a sum of int16: why int8 results differ between CPUs elsewhere.

CPUs without VNNI multiply bytes with VPMADDUBSW, which multiplies the unsigned bytes of its first operand with the signed bytes
of its second and adds each two neighbours with signed saturation to 16 bits (Intel 64 and IA-32 Architectures Software
Developer's Manual, volume 2, PMADDUBSW). 255 * 127 + 255 * 127 does not fit, so a kernel made of it returns other numbers than
one made of VNNI's VPDPBUSD, which adds to 32 bits. The kernels of this package never do this; here it is counted for others.

The neighbours are assumed to be consecutive rows of b, k = 2p and 2p + 1, as kernels lay weights out whether they take k in
groups of two or of four. A last k without partner cannot saturate: 255 * -128 fits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _native
from .arguments import RANGES, any_array, array_of


def count_saturations(a: ArrayLike, b: ArrayLike) -> int:
    """Of the M * N * (K // 2) sums of two products in a (M, K) x b (K, N), those that VPMADDUBSW would clip to int16.

    a  (..., M, K) or (K,), uint8; int8 is taken as kernels take it, the uint8 128 above it
    b  (K, N) int8, any strides
    Raises TypeError for a wrong dtype, ValueError for a wrong shape.
    """
    matrix = _weights(b)
    left = array_of(a, tuple(RANGES), "a")
    if left.ndim < 1 or left.shape[-1] != matrix.shape[0]:
        raise ValueError(f"a: expected a last dimension of {matrix.shape[0]}, the rows of b, got shape {left.shape}")
    if left.dtype == np.int8:
        left = left.view(np.uint8) ^ np.uint8(0x80)
    return _native.count_saturations(left.reshape(-1, matrix.shape[0]), matrix)


def count_saturating_weights(b: ArrayLike) -> int:
    """Of the N * (K // 2) pairs of weights in b (K, N) int8, those that saturate for some activations; errors as above.

    No activations are worse than 255 and 255: weights of unlike signs add up to less than one of them alone, which fits.
    """
    matrix = _weights(b)
    return _native.count_saturations(np.full((1, matrix.shape[0]), 255, np.uint8), matrix)


def _weights(b: ArrayLike) -> NDArray[Any]:
    matrix = any_array(b, "b")
    if matrix.dtype != np.int8:
        raise TypeError(f"b: expected an array of int8, got {matrix.dtype.name}")
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise ValueError(f"b: expected shape (K, N), both at least 1, got {matrix.shape}")
    return matrix
