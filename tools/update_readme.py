"""Writes the README's tables from committed results: `update_readme.py results/<name>/report.json bench/results`."""

import sys
from collections.abc import Mapping
from pathlib import Path

from qkernels.benchmarks.record import Results
from qkernels.benchmarks.targets import Outcome, outcomes, read_directory
from qkernels.report.markdown import table
from qkernels.report.record import OPENVINO_F32, OPENVINO_INT8, QKERNELS, Interval, Report
from qkernels.report.write import read_report

README = Path(__file__).parent.parent / "README.md"


def _us(interval: Interval | None) -> str:
    return "–" if interval is None else f"{interval.median:.1f}"


def results(report: Report) -> str:
    """The machine, the engines and every layer."""
    machine, totals = report.machine, report.totals
    lines = [f"Measured on {machine.cpu} ({machine.architecture}, `{machine.isa}`, {machine.threads_available} CPUs), "
             f"{report.settings.threads} thread, OpenVINO {report.engines[OPENVINO_INT8].version.split('-')[0]}, "
             f"{report.created[:10]}. {totals.verdict}"]
    names = {QKERNELS: "qkernels INT8", OPENVINO_INT8: "OpenVINO INT8", OPENVINO_F32: "OpenVINO FP32"}
    rows = [(names[key], f"{e.latency_ms.median:.2f} [{e.latency_ms.low:.2f}, {e.latency_ms.high:.2f}]",
             f"{e.throughput_fps:.0f}") for key, e in report.engines.items()]
    lines.append(table(["engine", "latency, ms (median, 95 % interval)", "inferences a second"], rows,
                       numeric=[False, True, True]))
    rows = [(layer.name, layer.kind, _us(layer.qkernels_us), _us(layer.openvino_us),
             f"{layer.speedup:.2f}" if layer.speedup and layer.difference_shown else "no difference shown",
             "–" if layer.max_lsb is None else str(layer.max_lsb),
             f"{layer.roofline_fraction:.0%}" if layer.roofline_fraction else "–")
            for layer in report.layers if layer.qkernels_us]
    lines.append(table(["layer", "kind", "qkernels, µs", "OpenVINO, µs", "speedup, ×", "largest difference, LSB",
                        "of the machine's limit"], rows, numeric=[False, False, True, True, True, True, True]))
    return "\n\n".join(line.strip() for line in lines)


def benchmarks(found: Mapping[str, Results]) -> str:
    """The machine, the peers, and each thing that is asked with what was measured of it."""
    machine = next(iter(found.values())).machine
    peers = {name: version for one in found.values() for name, version in one.peers.items() if name not in ("copy", "peak")}
    absent = {name: why for one in found.values() if not one.settings.environment for name, why in one.absent.items()}
    lines = [f"Measured on {machine.cpu} ({machine.architecture}, `{machine.isa}`, {machine.threads_available} CPUs), "
             f"{min(one.created for one in found.values())[:10]}, against "
             + ", ".join(f"{name} {version.split('-')[0]}" for name, version in sorted(peers.items())) + "."]
    lines += [f"Absent: {', '.join(f'{name} ({why})' for name, why in sorted(absent.items()))}."] if absent else []
    rows = [(one.target.what, str(one.target.threads), f"{'≥' if one.target.side else '≤'} {one.target.asked:g}",
             _measured(one), one.row or "", one.met) for one in outcomes(found)]
    lines.append(table(["what", "threads", "aim", "the peer's time over ours, × (95 % interval)", "row; of several, the worst",
                        ""], rows, numeric=[False, True, True, True, False, False]))
    return "\n\n".join(line.strip() for line in lines)


def _measured(outcome: Outcome) -> str:
    if outcome.value is None:
        return outcome.why
    return f"{outcome.value:.2f} [{outcome.low:.2f}, {outcome.high:.2f}]" + ("" if outcome.target.side else " µs")


def replaced(text: str, mark: str, body: str) -> str:
    """`text` with `body` between the two marks of that name."""
    start, end = f"<!-- {mark} -->", f"<!-- end of {mark} -->"
    before, rest = text.split(start)
    return f"{before}{start}\n{body}\n{end}{rest.split(end)[1]}"


def main() -> None:
    """Replaces what stands between the marks."""
    report, directory = map(Path, sys.argv[1:])
    text = replaced(README.read_text(encoding="utf-8"), "results", results(read_report(report)))
    README.write_text(replaced(text, "benchmarks", benchmarks(read_directory(directory))), encoding="utf-8")


if __name__ == "__main__":
    main()
