"""What the measurement asks of an engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Sampler = Callable[[int], NDArray[np.float64]]
"""Takes a number of runs, does that many and returns the nanoseconds of each."""


class Engine(Protocol):
    """A model, prepared to run on a fixed number of threads."""

    version: str
    precision: str
    description: str
    compile_ms: float
    first_call_ms: float

    def run(self, x: NDArray[Any]) -> NDArray[np.float32]:
        """The model's first output."""

    def sampler(self, x: NDArray[Any]) -> Sampler:
        """Times whole inferences of `x`."""
