"""The C code compiled with the system compiler, and the program that checks its kernels."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from native_build import ROOT, SANITIZERS, compile_sources, takes


def find_compiler():
    """The system C compiler as a list of words; the test is skipped without one."""
    words = os.environ.get("CC", "cc").split()
    if shutil.which(words[0]) is None:
        pytest.skip(f"no C compiler: {words[0]}")
    return words


def link_checker(compiler, folder, objects, flags, name="checker"):
    """The program of `name`.c, which tests the `objects`."""
    program = folder / name
    done = subprocess.run([*compiler, "-std=c11", "-D_DEFAULT_SOURCE", "-Wall", "-Wextra", *flags,
                           f"-I{ROOT / 'src_c'}",
                           str(Path(__file__).with_name(f"{name}.c")), *map(str, objects), "-lm", "-pthread", "-o",
                           str(program)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return program


@pytest.fixture(scope="session")
def compiler():
    return find_compiler()


@pytest.fixture(scope="session")
def optimized(compiler, tmp_path_factory):
    """(folder, objects) compiled as the package is."""
    folder = tmp_path_factory.mktemp("optimized")
    return folder, compile_sources(compiler, folder)


@pytest.fixture(scope="session")
def checker(compiler, optimized):
    return link_checker(compiler, *optimized, ["-O2"])


@pytest.fixture(scope="session")
def sanitized(compiler, tmp_path_factory):
    """(folder, objects, flags) at -O0, with the address and undefined behaviour sanitizers."""
    folder = tmp_path_factory.mktemp("sanitized")
    if not takes(compiler, SANITIZERS, folder, link=True):
        pytest.skip("the compiler has no address and undefined behaviour sanitizers")
    flags = ["-O0", *SANITIZERS]
    return folder, compile_sources(compiler, folder, flags), flags


@pytest.fixture(scope="session")
def sanitized_checker(compiler, sanitized):
    return link_checker(compiler, *sanitized)
