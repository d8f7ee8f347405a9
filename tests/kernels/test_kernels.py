"""Every kernel of every instruction set against the scalar one, byte for byte; the program in checker/ does the work."""

import re
import secrets
import shlex
import subprocess

import pytest
from native_build import COMPILERS

from build_flags import ISA_FLAGS

FIXED = 1
# Differs from run to run; a failure shows it with the command that repeats the case.
RANDOM = secrets.randbits(32)
UNSUPPORTED = 77
SETS = ["scalar", *ISA_FLAGS]
# set, slot, cases, sweeps of all remainders
LINE = re.compile(r"^(\S+) +(\S+) +(\d+) cases +(\d+) sweeps .*  ok$", re.M)


def check(program, isa, seed, cases=None):
    """(slot, cases, sweeps) of each kernel that the set has of its own; skipped by name where the set cannot run."""
    command = [str(program), "-i", isa, "-s", str(seed), *([] if cases is None else ["-n", str(cases)])]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode == UNSUPPORTED:
        pytest.skip(f"this compiler or CPU lacks {isa}")
    print(shlex.join(command), done.stdout, sep="\n")
    assert done.returncode == 0, done.stderr
    return [(slot, int(ran), int(sweeps)) for _, slot, ran, sweeps in LINE.findall(done.stdout)]


@pytest.mark.parametrize("isa", SETS)
@pytest.mark.parametrize("compiler, seed", [("gcc", FIXED), ("clang", RANDOM)], ids=["gcc-fixed", "clang-random"])
def test_equals_scalar(native_builds, compiler, isa, seed):
    """Thousands of cases a kernel, every remainder of every dimension at least once."""
    checked = check(native_builds(compiler, "package").checker, isa, seed)
    assert checked
    assert [line for line in checked if line[1] < 10000 or line[2] < 1] == []


@pytest.mark.parametrize("isa", SETS)
@pytest.mark.parametrize("compiler", COMPILERS)
def test_equals_scalar_without_optimization(native_builds, compiler, isa):
    assert check(native_builds(compiler, "O0").checker, isa, RANDOM, cases=1000)


@pytest.mark.parametrize("isa", SETS)
@pytest.mark.parametrize("compiler", COMPILERS)
def test_equals_scalar_under_sanitizers(native_builds, compiler, isa):
    assert check(native_builds(compiler, "sanitized").checker, isa, RANDOM, cases=1000)


@pytest.mark.parametrize("arguments", [["-k", "nothing"], ["-n", "0"], ["-x"], ["quantize"]])
def test_bad_usage_is_an_error(native_builds, arguments):
    """The checker does not pass in silence over a kernel that it does not know."""
    done = subprocess.run([str(native_builds("gcc", "package").checker), *arguments], capture_output=True, text=True)
    assert done.returncode == 2
    assert "usage" in done.stderr
