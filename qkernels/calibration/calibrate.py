"""Parameters for an array, or a stream of arrays."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from qkernels.affine import QParams
from qkernels.arguments import quantized_dtype

from .observer import Observer

PERCENTILE = 99.99


def calibrate(x: ArrayLike | Iterator[ArrayLike], method: str = "minmax", *, dtype: DTypeLike = np.uint8,
              axis: int | None = None, symmetric: bool = False, percentile: float = PERCENTILE) -> QParams:
    """Scale and zero point for values like those of `x`.

    x           a finite float32, float16 or float64 array, or an iterator over such arrays, which is read once and one
                array at a time
    method      "minmax", "percentile", "mse" or "entropy", see `qkernels.calibration.methods.ranges`
    dtype       uint8 or int8
    axis        the dimension whose indices get parameters of their own; None: one pair for all
    symmetric   the zero point in the middle of the dtype's range (int8: 0)
    percentile  for that method, in percent

    Raises TypeError for a wrong dtype or type, ValueError for values that are not finite, no values, an unknown method, or
    arrays that differ in their number of channels. ImportError without SciPy.
    """
    try:
        from .methods import ranges  # here: SciPy is of no use to who brings ranges of their own
    except ImportError as error:
        raise ImportError("calibrating needs SciPy: pip install qkernels[report]") from error

    name = quantized_dtype(dtype)
    seen = Observer(axis)
    for array in x if isinstance(x, Iterator) else (x,):
        seen.update(array)
    low, high = ranges(seen, method, symmetric=symmetric, percentile=percentile)
    if axis is None:
        return QParams.from_range(low[0], high[0], dtype=name, symmetric=symmetric)
    return QParams.from_range(low, high, dtype=name, symmetric=symmetric, axis=axis)
