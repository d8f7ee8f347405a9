"""A whole benchmark: every case of a family against every peer that is there, or the network."""

from __future__ import annotations

import datetime
import functools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import qkernels
from qkernels import _native
from qkernels.engines.base import Peer, Prepared, Unsupported
from qkernels.engines.peers import NATIVE, PEERS
from qkernels.engines.work import Work
from qkernels.measure import machine
from qkernels.measure.roofline import measure_roofline
from qkernels.measure.statistics import CONFIDENCE, SEED
from qkernels.report.record import CacheLevel

from . import network
from .caches import WARM, flushed_bytes, flusher
from .families import MODELS, NETWORK, PEERS_OF
from .measure import Timing, compare, measure
from .record import OURS, Results, Row, Settings
from .shapes import CASES

_TARGET_MS = 2.0
_BATCH_MS = 25.0   # of the whole network: several inferences in a row
_STEERING = ("QKERNELS_ISA", "QKERNELS_NUM_THREADS", "ONEDNN_MAX_CPU_ISA")


@dataclass(frozen=True)
class Job:
    """What to measure. `peers` None: all that the family has; `tflite`: files for LiteRT, one for the network, any number for
    the models; other families take none."""

    family: str
    threads: int
    rounds: int
    states: Sequence[str] = (WARM,)
    peers: Sequence[str] | None = None
    tflite: Sequence[Path] = ()


def run_job(job: Job, progress: Callable[[str], None]) -> Results:
    """Everything measured; `progress` hears what comes next.

    A KeyboardInterrupt after the first row ends the measurement; the results then have the rows that were complete, and say
    that they were interrupted. Before that it is raised.
    ValueError for a state of the caches that the machine lacks.
    """
    found, absent = _peers(job)
    levels = machine.caches()
    sizes = {state: flushed_bytes(state, levels) for state in job.states}
    # One thread leaves none behind; of several, some engines' spin for up to 20 ms after their work.
    timing = Timing(job.rounds, _TARGET_MS, 25.0 if job.threads > 1 else 1.0)
    if job.family == NETWORK:
        coming = _network_rows(job, found, timing, progress)
    elif job.family == MODELS:
        coming = _model_rows(job, found, timing, progress)
    else:
        coming = _family_rows(job, found, sizes, timing, progress)
    rows: list[Row] = []
    interrupted = False
    try:
        for row in coming:
            rows.append(row)
    except KeyboardInterrupt:
        if not rows:
            raise
        interrupted = True
    return _results(job, found, absent, tuple(rows), sizes, timing, levels, interrupted)


def _peers(job: Job) -> tuple[dict[str, Peer], dict[str, str]]:
    """Those that are there, and why the others are not."""
    found, absent = {}, {}
    for name in PEERS_OF[job.family]:
        if job.peers is not None and name not in job.peers:
            absent[name] = "not asked for"
            continue
        try:
            PEERS[name].version()
            found[name] = PEERS[name]
        except ImportError as error:
            absent[name] = str(error)
    return found, absent


def _family_rows(job: Job, found: Mapping[str, Peer], sizes: Mapping[str, int], timing: Timing,
                 progress: Callable[[str], None]) -> Iterator[Row]:
    flushers = {state: flusher(size) if size else None for state, size in sizes.items()}
    for case in CASES[job.family](job.threads):
        progress(f"{case.group}: {case.name}")
        sides, missing = _sides(case.make(), found, job)
        outputs, refused = compare(sides)
        for name in refused:
            del sides[name]
        for state, flush in flushers.items():
            if state == WARM or case.cold:
                yield Row(case.name, case.group, state, case.parameters, case.macs, measure(sides, timing, outputs, flush),
                          missing | refused)


def _sides(work: Work, found: Mapping[str, Peer], job: Job) -> tuple[dict[str, Prepared], dict[str, str]]:
    sides, missing = {OURS: NATIVE.prepare(work, job.threads)}, {}
    if job.threads > 1:
        sides[network.ONE_THREAD] = NATIVE.prepare(work, 1)
    for name, peer in found.items():
        try:
            sides[name] = peer.prepare(work, job.threads)
        except Unsupported as error:
            missing[name] = str(error)
    return sides, missing


def _network_rows(job: Job, found: Mapping[str, Peer], timing: Timing, progress: Callable[[str], None]) -> Iterator[Row]:
    row = functools.partial(Row, group=NETWORK, cache=WARM)
    progress("end to end")
    sides, missing = network.end_to_end(job.threads, found, job.tflite[0] if job.tflite else None)
    outputs, refused = compare(sides)
    for name in refused:
        del sides[name]
    yield row(network.END_TO_END, parameters={}, macs=0, sides=measure(sides, _of_whole_models(timing), outputs),
              missing=missing | refused)
    progress("loading")
    for name, sides in network.loading(job.threads):
        yield row(name, parameters={}, macs=0, missing={},
                  sides=measure(sides, Timing(min(timing.rounds, 9), 0, timing.idle_ms), dict.fromkeys(sides, "not compared")))
    progress("calls")
    for name, parameters, sides in network.calls():
        yield row(name, parameters=parameters, macs=0, missing={},
                  sides=measure(sides, timing, dict.fromkeys(sides, "not compared")))


def _model_rows(job: Job, found: Mapping[str, Peer], timing: Timing, progress: Callable[[str], None]) -> Iterator[Row]:
    from .models import whole_models
    progress("whole models")
    for model in whole_models(job.threads, found, job.tflite):
        progress(model.name)
        outputs, refused = compare(model.sides)
        sides = {name: side for name, side in model.sides.items() if name not in refused}
        yield Row(model.name, MODELS, WARM, {}, model.macs, measure(sides, _of_whole_models(timing), outputs),
                  model.missing | refused)


def _of_whole_models(timing: Timing) -> Timing:
    return Timing(timing.rounds, _BATCH_MS, max(timing.idle_ms, 5.0))


def _results(job: Job, found: Mapping[str, Peer], absent: Mapping[str, str], rows: tuple[Row, ...], sizes: Mapping[str, int],
             timing: Timing, levels: tuple[CacheLevel, ...], interrupted: bool) -> Results:
    isa = _native.current_isa()
    return Results(
        created=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        qkernels_version=qkernels.__version__, family=job.family,
        machine=machine.describe(isa, measure_roofline(_native, levels, job.threads), levels, {}),
        settings=Settings(threads=job.threads, isa=isa, rounds=job.rounds, target_ms=timing.target_ms,
                          idle_ms=timing.idle_ms, confidence_level=CONFIDENCE, seed=SEED, flushed_bytes=dict(sizes),
                          environment={name: os.environ[name] for name in _STEERING if name in os.environ}),
        peers={name: peer.version() for name, peer in found.items()}, absent=dict(absent), rows=rows,
        interrupted=interrupted)
