"""`qkernels bench` as a user meets it, and the scripts of bench/."""

import subprocess
import sys
from pathlib import Path

import pytest

from qkernels.benchmarks.record import read_results
from qkernels.benchmarks.shapes import CASES, MOBILENET

BENCH = Path(__file__).parents[2] / "bench"


def run(*arguments):
    return subprocess.run([sys.executable, *map(str, arguments)], capture_output=True, text=True, check=False)


def test_a_script_measures_compares_and_writes(tmp_path):
    done = run(BENCH / "pool.py", "--repeats", 2, "--json", tmp_path / "pool.json")
    assert done.returncode == 0 and done.stderr == ""       # no status line in a pipe
    found = read_results(tmp_path / "pool.json")
    assert {(row.name, row.cache) for row in found.rows} == {
        (name, cache) for name in ("pool", "softmax") for cache in ("warm", "cold-l2")}
    assert all(set(row.sides) == {"qkernels", "openvino"} for row in found.rows)
    assert found.rows[0].sides["openvino"].outputs.startswith(("exact", "1 step"))
    assert "softmax" in done.stdout and "openvino" in done.stdout


def test_peers_left_out_are_named(tmp_path):
    done = run("-m", "qkernels", "bench", "depthwise", "--repeats", 2, "--cache", "warm", "--peers", "openvino", "--json",
               tmp_path / "d.json")
    assert done.returncode == 0, done.stderr
    assert "onnxruntime is absent: not asked for" in done.stdout
    assert read_results(tmp_path / "d.json").absent == {"onnxruntime": "not asked for"}


def test_wrong_usage_is_2_and_failure_is_1(tmp_path):
    for arguments in (["nothing"], ["gemm", "--peers", "openvino"], ["gemm", "--threads", "0"], ["gemm", "--cache", "hot"]):
        assert run("-m", "qkernels", "bench", *arguments).returncode == 2, arguments
    (tmp_path / "file").write_text("")
    done = run("-m", "qkernels", "bench", "pool", "--repeats", 2, "--cache", "warm", "--json", tmp_path / "file" / "r.json")
    assert done.returncode == 1 and "Traceback" not in done.stderr and len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("family", ["quantize", "dequantize", "gemm"])
def test_cases_are_what_their_names_say(family):
    """Made only when their turn comes: the small ones here."""
    cases = list(CASES[family](1))
    assert any(case.group == MOBILENET and case.cold for case in cases)
    assert len({(case.group, case.name) for case in cases}) == len(cases)
    for case in cases:
        if case.parameters.get("elements", case.macs) > 1 << 20:
            continue
        work = case.make()
        if family == "gemm":
            assert (*work.a.shape, work.b.shape[1]) == tuple(case.parameters.values())
            assert case.name.startswith("u8" if work.a.dtype == "uint8" else "s8")
            assert case.macs == work.a.size * work.b.shape[1]
        else:
            assert (work.x if family == "quantize" else work.q).shape == (case.parameters["elements"],)


def test_mobilenet_layers_are_there():
    cases = [case for family in ("conv", "depthwise", "pool") for case in CASES[family](2)]
    expected = ["conv0", "logits", "pool", "softmax", *(f"{kind}{i}" for kind in ("dw", "pw") for i in range(1, 14))]
    assert sorted(case.name for case in cases) == sorted(expected) and {case.group for case in cases} == {MOBILENET}
