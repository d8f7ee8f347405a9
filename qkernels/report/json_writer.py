"""report.json: the whole report, nothing rounded."""

from __future__ import annotations

import json
import math
from typing import Any

from qkernels.report.record import Report


def render_json(report: Report) -> str:
    """The text of report.json. ValueError names a field that is not finite."""
    return json_text(report.to_dict(), "report")


def json_text(data: dict[str, Any], name: str) -> str:
    """`data` as the text of a file; `name` stands for the whole of it in errors.

    ValueError names the field that is not finite: JSON has no word for NaN or infinity, and
    a file that only some readers take is worth less than an error where it was made.
    """
    _expect_finite(data, name)
    return json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def parse_json(text: str) -> Report:
    """The report that `render_json` wrote. ValueError says what is wrong with the text."""
    try:
        data = json.loads(text)
    except RecursionError as error:
        raise ValueError("report: nested too deeply") from error
    return Report.from_dict(data)


def _expect_finite(value: Any, where: str) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            _expect_finite(item, f"{where}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _expect_finite(item, f"{where}[{index}]")
    elif isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{where}: expected a finite number, got {value}")
