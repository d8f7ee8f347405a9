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

# What stands for the -O of the package's own flags. Frames are kept for the sanitizers' stack traces.
BUILDS = {
    "package": ["-O2"],
    "O0": ["-O0"],
    "sanitized": ["-O0", "-fno-omit-frame-pointer", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"],
    "threads": ["-O1", "-fno-omit-frame-pointer", "-fsanitize=thread"],
}


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


def takes(compiler, flags, folder):
    """Whether the compiler takes the flags without a warning and makes a program that runs: sanitizers need a library beside
    the compiler and, of the system, room for their shadow memory."""
    source, program = folder / "probe.c", folder / "probe"
    source.write_text("int main(void) { return 0; }\n")
    command = [*compiler.split(), *flags, "-Werror", str(source), "-o", str(program)]
    return (subprocess.run(command, capture_output=True).returncode == 0
            and subprocess.run([str(program)], capture_output=True).returncode == 0)


def _compile_all(jobs):
    """(target, command) pairs, as many at once as there are CPUs; what the compiler says of the first that fails is raised."""
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for done in pool.map(lambda job: subprocess.run(job[1], capture_output=True, text=True), jobs):
            assert done.returncode == 0, done.stderr[-4000:]
    return [target for target, _ in jobs]


class Build:
    """src_c compiled one way: `compiler` a command, `flags` in place of the package's -O2, warnings as errors.

    Instruction sets that the compiler does not know are left out.
    """

    def __init__(self, compiler, flags, folder):
        if shutil.which(compiler.split()[0]) is None:
            raise MissingError(f"no C compiler {compiler}")
        if not takes(compiler, flags, folder):
            raise MissingError(f"no program of {compiler} with {' '.join(flags)} runs here")
        self.compiler, self.flags, self.folder = compiler, flags, folder
        optional = [flag for flag in OPTIONAL_FLAGS if takes(compiler, [flag], folder)]
        self._common = [*(flag for flag in COMMON_FLAGS if not flag.startswith("-O")), *flags, *optional, "-Werror",
                        f"-I{ROOT / 'src_c'}"]
        self.sets = [isa for isa, own in ISA_FLAGS.items() if takes(compiler, own, folder)]

    @functools.cached_property
    def objects(self):
        """Of all of src_c."""
        macros = [f"-DQK_BUILD_{isa.upper()}=1" for isa in self.sets]
        jobs = []
        for source in library_sources():
            isa = isa_of(source)
            if isa is None or isa in self.sets:
                target = self.folder / f"{source.parent.name}_{source.stem}.o"
                jobs.append(self._job(source, target, [*ISA_FLAGS.get(isa, []), "-fPIC", *macros]))
        return _compile_all(jobs)

    def _job(self, source, target, flags):
        return target, [*self.compiler.split(), *self._common, *flags, "-c", str(source), "-o", str(target)]

    def compile(self, sources, name, flags=()):
        """Objects of a test's own sources, beside the library's; `name` keeps those of one program from another's."""
        targets = [self.folder / f"{name}_{source.parent.name}_{source.stem}.o" for source in sources]
        return _compile_all([self._job(source, target, ["-D_DEFAULT_SOURCE", *flags])
                             for source, target in zip(sources, targets)])

    def link(self, name, objects, flags=()):
        program = self.folder / name
        command = [*self.compiler.split(), *self.flags, *map(str, objects), *flags, "-lm", "-pthread", "-o", str(program)]
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
