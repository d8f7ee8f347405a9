"""report.html: one file that needs nothing else, neither a network nor a file beside it."""

from __future__ import annotations

import base64
import binascii
from functools import cache
from pathlib import Path
from typing import Any

from bokeh.embed import components
from bokeh.resources import Resources
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from qkernels.report import columns, formats, view
from qkernels.report.charts import Chart, charts
from qkernels.report.record import ImageResult, Report

_TEMPLATES = Path(__file__).parent / "templates"
_PNG = b"\x89PNG\r\n\x1a\n"


def render_html(report: Report) -> str:
    """The text of report.html: charts, styles and scripts are inside, and its policy forbids it to load anything."""
    drawn = charts(report)
    script, places = components([chart.plot for chart in drawn]) if drawn else ("", ())
    # Only the core of Bokeh: widgets, tables and the rest would make the file four times as large.
    library = Resources(mode="inline", components=["bokeh"]).render() if drawn else ""
    return _environment().get_template("report.html.jinja").render(
        report=report, view=view, formats=formats, columns=columns.COLUMNS, column_groups=columns.groups(),
        charts=[_chart(chart, place) for chart, place in zip(drawn, places, strict=True)],
        images=[_image(image) for image in report.images], warnings=view.warnings(report),
        bokeh_library=Markup(library), bokeh_script=Markup(script),
        style=Markup((_TEMPLATES / "report.css").read_text("utf-8")),
        page_script=Markup((_TEMPLATES / "report.js").read_text("utf-8")),
    )


@cache
def _environment() -> Environment:
    # Names and labels come from model files and image files: everything is escaped unless it is Markup.
    return Environment(loader=FileSystemLoader(_TEMPLATES), autoescape=True, undefined=StrictUndefined,
                       trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)


def _chart(chart: Chart, place: str) -> dict[str, Any]:
    return {"title": chart.title, "caption": chart.caption, "legend": chart.legend, "wide": chart.wide,
            "height": chart.plot.height, "place": Markup(place)}


def _image(image: ImageResult) -> dict[str, Any]:
    return {
        "name": formats.clean(image.name), "agree": image.agree, "agree_f32": image.agree_f32,
        "difference": formats.percent(image.max_probability_diff), "thumbnail": _thumbnail(image.thumbnail_png_base64),
        "engines": [{"title": view.engine_title(key),
                     "rows": [(formats.clean(p.label), p.index, formats.percent(p.probability)) for p in predictions]}
                    for key, predictions in image.top5.items()],
    }


def _thumbnail(encoded: str | None) -> str | None:
    """The thumbnail as an address that holds its bytes; None where it is no PNG."""
    try:
        data = base64.b64decode(encoded or "", validate=True)
    except (binascii.Error, ValueError):
        return None
    return f"data:image/png;base64,{base64.b64encode(data).decode()}" if data.startswith(_PNG) else None
