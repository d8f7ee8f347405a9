"""Runs what counts its own cases, and writes the counts into docs/testing/counts.md: count_tests.py [FUZZ_SECONDS].

Takes the interpreter it runs under for the tests; a C compiler, and clang for the fuzz targets, must be there.
"""

import datetime
import re
import subprocess
import sys
import time
from pathlib import Path

from qkernels.measure.machine import cpu_model

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "testing" / "counts.md"


def commands(fuzz_seconds: str) -> list[tuple[str, str, str]]:
    """(what, command, a regular expression of the line that counts)."""
    return [
        ("every kernel against the scalar one", "make check-kernels", r"\d[\d,]* kernels?, .*"),
        ("the official ONNX node tests", "{python} tests/conformance/onnx_official.py", r"onnx .* node tests.*"),
        ("properties of the array functions", "{python} -m pytest -q tests/properties", r"\d+  executions of .*"),
        ("uses of the C API with every allocation refused in turn", "{python} -m pytest -q -rP tests/native -k package",
         r".*refused allocations.*"),
        ("fuzz targets", f"{{python}} tests/fuzz/campaign.py --seconds {fuzz_seconds}", r"fuzz: \d+ executions of .*")]


def counted(command: str, line: str) -> tuple[str, float]:
    """The last line of the command's output that matches, and the seconds it took. RuntimeError where it failed."""
    begun = time.perf_counter()
    done = subprocess.run(command.format(python=sys.executable), shell=True, cwd=ROOT, capture_output=True, text=True,
                          check=False)
    found = re.findall(rf"^\s*({line})$", done.stdout, re.MULTILINE)
    if done.returncode or not found:
        raise RuntimeError(f"{command}: exit status {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return found[-1], time.perf_counter() - begun


def main() -> None:
    rows = []
    for what, command, line in commands(sys.argv[1] if len(sys.argv) > 1 else "10"):
        said, seconds = counted(command, line)
        shown = command.format(python=".venv/bin/python")
        rows.append(f"| {what} | `{shown}` | {said} | {seconds:.0f} |")
        print(rows[-1], flush=True)
    PAGE.write_text("\n".join([
        "# What the tests count", "",
        f"Run on {cpu_model()}, {datetime.date.today()}; written by `tools/count_tests.py`. Each command prints the same line.",
        "", "| what | command | it says | seconds, building included |", "| --- | --- | --- | ---: |", *rows, ""]),
        encoding="utf-8")


if __name__ == "__main__":
    main()
