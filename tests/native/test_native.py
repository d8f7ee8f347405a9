"""Native programs over the public C API: under sanitizers, with every allocation refused in turn, from many threads at once."""

import re
import subprocess
from pathlib import Path

import pytest
from native_build import COMPILERS, ROOT, portable_sources

HERE = Path(__file__).parent
WRAPPED = ["malloc", "calloc", "realloc", "aligned_alloc", "free", "getline", "pthread_create", "qk_cpu_quota"]


def run(program, **environment):
    """(stdout, what a sanitizer or the program complains of); leaks are looked for at the end."""
    done = subprocess.run([str(program)], capture_output=True, text=True, timeout=600,
                          env={"ASAN_OPTIONS": "detect_leaks=1", "UBSAN_OPTIONS": "print_stacktrace=1", **environment})
    print(done.stdout)
    assert done.returncode == 0, done.stderr[-8000:]
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("build_name", ["package", "O0", "sanitized"])
@pytest.mark.parametrize("compiler", COMPILERS)
def test_api(native_builds, compiler, build_name):
    """Every operator and a plan on every instruction set, every refused allocation, every bad argument, no leak."""
    build = native_builds(compiler, build_name)
    own = build.compile([HERE / "api.c", HERE / "uses.c", HERE / "allocation.c"], "api")
    program = build.link("api", [*own, *build.objects], ["-Wl," + ",".join(f"--wrap={name}" for name in WRAPPED)])
    counts = re.fullmatch(r"(\d+) uses, (\d+) runs, (\d+) refused allocations, 0 failed\n", run(program))
    assert counts
    uses, runs, refused = map(int, counts.groups())
    assert runs >= 5 * uses
    assert refused > runs


@pytest.mark.parametrize("build_name", ["package", "threads"])
@pytest.mark.parametrize("compiler", COMPILERS)
def test_threads(native_builds, compiler, build_name):
    """Loops, nested loops and operators from many threads while settings change; the thread sanitizer finds nothing.

    Portable kernels alone: what threads share does not depend on the instruction set."""
    build = native_builds(compiler, build_name)
    program = build.link("threads", build.compile([HERE / "threads.c", *portable_sources()], "threads"))
    counts = re.fullmatch(r"(\d+) loops, (\d+) tasks, 0 failed\n", run(program))
    assert counts
    assert int(counts[1]) > 1000


def test_the_thread_sanitizer_finds_races(native_builds, tmp_path):
    """What finds nothing must be able to: the same build with a loop that does not wait for its workers."""
    build = native_builds("gcc", "threads")
    source = (ROOT / "src_c" / "threads.c").read_text()
    waiting = re.search(r"    for \(int turn = 0, nobody = 0; .*?\n    }\n", source, re.S)
    assert waiting
    faulty = tmp_path / "faulty_threads.c"
    faulty.write_text(source.replace(waiting[0], "    atomic_store(&pool.inside, CLOSED);\n"))
    others = [path for path in portable_sources() if path.name != "threads.c"]
    program = build.link("racing", build.compile([HERE / "threads.c", faulty, *others], "racing"))
    done = subprocess.run([str(program)], capture_output=True, text=True, timeout=600,
                          env={"TSAN_OPTIONS": "halt_on_error=1"})
    assert done.returncode != 0
    assert "data race" in done.stderr


LEAK = """
#include "qkernels.h"
int main(void) {
    qk_op *op; /* the last one may still be found on the stack */
    for (int i = 0; i < 10; i++)
        if (qk_softmax_create(1, 1, &op) != QK_OK) return 2;
    return 0;
}
"""


@pytest.mark.parametrize("compiler", COMPILERS)
def test_the_leak_check_finds_leaks(native_builds, compiler, tmp_path):
    build = native_builds(compiler, "sanitized")
    source = tmp_path / "leak.c"
    source.write_text(LEAK)
    program = build.link("leak", build.compile([source, *portable_sources()], "leak"))
    done = subprocess.run([str(program)], capture_output=True, text=True, env={"ASAN_OPTIONS": "detect_leaks=1"})
    assert done.returncode != 0
    assert "detected memory leaks" in done.stderr


def test_the_header_is_cpp_too(native_builds, tmp_path):
    """qkernels.h alone, in C++, with warnings as errors."""
    build = native_builds("gcc", "package")
    source = tmp_path / "user.cpp"
    source.write_text('#include "qkernels.h"\nint main() { return qk_threads_available() > 0 ? 0 : 1; }\n')
    done = subprocess.run([*build.compiler, "-x", "c++", "-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'src_c'}", "-fsyntax-only",
                           str(source)], capture_output=True, text=True)
    if "cc1plus" in done.stderr:
        pytest.skip("no C++ compiler")
    assert done.returncode == 0, done.stderr
