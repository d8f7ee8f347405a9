"""What the saturation audit counts is what the instruction does."""

import platform
import re
import subprocess
from pathlib import Path

import pytest

from build_flags import ISA_FLAGS


def test_definition_is_the_instruction(optimized):
    if platform.machine() != "x86_64":
        pytest.skip(f"{platform.machine()} has no VPMADDUBSW")
    own = optimized.compile([Path(__file__).with_name("vpmaddubsw.c")], "vpmaddubsw", ISA_FLAGS["avx2"])
    program = optimized.link("vpmaddubsw", [*own, *optimized.objects])
    done = subprocess.run([str(program)], capture_output=True, text=True, timeout=120)
    if done.returncode == 77:
        pytest.skip("this CPU lacks avx2")
    assert done.returncode == 0, done.stderr
    compared, clipped = map(int, re.findall(r"\d+", done.stdout))
    assert compared == 256 * 256 * 19 * 19 and 0 < clipped < compared
