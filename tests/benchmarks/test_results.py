"""The JSON of a benchmark, and what targets read from it."""

import dataclasses
import json

import pytest

from qkernels.benchmarks import targets
from qkernels.benchmarks.families import MODELS, NETWORK, PEERS_OF
from qkernels.benchmarks.record import Results, Row, Settings, Side, read_results, write_results
from qkernels.benchmarks.targets import Target, file_name, outcomes
from qkernels.engines.peers import PEERS
from qkernels.measure.statistics import Ratio
from qkernels.report.record import CacheLevel, Interval, Machine


def row(name, *, cache="warm", missing=None, **sides):
    """Sides by name: (value, low, high) of the peer's time over ours, ours being 2 us."""
    found = {"qkernels": Side(Interval(2.0, 1.0, 3.0), 0.5, "ours", (1.0, 2.0, 3.0))}
    for peer, speedup in sides.items():
        found[peer] = Side(Interval(4.0, 4.0, 4.0), None, "exact", (4.0,), speedup and Ratio(*speedup))
    return Row(name, "group", cache, {"m": 1}, 64, found, missing or {})


def results(*rows, absent=None):
    machine = Machine("cpu", "scalar", "x", "os", "3", 2, 2, (CacheLevel(1, 1024),), 1.0, 1.0, {"L1": 1.0}, {})
    settings = Settings(1, "scalar", 3, 2.0, 1.0, 0.95, 1, {"warm": 0}, {})
    return Results("2026-01-01T00:00:00+00:00", "0", "gemm", machine, settings, {"numpy": "2"}, absent or {}, rows)


def test_results_come_back_as_they_were_written(tmp_path):
    written = results(row("a", numpy=(2.0, 1.5, 2.5)), absent={"onednn": "onednn is not installed"})
    write_results(written, tmp_path / "new" / "r.json")
    assert read_results(tmp_path / "new" / "r.json") == written


def test_what_is_no_result_is_named(tmp_path):
    path = tmp_path / "r.json"
    path.write_text(json.dumps({"schema": "else"}))
    with pytest.raises(ValueError, match=r"r\.json: schema: expected 'qkernels-bench/1', got 'else'"):
        read_results(path)
    with pytest.raises(ValueError, match="no results"):
        targets.read_directory(tmp_path / "nothing")


def outcome(monkeypatch, found, **changes):
    target = dataclasses.replace(Target("what", "gemm", r"pw\d", 1.0, "peer"), **changes)
    monkeypatch.setattr(targets, "TARGETS", (target,))
    return next(iter(outcomes({file_name("gemm", 1): found})))


@pytest.mark.parametrize("speedup, expected", [((1.2, 1.1, 1.3), "met"), ((0.9, 0.8, 0.95), "missed"),
                                               ((1.0, 0.9, 1.1), "open")])
def test_targets_are_met_missed_or_open(monkeypatch, speedup, expected):
    assert outcome(monkeypatch, results(row("pw1", peer=speedup))).met == expected


def test_the_worst_row_stands_for_all(monkeypatch):
    found = results(row("pw1", peer=(1.3, 1.2, 1.4)), row("pw2", peer=(1.1, 1.05, 1.2)), row("dw1", peer=(0.5, 0.4, 0.6)),
                    row("pw3", peer=(0.5, 0.4, 0.6), cache="cold-l2"))
    worst = outcome(monkeypatch, found)
    assert worst.row == "pw2" and worst.value == 1.1


def test_own_times_are_asked_to_stay_below(monkeypatch):
    found = results(row("pw1"))
    assert outcome(monkeypatch, found, side=None, asked=5.0).met == "met"
    assert outcome(monkeypatch, found, side=None, asked=0.5).met == "missed"


def test_what_was_not_measured_says_why(monkeypatch):
    missing = results(row("pw1", missing={"peer": "it cannot"}))
    for found, why in ((missing, "it cannot"), (results(row("pw1"), absent={"peer": "not installed"}), "not installed"),
                       (results(row("pw1", peer=None)), "does not stand out"), (results(row("x")), "no such row")):
        one = outcome(monkeypatch, found)
        assert one.met == "not measured" and why in one.why
    assert "gemm_2_threads.json" in outcome(monkeypatch, missing, threads=2).why


def test_every_target_names_a_family_and_a_peer_of_it():
    for target in targets.TARGETS:
        assert target.side in (None, "qkernels, 1 thread", *PEERS_OF[target.family])


def test_every_family_has_cases_and_known_peers():
    from qkernels.benchmarks.shapes import CASES
    assert [*CASES, NETWORK, MODELS] == list(PEERS_OF)
    assert {name for names in PEERS_OF.values() for name in names} == set(PEERS)
