"""Markdown, the console summary, and how numbers are shown."""

from __future__ import annotations

import html
import io
import re

import pytest
from rich.console import Console

from qkernels.report import formats
from qkernels.report.formats import clean
from qkernels.report.markdown import escape, render_markdown, table
from qkernels.report.record import Interval, Report
from qkernels.report.summary import print_summary


@pytest.mark.parametrize("value, shown", [
    (None, "–"), (0, "0"), (1234.5, "1234"), (12.345, "12.3"), (1.2, "1.20"), (0.01234, "0.0123"), (9.996, "10.0"),
    (-3.14159, "-3.14"), (99.96, "100"), (999.6, "1000"), (float("inf"), "∞"), (float("nan"), "NaN"),
    (1e-12, "0.000000000"),
])
def test_numbers(value: float | None, shown: str) -> None:
    assert formats.number(value) == shown


@pytest.mark.parametrize("fraction, shown", [(1.0, "100"), (0.99999, "99.999"), (0.9996, "99.96"), (0.5, "50.0"),
                                             (0.0, "0"), (None, "–"), (1.0004, "100")])
def test_less_than_all_is_never_100_percent(fraction: float | None, shown: str) -> None:
    assert formats.percent(fraction) == shown


def test_other_formats() -> None:
    assert formats.interval(Interval(12.3456, 12.1, 12.61)) == "12.3 [12.1, 12.6]"
    assert formats.interval(None) == "–"
    assert formats.shape((1, 2, 3)) == "1×2×3"
    assert formats.shape(()) == "scalar"
    assert formats.size(48 << 20) == "48.0 MiB"
    assert formats.count(3504872) == "3\u202f504\u202f872"
    assert formats.shorten("abcdefghij", 7) == "abc…hij"
    assert len(formats.shorten("x" * 50, 20)) == 20
    assert formats.clean("a\n\x1b[31mb\u202e") == "a [31mb"


def test_markdown_tables_have_a_row_a_layer(report: Report) -> None:
    text = render_markdown(report)
    for heading in ("## Layers: time", "## Layers: what the machine allows", "## Layers: outputs and kernels"):
        lines = text.split(heading)[1].strip().split("\n\n")[0].splitlines()
        assert len(lines) == 2 + len(report.layers)
        bars = {len(re.findall(r"(?<!\\)\|", line)) for line in lines}
        assert len(bars) == 1, heading
        for line, layer in zip(lines[2:], report.layers, strict=True):
            assert line.startswith(f"| {escape(layer.name)} |")


def test_markdown_escapes_names(report: Report) -> None:
    text = render_markdown(report)
    assert "<" not in text
    assert "&lt;script&gt;alert('x')&lt;/script&gt;" in text
    assert r"a\|b \`c\` \*d\* \[red]e\[/red]" in text
    assert "\x1b" not in text
    assert escape("conv_1_a _b_ https://x.y www.x") == r"conv_1_a \_b\_ https:&#47;/x.y www&#46;x"
    assert escape("&#60; a@b") == "&amp;#60; a&#64;b"


@pytest.mark.parametrize("name", [
    "<script>alert(1)</script>", "a|b `c` *d* **e** _f_", "[1](javascript:x)", "[a][b]", "![1](x.png)", "&lt;b>", "<b>",
    "~~x~~", "$x$", "back\\|slash\\", "[1]: x", "conv_1_x", "https://x.y"])
def test_markdown_shows_names_as_they_are(name: str) -> None:
    markdown_it = pytest.importorskip("markdown_it")
    page = markdown_it.MarkdownIt("commonmark").enable("table").enable("strikethrough").render(
        table(["a", "b"], [[name, "[1.0, 2.0]"]]))
    assert f"<td>{html.escape(name, quote=False)}</td>" in page
    assert '<td style="text-align:right">[1.0, 2.0]</td>' in page


def test_markdown_has_units_method_and_warnings(report: Report) -> None:
    text = render_markdown(report)
    for part in ("# qkernels is faster than OpenVINO INT8.", "1.24×", "latency, ms", "peak memory, MB", "roofline, µs",
                 "Unattributed", "## How it was measured", "## Warnings", "tabby cat", "GMAC/s",
                 "clipped sums, count and %", "7\u202f251 (0.0564 %)", "VPMADDUBSW"):
        assert part in text, part


def test_summary_prints_every_layer_as_it_is(report: Report) -> None:
    out = io.StringIO()
    print_summary(report, Console(file=out, width=260, force_terminal=False))
    text = out.getvalue()
    for layer in report.layers:
        assert clean(layer.name) in text
    for part in ("qkernels is faster", "1.24×", "OpenVINO FP32", "latency, ms", "Unattributed", "warning: ",
                 "[red]e[/red]"):
        assert part in text, part
    assert "\x1b" not in text


def test_summary_of_a_narrow_console(report: Report) -> None:
    out = io.StringIO()
    print_summary(report, Console(file=out, width=60))
    assert max(map(len, out.getvalue().splitlines())) <= 60
