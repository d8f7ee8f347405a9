"""The C API refuses what it does not define, under the sanitizers; refusals.c does the work."""

import subprocess
from pathlib import Path

import pytest
from native_build import COMPILERS


@pytest.mark.parametrize("compiler", COMPILERS)
def test_refusals(native_builds, compiler):
    build = native_builds(compiler, "sanitized")
    own = build.compile([Path(__file__).with_name("refusals.c")], "refusals")
    program = build.link("refusals", [*own, *build.objects])
    done = subprocess.run([str(program)], capture_output=True, text=True, timeout=300,
                          env={"ASAN_OPTIONS": "allocator_may_return_null=1:detect_leaks=1"})
    # the address sanitizer says a word on stderr about each allocation for which there is no memory
    assert done.returncode == 0, done.stderr
