"""Every kernel of every instruction set against the scalar one, byte for byte; checker.c does the work."""

import subprocess

import pytest

from build_flags import ISA_FLAGS

GROUPS = ["gemm", "depthwise", "quantize", "conv_first", "pool", "softmax", "saturation", "probe"]
UNSUPPORTED = 77


def check(program, isa, group, seed):
    """Runs the checker; its message on stderr names the case that differs."""
    done = subprocess.run([str(program), isa, group, str(seed)], capture_output=True, text=True, timeout=300)
    if done.returncode == UNSUPPORTED:
        pytest.skip(f"this compiler or CPU lacks {isa}")
    assert done.returncode == 0, f"seed {seed}: {done.stderr}"


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("isa", ["scalar", *ISA_FLAGS])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_equals_scalar(checker, isa, group, seed):
    check(checker, isa, group, seed)


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("isa", ["scalar", *ISA_FLAGS])
def test_equals_scalar_under_sanitizers(sanitized_checker, isa, group):
    check(sanitized_checker, isa, group, 4)


def test_unknown_group_is_an_error(checker):
    """The checker does not pass in silence over a group that it does not know."""
    assert subprocess.run([str(checker), "scalar", "nothing"]).returncode == 2
