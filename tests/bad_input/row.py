"""What a row of the table of bad input is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

ANY = "…"
"""In a message: whatever the machine or the file has there."""


@dataclass(frozen=True)
class Row:
    """One wrong argument and what comes of it.

    function   its public name; "Class.method" for a method
    argument   its name in the signature
    wrong      what is wrong with it, for the page
    arguments  makes the arguments that differ from right ones
    error      the exception
    message    of the exception; `ANY` stands for a part that differs from machine to machine
    """

    function: str
    argument: str
    wrong: str
    arguments: Callable[[], dict[str, Any]]
    error: type[Exception]
    message: str


@dataclass(frozen=True)
class CommandRow:
    """One wrong argument of a command, and the exit status and the last line that come of it.

    In `arguments`, "{tmp}" is an empty directory with the files that `test_commands.py` puts there.
    """

    command: str
    parameter: str
    wrong: str
    arguments: tuple[str, ...]
    status: int
    message: str


def row(function, argument, wrong, make, error, message):
    return Row(function, argument, wrong, make if callable(make) else lambda: make, error, message)
