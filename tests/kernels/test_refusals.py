"""The C API refuses what it does not define, under the sanitizers; refusals.c does the work."""

import subprocess

from conftest import link_checker


def test_refusals(compiler, sanitized):
    program = link_checker(compiler, *sanitized, name="refusals")
    done = subprocess.run([str(program)], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
