"""Compiles src_c with a given compiler, each file with the flags of its instruction set: for tests of the C code alone."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from build_flags import COMMON_FLAGS, ISA_FLAGS, OPTIONAL_FLAGS  # noqa: E402

SANITIZERS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined"]


def takes(compiler, flags, folder, source="int main(void) { return 0; }\n", link=False):
    """Whether the compiler takes the flags without a warning."""
    probe = folder / "probe.c"
    probe.write_text(source)
    kind = [] if link else ["-c"]
    command = [*compiler, *flags, "-Werror", *kind, str(probe), "-o", str(folder / "probe.out")]
    return subprocess.run(command, capture_output=True).returncode == 0


def compile_sources(compiler, folder, replaced=None, isa_only=()):
    """Objects of all of src_c; `replaced` stands for the common flags of optimization, `isa_only` are further flags of the
    files that belong to an instruction set."""
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
        own = [*ISA_FLAGS[isa], *isa_only] if isa in ISA_FLAGS else []
        jobs.append((target, [*compiler, *common, *own, "-fPIC", *macros, f"-I{ROOT / 'src_c'}", "-c", str(source), "-o",
                              str(target)]))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for done in pool.map(lambda job: subprocess.run(job[1], capture_output=True, text=True), jobs):
            assert done.returncode == 0, done.stderr
    return [target for target, _ in jobs]
