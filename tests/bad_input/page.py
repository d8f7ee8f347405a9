"""docs/bad_input.md from the table. `python -m bad_input.page` in tests/ writes it anew."""

from pathlib import Path

from .table import COMMAND_ROWS, ROWS

PAGE = Path(__file__).parents[2] / "docs" / "bad_input.md"

TOP = """# Bad input

What each function and command does with a wrong argument: which exception, and what it says; {rows} rows for functions,
{command_rows} for commands. The tests are parametrized by the same table ([tests/bad_input](../tests/bad_input)), and one of
them compares this page with it. "…" stands for what differs from machine to machine or from file to file.

- A message begins with the argument's name, then what was expected and what came.
- `out=` keeps every byte it had when an exception is raised.
- A layout is never an error: Fortran order, any strides, misaligned, read-only and byte-swapped arrays are read at the cost of
  one copy. `out=` is written in place, so it must be writeable, aligned, C-contiguous, in native byte order and apart from the
  inputs.
- An array or model too large for the address space or for memory is a `MemoryError`. One that the operating system promises
  memory for but does not have is beyond the library: it ends the process.
- A model file is read by OpenVINO's own readers. Truncated files and flipped bits end in a model that runs or in one of
  `load_model`'s exceptions; the tests try that on seeded damage in a process of its own, because the readers are native code.
- A package that is not installed is an `ImportError` that says what to install.

## Functions
"""

MIDDLE = """
## Commands

Exit status 2 is wrong usage (the last line of the message is shown here), 1 a job that failed, with one line, 130 an
interrupted run. The first Ctrl-C ends a measurement: `qkernels report` writes what it has into the directory `partial` of
`--out`, `qkernels bench --json NAME.json` into `NAME.partial.json`, both marked as interrupted; a whole report or result is
never replaced by a partial one, nor by one that a full disk cut short. `qkernels quantize` writes both files of a model or
neither.
"""


def render():
    """The page's text."""
    functions, commands = {}, {}
    parts = [TOP.format(rows=len(ROWS), command_rows=len(COMMAND_ROWS))]
    for row in ROWS:
        functions.setdefault(row.function, []).append(
            (f"`{row.argument}`", row.wrong, f"`{row.error.__name__}`", f"`{row.message}`"))
    for row in COMMAND_ROWS:
        commands.setdefault(f"qkernels {row.command}", []).append(
            (f"`{row.parameter}`", row.wrong, str(row.status), f"`{row.message}`"))
    parts += [_section(name, ("argument", "what is wrong", "exception", "message"), rows) for name, rows in functions.items()]
    parts.append(MIDDLE)
    parts += [_section(name, ("parameter", "what is wrong", "exit status", "message"), rows) for name, rows in commands.items()]
    return "\n".join(parts)


def _section(name, headings, rows):
    lines = [f"### `{name}`", "", *("| " + " | ".join(cells).replace("||", "") + " |" for cells in
                                    (headings, ["---"] * len(headings), *rows)), ""]
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
