"""Buffers that start on a cache line, as engines' own do: an array at a multiple of 16 bytes makes every vector of 64 bytes
cross two lines, and which it is would be chance."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

_LINE = 64


def aligned_empty(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """An uninitialized C-contiguous array whose first element is at a multiple of 64 bytes."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    memory = np.empty(size + _LINE, np.uint8)
    start = -memory.__array_interface__["data"][0] % _LINE
    return memory[start:start + size].view(dtype).reshape(shape)


def aligned_copy(array: NDArray[Any]) -> NDArray[Any]:
    """The same elements in a buffer of that kind."""
    copy = aligned_empty(array.shape, array.dtype)
    copy[...] = array
    return copy
