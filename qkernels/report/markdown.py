"""report.md: the report as text with tables, for terminals, reviews and README files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from qkernels.report import columns, formats, view
from qkernels.report.record import Layer, Prediction, Report

_TIMES = ("name", "kind", "shapes", "mmac", "kb", "qkernels_us", "openvino_us", "speedup", "in_network_us",
          "counter_us")
_LIMITS = ("name", "roofline_us", "roofline", "openvino_roofline", "gmacs", "openvino_gmacs", "bound")
_OUTPUTS = ("name", "max_lsb", "exact", "sqnr", "saturated", "saturating_weights", "kernel", "openvino_impl",
            "openvino_precision", "fused")

# An underscore within a word and the bracket of an interval mean nothing in Markdown, and read better bare.
_SPECIAL = re.compile(r"[\\`*|~$]|^#|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|\[(?!-?\d)|\](?=[\[(:])")


def escape(text: str) -> str:
    """`text` as Markdown that shows it as it is: names come from model files and may hold anything."""
    safe = _SPECIAL.sub(r"\\\g<0>", formats.clean(text))
    safe = safe.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # An address in a name is no link, a name no mention: GitHub makes them of bare text.
    return safe.replace("://", ":&#47;/").replace("www.", "www&#46;").replace("@", "&#64;")


def render_markdown(report: Report) -> str:
    """The text of report.md."""
    parts = [
        f"# {escape(view.verdict(report))}", _headlines(report), *_warnings(report),
        "## Engines", table(view.ENGINE_HEADINGS, view.engine_rows(report)),
        f"Latency is the median with its {view.confidence(report)} interval.",
        *(f"{escape(view.engine_title(key))}: {escape(engine.description)}"
          for key, engine in report.engines.items() if engine.description),
        "## Layers: time", _layer_table(report, _TIMES),
        f"qkernels and OpenVINO with brackets: the layer alone, hot cache, median with its {view.confidence(report)} "
        "interval. ‘In network’: inside the running network, OpenVINO's from its own counters.",
        "### Totals", table(view.TOTAL_HEADINGS, view.total_rows(report)),
        "## Layers: what the machine allows", _layer_table(report, _LIMITS),
        "## Layers: outputs and kernels", _layer_table(report, _OUTPUTS),
        *_images(report),
        "## Machine", _facts(view.machine_facts(report)),
        "## Model", _facts(view.model_facts(report)),
        "## Run", _facts(view.settings_facts(report)),
        "## How it was measured", *(escape(paragraph) for paragraph in view.method(report)),
        f"Made {escape(report.created)} by qkernels {escape(report.qkernels_version)}, {escape(report.schema)}.",
    ]
    return "\n\n".join(parts) + "\n"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]], numeric: Sequence[bool] | None = None) -> str:
    """A Markdown table; columns but the first are set right unless `numeric` says otherwise."""
    right = numeric or [False] + [True] * (len(headings) - 1)
    lines = [_row(headings), "|" + "|".join(" ---: " if flag else " --- " for flag in right) + "|"]
    return "\n".join(lines + [_row(row) for row in rows])


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(escape(cell) for cell in cells) + " |"


def _headlines(report: Report) -> str:
    return "\n".join(f"- {escape(item.label)}: **{escape(item.value)}** ({escape(item.detail)})"
                     for item in view.headlines(report))


def _layer_table(report: Report, keys: Sequence[str]) -> str:
    chosen = [columns.BY_KEY[key] for key in keys]
    return table([_heading(column) for column in chosen],
                 ([_cell(column, layer) for column in chosen] for layer in report.layers),
                 [column.numeric for column in chosen])


def _heading(column: columns.Column) -> str:
    # Without the group headings of the page the two pairs of times would read the same.
    return f"{column.heading} (in network)" if column.key in ("in_network_us", "counter_us") else column.heading


def _cell(column: columns.Column, layer: Layer) -> str:
    cell = column.cell(layer)
    return f"{cell.text} {cell.detail}".strip()


def _facts(facts: Iterable[view.Fact]) -> str:
    return "\n".join(f"- {escape(fact.label)}: {escape(fact.value)}" for fact in facts)


def _warnings(report: Report) -> list[str]:
    found = view.warnings(report)
    return ["## Warnings", "\n".join(f"- {escape(warning)}" for warning in found)] if found else []


def _images(report: Report) -> list[str]:
    parts = ["## Images"] if report.images else []
    for image in report.images:
        agree = "same first class as" if image.agree else "another first class than"
        f32 = "" if image.agree_f32 is None else f", {'same as' if image.agree_f32 else 'another than'} OpenVINO FP32"
        parts.append(f"### {escape(image.name) or formats.NONE}")
        parts.append(f"{agree.capitalize()} OpenVINO INT8{f32}; largest difference of a probability "
                     f"{formats.percent(image.max_probability_diff)} percentage points.")
        ranks = max((len(entries) for entries in image.top5.values()), default=0)
        rows = [[str(rank + 1), *(_prediction(entries, rank) for entries in image.top5.values())]
                for rank in range(ranks)]
        if rows:
            headings = ["rank", *(f"{view.engine_title(key)}, class and %" for key in image.top5)]
            parts.append(table(headings, rows, [False] * len(headings)))
    return parts


def _prediction(entries: Sequence[Prediction], rank: int) -> str:
    if rank >= len(entries):
        return formats.NONE
    return f"{entries[rank].label} ({entries[rank].index}) {formats.percent(entries[rank].probability)}"
