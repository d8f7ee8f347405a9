"""Compiles src_c with the system compiler, each file with the flags of its instruction set."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from build_flags import COMMON_FLAGS, ISA_FLAGS, OPTIONAL_FLAGS  # noqa: E402

SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]


def find_compiler():
    """The system C compiler as a list of words; the test is skipped without one."""
    words = os.environ.get("CC", "cc").split()
    if shutil.which(words[0]) is None:
        pytest.skip(f"no C compiler: {words[0]}")
    return words


def takes(compiler, flags, folder, source="int main(void) { return 0; }\n", link=False):
    """Whether the compiler takes the flags without a warning."""
    probe = folder / "probe.c"
    probe.write_text(source)
    kind = [] if link else ["-c"]
    command = [*compiler, *flags, "-Werror", *kind, str(probe), "-o", str(folder / "probe.out")]
    return subprocess.run(command, capture_output=True).returncode == 0


def compile_sources(compiler, folder, replaced=None):
    """Objects of all of src_c; `replaced` stands for the common flags of optimization."""
    common = COMMON_FLAGS + [f for f in OPTIONAL_FLAGS if takes(compiler, [f], folder)]
    if replaced is not None:
        common = [f for f in common if not f.startswith("-O")] + replaced
    built = [isa for isa, flags in ISA_FLAGS.items() if takes(compiler, flags, folder)]
    macros = [f"-DQK_BUILD_{isa.upper()}=1" for isa in built]
    jobs = []
    for source in sorted((ROOT / "src_c").rglob("*.c")):
        isa = source.stem.rsplit("_", 1)[-1]
        if isa in ISA_FLAGS and isa not in built:
            continue
        target = folder / f"{source.parent.name}_{source.stem}.o"
        jobs.append((target, [*compiler, *common, *ISA_FLAGS.get(isa, []), "-fPIC", *macros, f"-I{ROOT / 'src_c'}",
                              "-c", str(source), "-o", str(target)]))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for done in pool.map(lambda job: subprocess.run(job[1], capture_output=True, text=True), jobs):
            assert done.returncode == 0, done.stderr
    return [target for target, _ in jobs]


def link_checker(compiler, folder, objects, flags):
    """The program that compares kernels with the scalar ones."""
    program = folder / "checker"
    done = subprocess.run([*compiler, "-std=c11", "-D_DEFAULT_SOURCE", "-Wall", "-Wextra", *flags,
                           f"-I{ROOT / 'src_c'}",
                           str(Path(__file__).with_name("checker.c")), *map(str, objects), "-lm", "-pthread", "-o",
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
def sanitized_checker(compiler, tmp_path_factory):
    """The same at -O0, with the address and undefined behaviour sanitizers."""
    folder = tmp_path_factory.mktemp("sanitized")
    if not takes(compiler, SANITIZERS, folder, link=True):
        pytest.skip("the compiler has no address and undefined behaviour sanitizers")
    flags = ["-O0", *SANITIZERS]
    return link_checker(compiler, folder, compile_sources(compiler, folder, flags), flags)
