"""The walk-through runs, and every check that it prints holds. Without oneDNN, its part is skipped by name."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import qkernels as qk

EXAMPLE = Path(__file__).parents[2] / "examples" / "int8_simplenet.py"
OWN = [
    "activations and weights are within half a step",
    "all 519168 sums are those of NumPy",
    "uint8 is the rounded product",
    "steps 3 and 4 in one pass, without the int32 array, give the same bytes",
    r"signal to noise is \d\d\.\d dB, at least 30",
]
COMPARED = [
    "its int32 sums are the same",
    r"its uint8 differ in \d+ of 519168, by [01]: at most 1 in 1000, by 1",
]
THEIRS = [*(COMPARED if "vnni" in qk.cpu_info()["isa"] else []), "a plan gives the same bytes"]
WITHOUT = """
import importlib.metadata, pathlib, runpy, sys
def missing(name):
    raise importlib.metadata.PackageNotFoundError(name)
importlib.metadata.files = missing
sys.path.insert(0, str(pathlib.Path(sys.argv[1]).parent))
runpy.run_path(sys.argv[1], run_name="__main__")
"""


def run(*arguments):
    done = subprocess.run([sys.executable, *arguments, str(EXAMPLE)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and done.stderr == "", done.stdout + done.stderr
    return done.stdout


def checks(text):
    return re.findall("^  (ok|FAILED): (.*)$", text, re.MULTILINE)


def assert_all_hold(text, expected):
    found = checks(text)
    assert [state for state, _ in found] == ["ok"] * len(expected), text
    for (_, said), pattern in zip(found, expected, strict=True):
        assert re.fullmatch(pattern, said)


def test_without_onednn():
    text = run("-c", WITHOUT)
    assert_all_hold(text, OWN)
    assert "skipped: No package metadata was found for onednn" in text


def test_beside_onednn():
    text = run()
    if skipped := re.search("skipped: (.*)", text):
        assert_all_hold(text, OWN)
        pytest.skip(f"oneDNN: {skipped[1]}")
    assert_all_hold(text, OWN + THEIRS)
    ratio = r"oneDNN's time over ours: [\d.]+ \[[\d.]+, [\d.]+\]: (?:faster|slower|no difference shown)$"
    assert len(re.findall(ratio, text, re.MULTILINE)) == 1
