"""What the measurement asks of an engine: of one that runs a whole model, and of one that runs a single operation."""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from qkernels.measure.clock import time_calls

from .work import Work

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


class Unsupported(Exception):
    """The engine cannot do this work; the message says why, for the results."""


@dataclass(frozen=True)
class Prepared:
    """One operation, ready to run again and again on the same buffers.

    run        times runs
    call       times the same call with nothing, or next to nothing, to do: what Python and the binding cost, to be taken
               off; None where the engine's own clock is inside the call
    result     the output of the last run; None where there is nothing to compare (a copy, a rate)
    tolerance  the largest difference allowed from other engines: in steps of an integer output, relative for a float one
    """

    run: Sampler
    call: Sampler | None = None
    result: Callable[[], NDArray[Any]] | None = None
    tolerance: float = 0.0


def python_calls(run: Callable[[], Any], empty: Callable[[], Any], result: Callable[[], NDArray[Any]], *,
                 tolerance: float = 0.0) -> Prepared:
    """An operation called from Python, and the same call with nothing to do."""
    return Prepared(lambda n: time_calls(run, n), lambda n: time_calls(empty, n), result, tolerance)


@dataclass(frozen=True)
class Peer:
    """An engine by the name of its module in this room, and the distributions that it needs, its own first."""

    name: str
    module: str
    distributions: tuple[str, ...]

    def version(self) -> str:
        """Of its own distribution. ImportError names one that is not installed."""
        versions = []
        for name in self.distributions:
            try:
                versions.append(importlib.metadata.version(name))
            except importlib.metadata.PackageNotFoundError as error:
                raise ImportError(f"{name} is not installed") from error
        return versions[0]

    def prepare(self, work: Work, threads: int) -> Prepared:
        """`work` on this engine, in its best configuration for `threads` threads.

        Raises Unsupported where the engine has no such operation, ImportError where it is not installed.
        """
        found: Prepared = self.load().prepare(work, threads)
        return found

    def load(self) -> Any:
        """Its module, which imports the engine."""
        return importlib.import_module(f"{__package__}.{self.module}")
