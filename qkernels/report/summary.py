"""The report as tables on a console."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from qkernels.report import columns, formats, view
from qkernels.report.record import Layer, Report

_KEYS = ("name", "kind", "qkernels_us", "openvino_us", "speedup", "in_network_us", "counter_us", "max_lsb", "exact",
         "roofline", "bound")
_SHORT = {"in_network_us": "qkernels in network, µs", "counter_us": "OpenVINO in network, µs",
          "roofline": "of the roofline, %", "max_lsb": "difference, LSB"}
_STATES = {"good": "bold green", "bad": "bold yellow", "plain": "bold"}


def print_summary(report: Report, console: Console) -> None:
    """Print the headline, the engines, every layer, the totals and the warnings to `console`.

    Names are shown as they are: nothing in them is taken for markup.
    """
    console.print(_headline(report))
    console.print(_table("Engines", view.ENGINE_HEADINGS, view.engine_rows(report)))
    console.print(_layers(report))
    console.print(_table("Totals", view.TOTAL_HEADINGS, view.total_rows(report)))
    for warning in view.warnings(report):
        console.print(Text.assemble(("warning: ", "yellow"), warning))


def _headline(report: Report) -> Panel:
    lines = [Text(view.verdict(report), style="bold")]
    for item in view.headlines(report):
        lines.append(Text.assemble(f"{item.label}: ", (item.value, _STATES[item.state]), f"  {item.detail}"))
    return Panel(Text("\n").join(lines), title=Text(f"qkernels against OpenVINO, {formats.clean(report.model.name)}"),
                 border_style="dim")


def _table(title: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for index, heading in enumerate(headings):
        table.add_column(Text(heading), justify="right" if index else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    return table


def _layers(report: Report) -> Table:
    table = Table(title="Layers, alone with hot caches unless it says in network", title_justify="left",
                  box=box.SIMPLE_HEAD)
    chosen = [columns.BY_KEY[key] for key in _KEYS]
    for column in chosen:
        table.add_column(Text(_SHORT.get(column.key, column.heading)), justify="right" if column.numeric else "left",
                         overflow="fold")
    for layer in report.layers:
        table.add_row(*(_cell(column, layer) for column in chosen))
    return table


def _cell(column: columns.Column, layer: Layer) -> Text:
    cell = column.cell(layer)
    # The intervals stay in the files, but for the one that says whether the difference counts.
    shown = f"{cell.text} {cell.detail}".strip() if column.key == "speedup" else cell.text
    if column.key != "speedup" or layer.speedup is None:
        return Text(shown)
    shows = columns.difference_shown(layer) is not False
    return Text(shown, style="" if not shows else "green" if layer.speedup > 1 else "yellow")
