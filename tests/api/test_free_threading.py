"""Many threads at once, hammer.py, on this interpreter and on one without a GIL where there is one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import qkernels as qk

ROOT = Path(__file__).resolve().parents[2]
HAMMER = Path(__file__).with_name("hammer.py")
SOURCES = ("setup.py", "build_flags.py", "pyproject.toml", "README.md", "LICENSE", "NOTICE", "MANIFEST.in", "src_c", "qkernels")
NAMES = tuple(f"python3.{minor}t" for minor in range(20, 12, -1))


def hammer(interpreter, package, threads, turns):
    """(calls, whether the GIL was on)"""
    done = subprocess.run([interpreter, "-W", "error", "-X", "faulthandler", str(HAMMER), str(threads), str(turns)],
                          env={**os.environ, "PYTHONPATH": str(package)}, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    calls, gil = done.stdout.split()
    return int(calls), gil == "True"


def test_many_threads():
    had_gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    assert hammer(sys.executable, Path(qk.__file__).parents[1], 8, 500) == (4000, had_gil)


@pytest.fixture(scope="module")
def free_threaded(tmp_path_factory):
    """(interpreter, folder) with the package built for a CPython without GIL: QKERNELS_FREE_THREADED_PYTHON, or the first of
    python3.20t .. python3.13t on the path."""
    named = os.environ.get("QKERNELS_FREE_THREADED_PYTHON")
    found = named or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip("no free-threaded CPython: neither QKERNELS_FREE_THREADED_PYTHON nor a python3.13t or later on the path")
    folder = tmp_path_factory.mktemp("free_threaded")
    source = folder / "source"
    shutil.copytree(ROOT, source, ignore=lambda where, names: [
        name for name in names if name.endswith((".so", "_native.c")) or (Path(where) == ROOT and name not in SOURCES)])
    interpreter = str(folder / "venv" / "bin" / "python")
    steps = [[found, "-m", "venv", str(folder / "venv")],
             [interpreter, "-m", "pip", "install", "-q", "--only-binary", ":all:", "setuptools>=77", "cython>=3.1",
              "numpy>=2.0"],
             [interpreter, "-m", "pip", "install", "-q", "--no-build-isolation", "--no-deps", "--target",
              str(folder / "package"), str(source)]]
    for step in steps:
        done = subprocess.run(step, capture_output=True, text=True)
        if step is steps[1] and done.returncode:
            pytest.skip(f"no NumPy or Cython can be had for {found}: {done.stderr.strip().splitlines()[-1]}")
        assert done.returncode == 0, done.stderr
    return interpreter, folder / "package"


def test_import_leaves_the_gil_off(free_threaded):
    """Nor does it warn that it could not."""
    interpreter, package = free_threaded
    done = subprocess.run([interpreter, "-W", "error", "-c", "import sys, qkernels; print(sys._is_gil_enabled())"],
                          env={**os.environ, "PYTHONPATH": str(package)}, capture_output=True, text=True, cwd=package)
    assert (done.stdout, done.returncode) == ("False\n", 0), done.stderr


def test_many_threads_without_gil(free_threaded):
    assert hammer(*free_threaded, 12, 2000) == (24000, False)
