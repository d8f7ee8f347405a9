"""The instruction set, the threads, and the environment variables that set them from outside."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import qkernels as qk
from qkernels import _native


def python(code, **environment):
    """A fresh interpreter that finds the same package."""
    root = str(Path(qk.__file__).parents[1])
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": root, **environment})


def test_cpu_info(isa, threads):
    """What is built, what this CPU has and what is in use agree."""
    threads(2)
    info = qk.cpu_info()
    assert info["isa"] == isa and info["threads"] == 2
    assert info["built"] == [name for name, _ in _native.isas()]
    assert set(info["supported"]) <= set(info["built"]) and isa in info["supported"]
    assert info["built"][0] == "scalar" and info["threads_available"] >= 1


def test_use_isa_as_context_manager(isa):
    """The set before it comes back, after an exception too."""
    with qk.use_isa("scalar"):
        assert qk.cpu_info()["isa"] == "scalar"
        assert "scalar" in qk.PackedWeights(np.ones((2, 2), np.int8)).implementation
    assert qk.cpu_info()["isa"] == isa
    with pytest.raises(RuntimeError), qk.use_isa("scalar"):
        raise RuntimeError
    assert qk.cpu_info()["isa"] == isa


def test_use_isa_stays(isa):
    qk.use_isa("scalar")
    assert qk.cpu_info()["isa"] == "scalar"


@pytest.mark.parametrize("name", ["amx", "", "AVX2", "scalar ", "\0", "scalar\0x"])
def test_unknown_isa(isa, name):
    """The error lists what there is; the set in use stays."""
    with pytest.raises(ValueError, match="^name.*scalar"):
        qk.use_isa(name)
    assert qk.cpu_info()["isa"] == isa


@pytest.mark.parametrize("name", [None, 3, b"avx2"])
def test_isa_is_a_string(name):
    with pytest.raises(TypeError, match="^name"):
        qk.use_isa(name)


def test_set_num_threads(threads):
    threads(2)
    qk.set_num_threads(1)
    assert qk.get_num_threads() == 1


@pytest.mark.parametrize("n, error", [(0, ValueError), (-1, ValueError), (10**6, ValueError), (1.5, TypeError),
                                      ("2", TypeError), (True, TypeError), (None, TypeError)])
def test_bad_number_of_threads(threads, n, error):
    threads(2)
    with pytest.raises(error, match="^n:"):
        qk.set_num_threads(n)
    assert qk.get_num_threads() == 2


@pytest.mark.parametrize("number", [1, 2, 3, 7])
def test_any_number_of_threads_gives_the_same(isa, threads, rng, number):
    """Array functions large enough for several tasks."""
    x, a = rng.normal(size=(300, 401)).astype(np.float32), rng.integers(0, 256, (900, 60)).astype(np.uint8)
    b = rng.integers(-128, 128, (60, 130)).astype(np.int8)
    threads(1)
    alone = qk.quantize(x, 0.01, 3), qk.matmul(a, b)
    threads(number)
    together = qk.quantize(x, 0.01, 3), qk.matmul(a, b)
    assert [array.tobytes() for array in together] == [array.tobytes() for array in alone]


def test_environment_sets_both():
    done = python("import qkernels as q; i = q.cpu_info(); assert (i['isa'], i['threads']) == ('scalar', 1), i",
                  QKERNELS_ISA="scalar", QKERNELS_NUM_THREADS="1")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("variable, value", [("QKERNELS_ISA", "amx"), ("QKERNELS_NUM_THREADS", "0"),
                                             ("QKERNELS_NUM_THREADS", "two")])
def test_bad_environment(variable, value):
    """Import fails with an error that names the variable."""
    done = python("import qkernels", **{variable: value})
    assert done.returncode == 1
    assert f"ValueError: {variable}: " in done.stderr


def test_public_names():
    """Everything that the package says it has is there."""
    assert all(hasattr(qk, name) for name in qk.__all__)
