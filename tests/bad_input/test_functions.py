"""Every row of the table of bad input: the exception, its message, and `out` untouched."""

import re

import numpy as np
import pytest

from .page import PAGE, render
from .row import ANY
from .table import CALLS, OUTPUTS, ROWS, public_arguments


def pattern(message):
    return re.compile(".*".join(map(re.escape, message.split(ANY))), re.DOTALL)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.function}-{row.argument}-{row.wrong}")
def test_row(row):
    call, right = CALLS[row.function]
    given = row.arguments()
    if row.function in OUTPUTS and "out" not in given:
        shape, dtype = OUTPUTS[row.function]
        given["out"] = np.full(shape, 85, dtype)
    out = given.get("out")
    before = out.tobytes() if isinstance(out, np.ndarray) else None
    with pytest.raises(row.error) as caught:
        call(**{**right, **given})
    assert type(caught.value) is row.error or issubclass(row.error, MemoryError)
    assert pattern(row.message).fullmatch(str(caught.value)), str(caught.value)
    assert before is None or out.tobytes() == before


@pytest.mark.parametrize("function", [function for function, (_, right) in CALLS.items() if right])
def test_the_arguments_that_rows_start_from_are_right(function):
    """Otherwise a row could fail for another reason than its own."""
    call, right = CALLS[function]
    call(**right)
    for shape, dtype in [OUTPUTS[function]] if function in OUTPUTS else []:
        out = np.full(shape, 85, dtype)
        assert call(**right, out=out) is out and not (out == 85).all()


@pytest.mark.parametrize("function, arguments", public_arguments().items())
def test_every_argument_has_a_row(function, arguments):
    missing = set(arguments) - {row.argument for row in ROWS if row.function == function}
    assert not missing, f"{function}: no row for {sorted(missing)}"


def test_the_page_is_the_table():
    assert PAGE.read_text(encoding="utf-8") == render(), "python -m bad_input.page in tests/ writes it anew"
