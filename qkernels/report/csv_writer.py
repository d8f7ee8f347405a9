"""report.csv: a row a layer, numbers as measured, for spreadsheets and data frames.

Headers end in their unit: `_us`, `_db`, `_gmacs_per_s`, `_percent`, `_ratio` and so on.
An empty cell is a figure that does not exist on that side.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

from qkernels.report import columns, formats
from qkernels.report.record import Interval, Layer, Report

Value = str | int | float | None


def _intervals(prefix: str, get: Callable[[Layer], Interval | None]) -> list[tuple[str, Callable[[Layer], Value]]]:
    def part(name: str) -> Callable[[Layer], Value]:
        return lambda layer: getattr(get(layer), name, None)
    return [(f"{prefix}_{name}_us", part(name)) for name in ("median", "low", "high")]


def _times_100(value: float | None) -> float | None:
    return None if value is None else value * 100


_FIELDS: list[tuple[str, Callable[[Layer], Value]]] = [
    ("name", lambda x: _text(x.name)),
    ("kind", lambda x: _text(x.kind)),
    ("input_shape_elements", lambda x: "x".join(map(str, x.input_shape))),
    ("output_shape_elements", lambda x: "x".join(map(str, x.output_shape))),
    ("dtype_in", lambda x: _text(x.dtype_in)),
    ("dtype_out", lambda x: _text(x.dtype_out)),
    ("work_macs", lambda x: x.macs),
    ("data_bytes", lambda x: x.bytes),
    ("parameters_count", lambda x: x.parameters),
    ("fused", lambda x: _text("; ".join(x.fused))),
    *_intervals("qkernels", lambda x: x.qkernels_us),
    *_intervals("openvino", lambda x: x.openvino_us),
    ("speedup_ratio", lambda x: x.speedup),
    ("speedup_low_ratio", lambda x: x.speedup_low),
    ("speedup_high_ratio", lambda x: x.speedup_high),
    ("difference_shown", lambda x: _yes_no(columns.difference_shown(x))),
    ("qkernels_in_network_us", lambda x: x.qkernels_in_network_us),
    ("openvino_counter_us", lambda x: x.openvino_counter_us),
    ("qkernels_kernel", lambda x: _text(x.implementation)),
    ("openvino_implementation", lambda x: _text(x.openvino_impl)),
    ("openvino_precision", lambda x: _text(x.openvino_precision)),
    ("largest_difference_lsb", lambda x: x.max_lsb),
    ("equal_percent", lambda x: _times_100(x.exact_fraction)),
    ("sqnr_db", lambda x: x.sqnr_db),
    ("saturated_sums_count", lambda x: x.saturated_sums),
    ("saturated_percent", lambda x: _times_100(x.saturated_fraction)),
    ("saturating_weights_count", lambda x: x.saturating_weights),
    ("saturating_weights_percent", lambda x: _times_100(x.saturating_weights_fraction)),
    ("qkernels_gmacs_per_s", lambda x: x.gmacs),
    ("openvino_gmacs_per_s", lambda x: x.openvino_gmacs),
    ("roofline_us", lambda x: x.roofline_us),
    ("qkernels_roofline_percent", lambda x: _times_100(x.roofline_fraction)),
    ("openvino_roofline_percent", lambda x: _times_100(x.openvino_roofline_fraction)),
    ("bound_by", lambda x: _text(x.bound)),
]

HEADER: tuple[str, ...] = tuple(name for name, _ in _FIELDS)


def render_csv(report: Report) -> str:
    """The text of report.csv: the header, then a row a layer, in the order of the network."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    for layer in report.layers:
        writer.writerow(["" if (value := get(layer)) is None else value for _, get in _FIELDS])
    return out.getvalue()


def _text(value: str | None) -> str:
    # A spreadsheet takes a cell that starts so for a formula, and names come from model files.
    shown = formats.clean(value or "")
    return f"'{shown}" if shown.startswith(("=", "+", "-", "@")) else shown


def _yes_no(value: bool | None) -> str:
    return "" if value is None else "yes" if value else "no"
