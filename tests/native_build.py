"""Builds src_c and native test programs with the system's compilers, each file with the flags of its instruction set.

As a command, `native_build.py FOLDER` builds the kernel checker as FOLDER/checker with the compiler of $CC or cc.
"""

import functools
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from build_flags import COMMON_FLAGS, ISA_FLAGS, OPTIONAL_FLAGS  # noqa: E402

CHECKER = ROOT / "tests" / "kernels" / "checker"
COMPILERS = ["gcc", "clang"]

# Where nothing is optimized, compilers take minutes over the vector kernels' functions copied into each other.
CALLED = "-DALWAYS_INLINE=static inline"
# What stands for the -O of the package's own flags. Frames are kept for the sanitizers' stack traces.
BUILDS = {
    "package": ["-O2"],
    "O0": ["-O0", CALLED],
    "sanitized": ["-O0", CALLED, "-fno-omit-frame-pointer", "-fsanitize=address,undefined",
                  "-fno-sanitize-recover=undefined"],
    "threads": ["-O1", "-fno-omit-frame-pointer", "-fsanitize=thread"],
}
# Fences, which the thread sanitizer does not see: GCC warns of each. Clang does not know the warning.
NO_WARNING = ["-Wno-tsan"]


class MissingError(Exception):
    """This machine lacks a compiler or the compiler lacks what a build needs; tests are skipped with this as the reason."""


def isa_of(source):
    """The instruction set whose flags a file of src_c is compiled with, or None."""
    ending = source.stem.rsplit("_", 1)[-1]
    return ending if ending in ISA_FLAGS else None


def library_sources():
    return sorted((ROOT / "src_c").rglob("*.c"))


def portable_sources():
    """src_c without the instruction sets' files: a library of the scalar kernels alone."""
    return [source for source in library_sources() if isa_of(source) is None]


def takes(compiler, flags, folder, source="int main(void) { return 0; }\n", link=False):
    """Whether the compiler takes the flags without a warning."""
    probe = folder / "probe.c"
    probe.write_text(source)
    kind = [] if link else ["-c"]
    command = [*compiler, *flags, "-Werror", *kind, str(probe), "-o", str(folder / "probe.out")]
    return subprocess.run(command, capture_output=True).returncode == 0


def common_flags(compiler, folder, replaced=None):
    """The package's flags of all files; `replaced` stands for those of optimization."""
    common = COMMON_FLAGS + [flag for flag in OPTIONAL_FLAGS if takes(compiler, [flag], folder)]
    if replaced is not None:
        common = [flag for flag in common if not flag.startswith("-O")] + replaced
    return [*common, f"-I{ROOT / 'src_c'}"]


def _compile_all(jobs):
    """(target, command) pairs, as many at once as there are CPUs; what the compiler says of the first that fails is raised."""
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for done in pool.map(lambda job: subprocess.run(job[1], capture_output=True, text=True), jobs):
            assert done.returncode == 0, done.stderr[-4000:]
    return [target for target, _ in jobs]


def compile_sources(compiler, folder, replaced=None, isa_only=()):
    """Objects of all of src_c but the instruction sets that the compiler does not know; `replaced` stands for the common flags
    of optimization, `isa_only` are further flags of the files that belong to an instruction set."""
    common = common_flags(compiler, folder, replaced)
    built = [isa for isa, flags in ISA_FLAGS.items() if takes(compiler, flags, folder)]
    macros = [f"-DQK_BUILD_{isa.upper()}=1" for isa in built]
    jobs = []
    for source in library_sources():
        isa = isa_of(source)
        if isa is None or isa in built:
            target = folder / f"{source.parent.name}_{source.stem}.o"
            own = [] if isa is None else [*ISA_FLAGS[isa], *isa_only]
            jobs.append((target, [*compiler, *common, *own, "-fPIC", *macros, "-c", str(source), "-o", str(target)]))
    return _compile_all(jobs)


def _runs(compiler, flags, folder):
    """Whether a program with the flags runs: a sanitizer needs a library and, of the system, room for its shadow memory."""
    return takes(compiler, flags, folder, link=True) and subprocess.run([str(folder / "probe.out")],
                                                                        capture_output=True).returncode == 0


class Build:
    """src_c and programs over it compiled one way: `compiler` a command, `flags` in place of the package's -O2, warnings as
    errors."""

    def __init__(self, compiler, flags, folder):
        self.compiler, self.folder, self._flags = compiler.split(), folder, [*flags, "-Werror"]
        if shutil.which(self.compiler[0]) is None:
            raise MissingError(f"no C compiler {compiler}")
        if not _runs(self.compiler, flags, folder):
            raise MissingError(f"no program of {compiler} with {' '.join(flags)} runs here")
        self._flags += [flag for flag in NO_WARNING if takes(self.compiler, [flag], folder)]
        self._common = common_flags(self.compiler, folder, self._flags)

    @functools.cached_property
    def objects(self):
        """Of all of src_c."""
        return compile_sources(self.compiler, self.folder, self._flags)

    def compile(self, sources, name, flags=()):
        """Objects of a test's own sources, beside the library's; `name` keeps those of one program from another's."""
        targets = [self.folder / f"{name}_{source.parent.name}_{source.stem}.o" for source in sources]
        command = [*self.compiler, *self._common, "-D_DEFAULT_SOURCE", *flags]
        return _compile_all([(target, [*command, "-c", str(source), "-o", str(target)])
                             for source, target in zip(sources, targets)])

    def link(self, name, objects, flags=()):
        program = self.folder / name
        command = [*self.compiler, *self._flags, *map(str, objects), *flags, "-lm", "-pthread", "-o", str(program)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-4000:]
        return program

    @functools.cached_property
    def checker(self):
        """The program that compares kernels with the scalar ones."""
        return self.link("checker", [*self.compile(sorted(CHECKER.glob("*.c")), "checker"), *self.objects])


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    try:
        print(Build(os.environ.get("CC", "cc"), BUILDS["package"], folder).checker)
    except MissingError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
