"""Results as tables on a console."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from .record import OURS, Results, Row, Side

_REASONS = 3  # of a peer's absence from rows, before the rest is left to the JSON


def print_results(results: Results, console: Console) -> None:
    """A table for each group and state of the caches, then the peers that are not in it, and why."""
    settings = results.settings
    console.print(Text(f"{results.family}, {settings.threads} thread{'s' if settings.threads > 1 else ''}, {settings.isa}, "
                       f"{settings.rounds} rounds in turn; microseconds with {settings.confidence_level:.0%} intervals, "
                       "a call's cost taken off; in brackets, the peer's time over ours", style="bold"))
    if results.interrupted:
        console.print(Text("interrupted: further cases were not measured", style="yellow"))
    for (group, cache), rows in itertools.groupby(sorted(results.rows, key=_place(results)), lambda r: (r.group, r.cache)):
        console.print(_table(f"{group}, {cache} caches", list(rows)))
    for name, why in results.absent.items():
        console.print(Text(f"{name} is absent: {why}"))
    reasons: dict[str, Counter[str]] = {}
    for row in results.rows:
        for name, why in row.missing.items():
            reasons.setdefault(name, Counter())[why] += 1
    for name, counted in reasons.items():
        said = [f"{why} ({count})" for why, count in counted.most_common(_REASONS)]
        more = f"; and {len(counted) - _REASONS} more, see the JSON" if len(counted) > _REASONS else ""
        console.print(Text(f"{name} is missing in {counted.total()} of {len(results.rows)} rows: {'; '.join(said)}{more}"))


def _place(results: Results) -> Callable[[Row], tuple[int, bool, str]]:
    """Groups in the order of their first row, warm before cold."""
    groups = list(dict.fromkeys(row.group for row in results.rows))
    return lambda row: (groups.index(row.group), row.cache != "warm", row.cache)


def _table(title: str, rows: list[Row]) -> Table:
    table = Table(title=Text(title), title_justify="left", box=box.SIMPLE_HEAD)
    sides = list(dict.fromkeys(name for row in rows for name in row.sides))
    macs = any(row.macs for row in rows)
    for index, heading in enumerate(["", *(["GMAC/s"] if macs else []), *sides]):
        table.add_column(Text(heading), justify="right" if index else "left", overflow="fold")
    for row in rows:
        table.add_row(Text(row.name), *([_gmacs(row)] if macs else []), *(_cell(row.sides.get(name)) for name in sides))
    return table


def _gmacs(row: Row) -> str:
    us = row.sides[OURS].us
    return "–" if us is None or not row.macs else f"{row.macs / us.median / 1e3:.1f}"


def _cell(side: Side | None) -> Text:
    if side is None:
        return Text("–")
    if side.us is None:
        return Text("not above the call")
    text = f"{_digits(side.us.median)} [{_digits(side.us.low)}, {_digits(side.us.high)}]"
    if side.speedup is None:
        return Text(text)
    style = "" if not side.speedup.shown else "green" if side.speedup.value > 1 else "yellow"
    return Text.assemble(text, (f" ({side.speedup.value:.2f} ×)", style))


def _digits(us: float) -> str:
    return f"{us:.0f}" if us >= 1000 else f"{us:.1f}" if us >= 10 else f"{us:.2f}"
