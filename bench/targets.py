"""What is asked of qkernels and what was measured: `targets.py [DIRECTORY of results]`."""

import sys
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table

from qkernels.benchmarks.targets import Outcome, outcomes, read_directory

STYLES = {"met": "green", "missed": "red", "open": "yellow", "not measured": "dim"}


def cells(outcome: Outcome) -> tuple[str, ...]:
    target = outcome.target
    threads = f"{target.threads} thread{'s' if target.threads > 1 else ''}"
    asked = f"≥ {target.asked:g}" if target.side else f"≤ {target.asked:g} µs"
    if outcome.value is None:
        return target.what, threads, asked, outcome.why, "", outcome.met
    return (target.what, threads, asked, f"{outcome.value:.2f} [{outcome.low:.2f}, {outcome.high:.2f}]", outcome.row or "",
            outcome.met)


def main() -> None:
    directory = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "results"
    console = Console()
    table = Table("what", "threads", "asked", "measured", "row, of several the worst", "", box=box.SIMPLE_HEAD)
    for outcome in outcomes(read_directory(directory)):
        table.add_row(*cells(outcome), style=STYLES[outcome.met])
    # a pipe has no width of its own: room for the whole table
    (console if console.is_terminal else Console(width=180)).print(table)


if __name__ == "__main__":
    main()
