"""report.html: complete, escaped, and on its own."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from qkernels.report.columns import COLUMNS, NO_DIFFERENCE
from qkernels.report.formats import clean
from qkernels.report.html import render_html
from qkernels.report.record import Report

_LOADS = {"src", "href", "srcset", "data", "action", "poster", "background", "formaction"}


class Page(HTMLParser):
    """Elements with their attributes, the cells of each row of the layer table, and the text outside scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self.text = ""
        self._layers = self._body = self._hidden = False
        self.feed(text)
        self.rows = [[cell.strip() for cell in row] for row in self.rows]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.elements.append((tag, found))
        if tag == "table":
            self._layers = found.get("class") == "layers"
        self._body = tag == "tbody" or self._body and tag != "thead"
        self._hidden = tag in ("script", "style")
        if self._layers and self._body:
            if tag == "tr":
                self.rows.append([])
            elif tag in ("td", "th"):
                self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._hidden = False
        if tag == "tbody":
            self._body = False

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.text += data
        if self._layers and self._body and self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


@pytest.fixture
def page(report: Report) -> Page:
    return Page(render_html(report))


def test_every_layer_has_its_row_in_order(page: Page, report: Report) -> None:
    assert [row[0] for row in page.rows] == [clean(layer.name) for layer in report.layers]
    assert all(len(row) == len(COLUMNS) for row in page.rows)


def test_one_sided_rows_show_a_dash(page: Page) -> None:
    index = [column.key for column in COLUMNS].index
    assert page.rows[0][index("openvino_us")] == page.rows[0][index("speedup")] == "–"
    assert page.rows[0][index("qkernels_us")] != "–"
    assert page.rows[8][index("qkernels_us")] == page.rows[8][index("kernel")] == "–"
    assert page.rows[8][index("counter_us")] == "7.50"


def test_clipped_sums_are_a_count_and_a_share(page: Page) -> None:
    index = [column.key for column in COLUMNS].index
    clipped, weights = index("saturated"), index("saturating_weights")
    assert " ".join(page.rows[2][clipped].split()) == "7 251 (0.0564 %)"
    assert " ".join(page.rows[2][weights].split()) == "24 (2.34 %)"
    assert page.rows[1][clipped] == page.rows[13][clipped] == page.rows[1][weights] == "–"
    assert "VPMADDUBSW" in page.text and "qkernels adds in 32 bits everywhere" in page.text


def test_speedup_without_a_shown_difference_says_so(page: Page, report: Report) -> None:
    index = [column.key for column in COLUMNS].index("speedup")
    for row, layer in zip(page.rows, report.layers, strict=True):
        if layer.speedup is not None:
            assert (NO_DIFFERENCE in row[index]) is not layer.difference_shown


def test_nothing_is_loaded_from_elsewhere(page: Page) -> None:
    for tag, attributes in page.elements:
        assert tag not in ("link", "iframe", "object", "embed", "base")
        for name in _LOADS & set(attributes):
            assert re.match(r"#|data:image/png;base64,", attributes[name] or ""), (tag, name)
    style = next(a for t, a in page.elements if t == "meta" and a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in style["content"]


def test_style_loads_nothing(report: Report) -> None:
    style = re.search(r"<style>(.*?)</style>", render_html(report), re.DOTALL)
    assert style and "url(" not in style.group(1) and "@import" not in style.group(1)


def test_names_are_escaped(page: Page, report: Report) -> None:
    scripts = sum(tag == "script" for tag, _ in page.elements)
    plain = replace(report, layers=(), images=(), warnings=())
    assert scripts == sum(tag == "script" for tag, _ in Page(render_html(plain)).elements)
    assert "<script>alert('x')</script>" in page.text
    assert "<b>was</b>" in page.text
    assert "\x1b" not in page.text


def test_only_a_png_becomes_a_thumbnail(page: Page) -> None:
    images = [attributes for tag, attributes in page.elements if tag == "img"]
    assert len(images) == 1
    assert images[0]["alt"] == "cat.png"


def test_the_page_is_accessible(page: Page) -> None:
    tags = [tag for tag, _ in page.elements]
    assert ("html", {"lang": "en"}) in page.elements
    assert "title" in tags and "main" in tags and tags.count("h1") == 1
    assert tags.count("caption") == tags.count("table")
    assert all("scope" in attributes for tag, attributes in page.elements if tag == "th")
    assert all(attributes.get("alt") for tag, attributes in page.elements if tag == "img")


def test_headline_engines_and_sections(page: Page) -> None:
    for text in ("qkernels is faster than OpenVINO INT8.", "1.24×", "[1.21, 1.27]", "100 %", "1 LSB", "OpenVINO FP32",
                 "Unattributed", "How it was measured", "Warnings", "GMAC/s", "tabby cat", "Time of each layer",
                 "Speedup of each layer", "Share of what the machine allows", "End-to-end samples"):
        assert text in page.text, text


def test_a_report_with_next_to_nothing(report: Report) -> None:
    engines = {key: replace(engine, compile_ms=None, first_call_ms=None, peak_rss_mb=None,
                            latency_ms=replace(engine.latency_ms, samples=()))
               for key, engine in report.engines.items()}
    totals = replace(report.totals, agreement_top1=None, layers_max_lsb=None, difference_shown=False, verdict="",
                     unattributed_us=None, roofline_us=None, speedup_f32=None)
    machine = replace(report.machine, openvino_call_overhead_us=None, load_average=None, caches=(), features=())
    page = Page(render_html(replace(report, engines=engines, totals=totals, machine=machine, layers=report.layers[13:],
                                    images=(), warnings=())))
    assert "No difference shown" in page.text
    assert "no images were run" in page.text
    assert "figure" not in [tag for tag, _ in page.elements]


def test_samples_that_are_all_alike(report: Report) -> None:
    engines = {key: replace(engine, latency_ms=replace(engine.latency_ms, samples=(1.0,) * 5))
               for key, engine in report.engines.items()}
    assert "End-to-end samples" in Page(render_html(replace(report, engines=engines))).text
