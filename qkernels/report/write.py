"""A report to its four files, and back from report.json."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from qkernels.report.csv_writer import render_csv
from qkernels.report.html import render_html
from qkernels.report.json_writer import parse_json, render_json
from qkernels.report.markdown import render_markdown
from qkernels.report.record import Report

HTML, MARKDOWN, CSV, JSON = "report.html", "report.md", "report.csv", "report.json"


def write_report(report: Report, directory: str | os.PathLike[str]) -> dict[str, Path]:
    """Write report.html, report.md, report.csv and report.json into `directory`, made if it is not there.

    Returns the path of each by its file name. Every file appears whole or not at all: all
    texts are made and lie on the disk before the first takes its name. OSError where the
    directory cannot be written; ValueError where a figure is not finite.
    """
    texts = {HTML: render_html(report), MARKDOWN: render_markdown(report), CSV: render_csv(report),
             JSON: render_json(report)}
    target = Path(directory)
    target.mkdir(parents=True, exist_ok=True)
    return write_atomically(target, texts)


def read_report(path: str | os.PathLike[str]) -> Report:
    """The report in the file `path`, or in report.json of the directory `path`.

    OSError where it cannot be read; ValueError names the file and what is wrong with it.
    """
    source = Path(path)
    if source.is_dir():
        source = source / JSON
    try:
        return parse_json(source.read_bytes().decode("utf-8"))
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from error


def write_atomically(directory: Path, texts: Mapping[str, str]) -> dict[str, Path]:
    """Write each text to `directory` under its name; on failure no part of any is left behind."""
    temporary: dict[str, Path] = {}
    try:
        for name, text in texts.items():
            temporary[name] = directory / f".{name}.{secrets.token_hex(6)}.tmp"
            _write_through(temporary[name], text)
        written = {}
        for name in texts:
            written[name] = directory / name
            os.replace(temporary[name], written[name])
        return written
    finally:
        for path in temporary.values():
            path.unlink(missing_ok=True)


def _write_through(path: Path, text: str) -> None:
    """A new file, on the disk before this returns. OSError names it: a full disk's own does not."""
    try:
        # Not `tempfile`: its files can be read by their owner only, and os.replace keeps that.
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
