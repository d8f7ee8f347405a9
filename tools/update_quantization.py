"""Writes the tables of quantization from a committed result: `update_quantization.py results/quantization.json`."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from update_readme import replaced

from qkernels.report.markdown import table

ROOT = Path(__file__).parent.parent


def _percent(figure: Mapping[str, float]) -> str:
    return f"{figure['value']:.1%} [{figure['low']:.1%}, {figure['high']:.1%}]"


def _plain(figure: Mapping[str, float], places: int) -> str:
    return f"{figure['value']:.{places}f} [{figure['low']:.{places}f}, {figure['high']:.{places}f}]"


def _points(figure: Mapping[str, float] | None) -> str:
    if figure is None:
        return "–"
    return f"{100 * figure['value']:+.1f} [{100 * figure['low']:+.1f}, {100 * figure['high']:+.1f}]"


def summary(found: Mapping[str, Any]) -> str:
    """What was measured, and a row a quantizer and engine."""
    lines = [f"MobileNet V1 1.0/224, {found['calibration_images']} images to calibrate on and {found['measured_images']} "
             f"others to measure, {found['seeds']} such splits of the same 500 labelled photographs; FP32 top-1 "
             f"{_percent(found['float_top1'])}. NNCF {found['versions']['nncf']}, OpenVINO "
             f"{found['versions']['openvino'].split('-')[0]}, {found['created'][:10]}. In brackets 95 % intervals."]
    rows = [(row["quantizer"], row["engine"], _percent(row["top1"]), _percent(row["agreement"]), _plain(row["divergence"], 4),
             _points(row.get("agreement_over_nncf")),
             _plain(row["divergence_ratio"], 2) if "divergence_ratio" in row else "–", f"{row['cpu_seconds']:.0f}")
            for row in found["rows"]]
    lines.append(table(["quantizer", "run by", "top-1", "agreement with FP32", "divergence from FP32, nats",
                        "agreement over NNCF's default, points", "divergence over NNCF's default, ×", "CPU, s"], rows,
                       numeric=[False, False, *[True] * 6]))
    return "\n\n".join(line.strip() for line in lines)


def by_seed(found: Mapping[str, Any]) -> str:
    """Every split for itself."""
    names = [f"split {seed}" for seed in range(found["seeds"])]
    rows = [(f"{row['quantizer']}, run by {row['engine']}",
             *(f"{agreement:.2%}, {divergence:.4f}" for agreement, divergence in
               zip(row["agreement"]["by_seed"], row["divergence"]["by_seed"]))) for row in found["rows"]]
    return table(["agreement, divergence", *names], rows, numeric=[False, *[True] * len(names)]).strip()


def main() -> None:
    found = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    for path, marks in ((ROOT / "README.md", ("quantization",)),
                        (ROOT / "docs" / "quantize_model.md", ("quantization", "quantization by split"))):
        text = path.read_text(encoding="utf-8")
        for mark in marks:
            text = replaced(text, mark, summary(found) if mark == "quantization" else by_seed(found))
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
