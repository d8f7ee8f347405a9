"""A disk that fills up while results are written: what was there before stays whole, and the error names the file."""

import contextlib
import errno
import os
import subprocess
from dataclasses import replace

import pytest
from file_limit import no_file_above

from qkernels.cli import main
from qkernels.report import write
from qkernels.report.write import read_report, write_atomically, write_report

NAMES = {"report.html", "report.md", "report.csv", "report.json"}


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 2 MB, where this process may mount one."""
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", tmp_path], capture_output=True, text=True)
    if made.returncode:
        pytest.skip(f"no file system can be mounted here: {made.stderr.strip()}")
    yield tmp_path
    subprocess.run(["umount", tmp_path], check=True)


@pytest.mark.parametrize("limit", [0, 1000, 20_000, 100_000])
def test_a_whole_report_stays_where_the_next_one_does_not_fit(report, tmp_path, limit):
    write_report(report, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with no_file_above(limit), pytest.raises(OSError) as caught:
        write_report(replace(report, created="later"), tmp_path)
    assert caught.value.errno == errno.EFBIG and "report." in caught.value.filename
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before and set(before) == NAMES


def test_a_full_file_system(report, small_disk):
    """No space left on the device, for real."""
    write_report(report, small_disk)
    before = read_report(small_disk)
    with (small_disk / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(bytes(4096))
    with pytest.raises(OSError) as caught:
        write_report(replace(report, created="later"), small_disk)
    assert caught.value.errno == errno.ENOSPC and "report." in caught.value.filename
    assert read_report(small_disk) == before
    assert {path.name for path in small_disk.iterdir()} == NAMES | {"filler"}


def test_a_failing_rename_leaves_no_part(tmp_path, monkeypatch):
    (tmp_path / "a").write_text("old")

    def full(source, target):
        raise OSError(errno.ENOSPC, "No space left on device", str(source))
    monkeypatch.setattr(write.os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(tmp_path, {"a": "new"})
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a", "old")]


def test_bench_says_which_file_did_not_fit(tmp_path, capsys):
    """One line, status 1, and the results of the run before are kept."""
    target = tmp_path / "r.json"
    target.write_text("whole results")
    with no_file_above(100), pytest.raises(SystemExit) as caught:
        main(["bench", "pool", "--repeats", "2", "--cache", "warm", "--json", str(target)])
    assert caught.value.code.startswith("qkernels: OSError: [Errno ") and "r.json" in caught.value.code
    assert os.listdir(tmp_path) == ["r.json"] and target.read_text() == "whole results"
    assert "Traceback" not in capsys.readouterr().err
