"""Ctrl-C in a measurement: what was measured is kept and marked, and replaces nothing that is whole."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from qkernels.benchmarks.job import Job as Bench
from qkernels.benchmarks.job import run_job as run_bench
from qkernels.benchmarks.record import read_results
from qkernels.measure import job as jobs
from qkernels.measure.images import load_pictures
from qkernels.measure.interleave import Interrupted, interleave
from qkernels.measure.job import Job, run_job
from qkernels.models import sample_images
from qkernels.report.record import QKERNELS
from qkernels.report.schema import json_schema
from qkernels.report.write import read_report, write_report

ROUNDS, LAYERS = 4, 31
INTERRUPTED = 130, -signal.SIGINT
"""Exit statuses. The second is Python's own, where the interrupt met a package's start; a shell shows it as 130 too."""


def interrupt_at(what, call):
    """A progress function that stands for Ctrl-C on the `call`th time that `what` is said."""
    heard = []

    def progress(said, *_):
        heard.append(said)
        if said == what and heard.count(what) == call:
            raise KeyboardInterrupt
    return progress


def interrupted_job(what, call):
    try:
        return run_job(Job(None, load_pictures(sample_images()), threads=1, repeats=ROUNDS), interrupt_at(what, call))
    except KeyboardInterrupt:                     # would end pytest itself
        pytest.fail("the interrupt was not caught")


def timed(report):
    return [layer for layer in report.layers if layer.qkernels_us]


@pytest.mark.parametrize("call", [1, 2])
def test_before_the_second_round_there_is_nothing_to_keep(call):
    with pytest.raises(KeyboardInterrupt):
        run_job(Job(None, [], threads=1, repeats=ROUNDS), interrupt_at("end to end", call))


def test_end_to_end():
    """The rounds that were complete; every layer of the plan has its row, with its time inside the network."""
    report = interrupted_job("end to end", 3)
    assert report.interrupted == ("2 of 4 rounds end to end, 0 of 31 layers alone and the memory of 0 of 3 engines "
                                  "were measured")
    assert len(report.engines[QKERNELS].latency_ms.samples) == report.settings.repeats == 2 * 5
    assert len(report.layers) == LAYERS and not timed(report)
    assert all(layer.qkernels_in_network_us > 0 and layer.implementation for layer in report.layers)
    assert report.totals.qkernels_layers_alone_sum_us is None and report.totals.openvino_layers_sum_us is None
    assert report.totals.unattributed_us is not None and report.totals.openvino_unattributed_us is None


def test_layer_by_layer(tmp_path):
    """The layers that were reached; the report's files say so on top."""
    report = interrupted_job("layer by layer", 4)
    assert report.interrupted.startswith("4 of 4 rounds end to end, ") and 3 <= len(timed(report)) <= 4
    assert timed(report) == list(report.layers[:len(timed(report))])
    assert report.totals.openvino_layers_sum_us > 0 and report.totals.roofline_us is None
    paths = write_report(report, tmp_path)
    assert read_report(tmp_path) == report
    jsonschema.validate(json.loads(paths["report.json"].read_text()), json_schema())
    for name in ("report.html", "report.md"):
        text = paths[name].read_text()
        assert "Interrupted, partial results: " in text and f"Interrupted: only {report.interrupted}." in text


def test_memory(monkeypatch):
    """Everything but the peaks of the engines that were not reached."""
    def peak(name, *_):
        if name != QKERNELS:
            raise KeyboardInterrupt
        return 5.0
    monkeypatch.setattr(jobs, "peak_rss_mb", peak)
    report = run_job(Job(None, [], threads=1, repeats=2), lambda *_: None)
    assert report.interrupted.endswith(" 31 of 31 layers alone and the memory of 1 of 3 engines were measured")
    assert [engine.peak_rss_mb for engine in report.engines.values()] == [5.0, None, None]
    assert report.totals.roofline_us > 0


def test_interleave_keeps_whole_rounds():
    runs = []

    def side(n):
        runs.append(n)
        if len(runs) == 10:
            raise KeyboardInterrupt
        return np.full(n, len(runs), np.float64)
    with pytest.raises(Interrupted) as caught:
        interleave({"a": side, "b": side}, rounds=9, warmup=0, idle_ms=0)
    assert {name: taken.shape for name, taken in caught.value.samples.items()} == {"a": (4, 1), "b": (4, 1)}


def test_bench_keeps_whole_rows():
    found = run_bench(Bench("pool", 1, 2), interrupt_at("MobileNet: softmax", 1))
    assert found.interrupted and [(row.name, row.cache) for row in found.rows] == [("pool", "warm")]
    with pytest.raises(KeyboardInterrupt):
        run_bench(Bench("pool", 1, 2), interrupt_at("MobileNet: pool", 1))


def interrupt(arguments, seconds):
    """(exit status, stdout, stderr) of a command that gets SIGINT so long after it began to load OpenVINO."""
    process = subprocess.Popen([sys.executable, "-m", "qkernels", *map(str, arguments)], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    maps = Path(f"/proc/{process.pid}/maps")
    while process.poll() is None and "openvino" not in maps.read_text():
        time.sleep(0.05)
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    try:
        out, err = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        pytest.fail("the interrupt was lost")
    return process.returncode, out, err


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="no /proc to see when the command has begun")
@pytest.mark.parametrize("seconds", [0, 2, 12])
def test_the_report_command(tmp_path, seconds):
    """Whenever the signal comes: status 130, one line, and a partial report beside the whole one, or none."""
    (tmp_path / "report.json").write_text("a whole report")
    status, out, err = interrupt(["report", "--repeats", 3000, "--out", tmp_path], seconds)
    assert status in INTERRUPTED and "Traceback" not in err and len(err.strip().splitlines()) == 1, err
    assert (tmp_path / "report.json").read_text() == "a whole report"
    partial = tmp_path / "partial"
    if partial.exists():
        assert read_report(partial).interrupted and str(partial) in err and "Interrupted, partial results" in out
    else:
        assert err.strip() == "qkernels: interrupted" and out == ""


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="no /proc to see when the command has begun")
@pytest.mark.parametrize("seconds", [0, 8])
def test_the_bench_command(tmp_path, seconds):
    (tmp_path / "r.json").write_text("whole results")
    status, _, err = interrupt(["bench", "pool", "--repeats", 700, "--json", tmp_path / "r.json"], seconds)
    assert status in INTERRUPTED and len(err.strip().splitlines()) == 1 and "Traceback" not in err, err
    assert (tmp_path / "r.json").read_text() == "whole results"
    partial = tmp_path / "r.partial.json"
    assert partial.exists() == (str(partial) in err)
    assert not partial.exists() or read_results(partial).interrupted
