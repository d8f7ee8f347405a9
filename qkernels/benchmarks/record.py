"""What a benchmark knows: the data model of its JSON, schema `qkernels-bench/1`.

Names as in `qkernels.report.record`: `_us` microseconds, `_ms` milliseconds. `None` means that a figure does not exist.
"""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from qkernels.measure.statistics import Ratio
from qkernels.report.json_writer import json_text
from qkernels.report.plain import plain, read
from qkernels.report.record import Interval, Machine
from qkernels.report.write import write_atomically

SCHEMA = "qkernels-bench/1"
OURS = "qkernels"


@dataclass(frozen=True)
class Side:
    """One engine in one row."""

    us: Interval | None                           # of one run, the call's cost taken off; None: it does not stand out from it
    call_us: float | None                         # what was taken off; None: nothing was
    outputs: str                                  # how far its outputs lie from ours
    rounds_us: tuple[float, ...]                  # the median of each round, in the order taken
    speedup: Ratio | None = None                  # None on our own side, or where `us` is


@dataclass(frozen=True)
class Row:
    """One case in one state of the caches."""

    name: str
    group: str                                    # "MobileNet", or what a sweep goes over
    cache: str                                    # "warm", "cold-l2", "cold-l3"
    parameters: dict[str, int]                    # sizes: elements; m, k, n; height, channels ...
    macs: int
    sides: dict[str, Side]                        # ours first
    missing: dict[str, str]                       # peer -> why it has no side here


@dataclass(frozen=True)
class Settings:
    """How the run was made."""

    threads: int
    isa: str
    rounds: int
    target_ms: float                              # of each side in each round
    idle_ms: float                                # pause before one side takes over from another
    confidence_level: float
    seed: int
    flushed_bytes: dict[str, int]                 # cache state -> the buffer walked before each sample
    environment: dict[str, str]                   # variables that steer an engine, as far as they were set


@dataclass(frozen=True)
class Results:
    """The whole of one benchmark's JSON."""

    created: str                                  # ISO 8601, UTC
    qkernels_version: str
    family: str
    machine: Machine
    settings: Settings
    peers: dict[str, str]                         # peer -> version
    absent: dict[str, str]                        # peer -> why it is not there
    rows: tuple[Row, ...]
    interrupted: bool = False                     # the run was broken off: further cases are not here
    schema: str = field(default=SCHEMA)


def write_results(results: Results, path: Path) -> None:
    """The JSON, whole or not at all. OSError where it cannot be written, ValueError where a figure is not finite."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path.parent, {path.name: json_text(plain(dataclasses.asdict(results)), "results")})


def read_results(path: str | os.PathLike[str]) -> Results:
    """What `write_results` wrote. OSError where it cannot be read; ValueError names the file and what is wrong with it."""
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        found = data.get("schema") if isinstance(data, dict) else None
        if found != SCHEMA:
            raise ValueError(f"schema: expected {SCHEMA!r}, got {found!r}")
        results: Results = read(Results, data, "results")
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return results
