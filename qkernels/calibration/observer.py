"""What is remembered of a stream of arrays: extremes and a histogram, for the whole or for each channel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qkernels.arguments import array_of, axis_of

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
_LEAST_EXPONENT = -100      # its inverse is a float32; narrower bins would tell apart what no scale can


class Observer:
    """Extremes and histogram of all arrays given to `update`, of each index of `axis` where it is not None.

    A channel's bins are a power of two wide, half of them on each side of 0; where values exceed them, the bins double
    in width and pairs of them become one. So neither the order of the batches nor how they were split between observers
    that are merged later changes a count.

    most    so many values of each channel and array at most go into the histogram, evenly spread; None: all
    """

    def __init__(self, axis: int | None = None, *, bins: int = 4096, most: int | None = None) -> None:
        if not isinstance(bins, int) or bins < 4 or bins % 2:
            raise ValueError(f"bins: expected an even number of at least 4, got {bins!r}")
        if most is not None and most < 1:
            raise ValueError(f"most: expected None or at least 1, got {most!r}")
        self.axis = axis
        self.most = most
        self.bins = bins
        self._lowest: F64 = np.empty(0)
        self._highest: F64 = np.empty(0)
        self._exponents: I64 = np.empty(0, np.int64)
        self._counts: I64 = np.empty((0, bins), np.int64)

    @property
    def empty(self) -> bool:
        return self._lowest.size == 0

    @property
    def lowest(self) -> F64:
        """The least value of each channel, (channels,); one value without an axis."""
        return self._lowest

    @property
    def highest(self) -> F64:
        return self._highest

    @property
    def counts(self) -> I64:
        """(channels, bins)."""
        return self._counts

    @property
    def edges(self) -> F64:
        """The bins' ends, (channels, bins + 1)."""
        return np.ldexp(np.arange(self.bins + 1) - self.bins // 2.0, self._exponents[:, np.newaxis])

    def update(self, x: ArrayLike) -> None:
        """Adds the values of `x`, float32, float16 or float64.

        Raises TypeError for another dtype, ValueError for values that are not finite, no values, or a number of channels
        that is not that of the arrays before.
        """
        rows = self._rows(x)
        low, high = rows.min(axis=1).astype(np.float64), rows.max(axis=1).astype(np.float64)
        if not (np.isfinite(low).all() and np.isfinite(high).all()):
            raise ValueError("x: expected finite values")
        if self.empty:
            self._start(len(rows))
        if len(rows) != len(self._lowest):
            raise ValueError(f"x: expected {len(self._lowest)} channels as before, got {len(rows)}")
        self._lowest, self._highest = np.minimum(self._lowest, low), np.maximum(self._highest, high)
        self._widen(self._exponents_for(np.maximum(-low, high)))
        if self.most is not None and rows.shape[1] > self.most:
            rows = rows[:, ::-(-rows.shape[1] // self.most)]
        # a product with a power of two is exact in float32 too, short of the subnormal
        scaled = rows * np.ldexp(np.float32(1), -self._exponents)[:, np.newaxis].astype(rows.dtype)
        index = np.floor(scaled, out=scaled).astype(np.int64)
        index += self.bins // 2
        index += np.arange(len(rows))[:, np.newaxis] * self.bins
        self._counts += np.bincount(index.ravel(), minlength=self._counts.size).reshape(self._counts.shape)

    def merge(self, other: Observer) -> None:
        """Adds what `other` has seen. Raises ValueError where axis, bins or channels differ."""
        if (other.axis, other.bins) != (self.axis, self.bins):
            raise ValueError(f"other: axis {other.axis} and {other.bins} bins, expected {self.axis} and {self.bins}")
        if other.empty:
            return
        if self.empty:
            self._start(len(other._lowest))
        if len(other._lowest) != len(self._lowest):
            raise ValueError(f"other: {len(other._lowest)} channels, expected {len(self._lowest)}")
        self._lowest = np.minimum(self._lowest, other._lowest)
        self._highest = np.maximum(self._highest, other._highest)
        self._widen(other._exponents)
        self._counts += _coarser(other._counts, self._exponents - other._exponents)

    def whole(self) -> Observer:
        """An observer without an axis that has seen the values of all channels."""
        result = Observer(bins=self.bins)
        for channel, counts in enumerate(self._counts):
            one = Observer(bins=self.bins)
            one._lowest, one._highest = self._lowest[channel:channel + 1], self._highest[channel:channel + 1]
            one._exponents, one._counts = self._exponents[channel:channel + 1], counts[np.newaxis]
            result.merge(one)
        return result

    def _start(self, channels: int) -> None:
        self._lowest, self._highest = np.full(channels, np.inf), np.full(channels, -np.inf)
        self._exponents = np.full(channels, _LEAST_EXPONENT)
        self._counts = np.zeros((channels, self.bins), np.int64)

    def _rows(self, x: ArrayLike) -> NDArray[Any]:
        """(channels, values), float32 or float64."""
        array = array_of(x, ("float32", "float16", "float64"), "x")
        if array.dtype == np.float16:
            array = array.astype(np.float32)
        if self.axis is None:
            array = array.reshape(1, -1)
        else:
            array = np.moveaxis(array, axis_of(self.axis, array.ndim), 0)
            array = array.reshape(len(array), -1) if array.size else array.reshape(0, 0)
        if array.size == 0:
            raise ValueError(f"x: expected values, got shape {np.shape(x)}")
        return array

    def _exponents_for(self, largest: F64) -> I64:
        """Of the narrowest bins whose outermost still hold `largest` on both sides."""
        half = self.bins // 2
        exponents = np.frexp(largest / half)[1].astype(np.int64)
        return np.where(largest > 0, np.maximum(exponents, _LEAST_EXPONENT), _LEAST_EXPONENT)

    def _widen(self, exponents: I64) -> None:
        wider = np.maximum(self._exponents, exponents)
        self._counts = _coarser(self._counts, wider - self._exponents)
        self._exponents = wider


def _coarser(counts: I64, doublings: I64) -> I64:
    """`counts` (channels, bins) in bins 2^doublings times as wide, doublings (channels,)."""
    result, half = counts.copy(), counts.shape[1] // 2
    for step in np.unique(doublings[doublings > 0]):
        rows = np.flatnonzero(doublings == step)
        place = ((np.arange(counts.shape[1]) - half) >> min(int(step), 62)) + half
        folded = np.zeros((len(rows), counts.shape[1]), np.int64)
        np.add.at(folded, (slice(None), place), counts[rows])
        result[rows] = folded
    return result
