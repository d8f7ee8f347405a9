"""Writes the README's table of results from a committed report.json: `update_readme.py results/<name>/report.json`."""

import sys
from pathlib import Path

from qkernels.report.markdown import table
from qkernels.report.record import OPENVINO_F32, OPENVINO_INT8, QKERNELS, Interval, Report
from qkernels.report.write import read_report

START, END = "<!-- results -->", "<!-- end of results -->"
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


def main() -> None:
    """Replaces what stands between the two marks."""
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(START)
    after = rest.split(END)[1]
    body = results(read_report(sys.argv[1]))
    README.write_text(f"{before}{START}\n{body}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
