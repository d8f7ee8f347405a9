"""Builds the fuzz targets, replays the committed corpus and goes on from it for a while; prints what was done.

    python tests/fuzz/campaign.py [TARGET...] [--seconds N] [--jobs N] [--keep DIR] [--programs DIR]

FUZZ_SECONDS (default 10) is the time a target gets where --seconds does not say it. A finding ends the run with status 1;
its input lies in --keep (default build/fuzz), beside the inputs that reached new code.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from native_build import CALLED, ROOT, compile_sources, takes  # noqa: E402

CORPUS = HERE / "corpus"
NATIVE_TARGETS = sorted(path.stem.removesuffix("_fuzzer") for path in HERE.glob("*_fuzzer.c"))
GRAPH_TARGET = "graph"
TARGETS = [*NATIVE_TARGETS, GRAPH_TARGET]
FLAGS = ["-O1", "-g", "-fno-omit-frame-pointer", "-fno-sanitize-recover=undefined"]
SANITIZERS = "address,undefined"
# a library's request for more than the address sanitizer allows gets NULL (options.c), which is no finding
LIMITS = ["-rss_limit_mb=0", "-max_len=512", "-timeout=60", "-print_final_stats=1", "-verbosity=1"]


class UnavailableError(Exception):
    """What a target is built with or runs on is missing; the message says what."""


@dataclass(frozen=True)
class Outcome:
    """What a target did: inputs run (those of the corpus included), seconds they took, and what it found, if anything."""

    target: str
    replayed: int
    executions: int
    seconds: float
    finding: str | None

    def __str__(self) -> str:
        line = (f"fuzz {self.target}: {self.replayed} inputs replayed, {self.executions} executions in "
                f"{self.seconds:.0f} s")
        return f"{line}, nothing found" if self.finding is None else f"{line}, FOUND\n{self.finding}"


def build(folder: Path, targets: list[str]) -> dict[str, list[str]]:
    """The command of each of the `targets`, native ones compiled into `folder`.

    Raises UnavailableError where the compiler has no libFuzzer, or atheris or OpenVINO is missing.
    """
    commands = {}
    native = [target for target in targets if target != GRAPH_TARGET]
    if native:
        compiler = os.environ.get("FUZZ_CC", "clang").split()
        probe = "#include <stddef.h>\nint LLVMFuzzerTestOneInput(const char *d, size_t n); " \
                "int LLVMFuzzerTestOneInput(const char *d, size_t n) { return d == 0 && n; }\n"
        flags = [f"-fsanitize=fuzzer,{SANITIZERS}"]
        if shutil.which(compiler[0]) is None or not takes(compiler, flags, folder, probe, link=True):
            raise UnavailableError(f"{' '.join(compiler)} has no libFuzzer with the address and undefined behaviour sanitizers")
        objects = compile_sources(compiler, folder, [*FLAGS, CALLED, f"-fsanitize=fuzzer-no-link,{SANITIZERS}"])
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            programs = pool.map(lambda target: _link(compiler, folder, objects, target), native)
            commands |= {target: [str(program)] for target, program in zip(native, programs)}
    if GRAPH_TARGET in targets:
        commands[GRAPH_TARGET] = [sys.executable, str(HERE / "graph_fuzzer.py")]
        done = subprocess.run([sys.executable, "-c", "import atheris, openvino"], capture_output=True, text=True)
        if done.returncode != 0:
            raise UnavailableError(f"graph: {done.stderr.strip().splitlines()[-1]}")
    return commands


def _link(compiler: list[str], folder: Path, objects: list[Path], target: str) -> Path:
    program = folder / f"{target}_fuzzer"
    done = subprocess.run(
        [*compiler, "-std=c11", "-Wall", "-Wextra", "-ffp-contract=off", *FLAGS, f"-fsanitize=fuzzer,{SANITIZERS}",
         f"-I{ROOT / 'src_c'}", str(HERE / f"{target}_fuzzer.c"), str(HERE / "options.c"), *map(str, objects), "-lm",
         "-pthread", "-o", str(program)],
        capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{target}: {done.stderr[-4000:]}")
    return program


def fuzz(command: list[str], target: str, seconds: int, keep: Path) -> Outcome:
    """Replays the target's corpus, then fuzzes for `seconds` (0: not at all). New inputs and findings go to `keep`."""
    corpus, fresh = CORPUS / target, keep / target
    fresh.mkdir(parents=True, exist_ok=True)
    replayed = sorted(corpus.iterdir())
    # -runs=0 stops behind the corpus
    duration = [f"-max_total_time={seconds}"] if seconds else ["-runs=0"]
    done = subprocess.run([*command, *LIMITS, *duration, f"-artifact_prefix={fresh}/", str(fresh), str(corpus)],
                          capture_output=True, text=True, errors="replace")
    executions, took = _statistics(done.stderr)
    finding = None if done.returncode == 0 else done.stderr[-6000:]
    return Outcome(target, len(replayed), executions, took, finding)


def _statistics(log: str) -> tuple[int, float]:
    """(executions, seconds) from libFuzzer's own last lines."""
    done = re.search(r"Done (\d+) runs in (\d+) second", log)
    if done:
        return int(done[1]), float(done[2])
    units = re.findall(r"number_of_executed_units: (\d+)", log) or re.findall(r"^#(\d+)\t", log, re.M)
    return (int(units[-1]) if units else 0), 0.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("targets", nargs="*", default=TARGETS, metavar="TARGET", help=f"of {', '.join(TARGETS)}; default: all")
    parser.add_argument("--seconds", type=int, default=int(os.environ.get("FUZZ_SECONDS", "10")), help="a target")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count() or 1), help="targets at a time")
    parser.add_argument("--keep", type=Path, default=ROOT / "build" / "fuzz", help="folder of new inputs and findings")
    parser.add_argument("--programs", type=Path, help="folder of the compiled targets; default: one that is removed again")
    arguments = parser.parse_args()
    unknown = set(arguments.targets) - set(TARGETS)
    if unknown:
        parser.error(f"unknown targets {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
    with tempfile.TemporaryDirectory() as folder:
        programs = arguments.programs or Path(folder)
        programs.mkdir(parents=True, exist_ok=True)
        commands = build(programs, arguments.targets)
        with ThreadPoolExecutor(arguments.jobs) as pool:
            outcomes = list(pool.map(lambda target: fuzz(commands[target], target, arguments.seconds, arguments.keep),
                                     arguments.targets))
    for outcome in outcomes:
        print(outcome)
    print(f"fuzz: {sum(o.executions for o in outcomes)} executions of {len(outcomes)} targets in "
          f"{sum(o.seconds for o in outcomes):.0f} s of running")
    return 1 if any(outcome.finding for outcome in outcomes) else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except UnavailableError as error:
        sys.exit(f"fuzz: {error}")
