"""The charts of report.html, drawn with Bokeh. Colours of text and lines follow the page, see report.js."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from bokeh.models import ColumnDataSource, FixedTicker, HoverTool, Range1d
from bokeh.models.annotations import Span
from bokeh.models.renderers import DataRenderer, GlyphRenderer
from bokeh.plotting import figure

from qkernels.report import columns, formats, view
from qkernels.report.record import OPENVINO_F32, OPENVINO_INT8, QKERNELS, Engine, Interval, Layer, Report

ENGINE_COLOURS = {QKERNELS: "#3b7ddd", OPENVINO_INT8: "#e8833a", OPENVINO_F32: "#9a86c9"}
BOUND_COLOURS = {"compute": "#26a17b", "L1": "#d9a514", "L2": "#e8833a", "L3": "#d1558f", "DRAM": "#7d74c4"}
_FASTER, _SLOWER, _NEITHER, _INK, _OTHER = "#3b7ddd", "#e8833a", "#8b929c", "#1d232b", "#8b929c"

_ROW, _DENSE_ROW, _MARGIN = 30, 22, 64            # pixels: height of a layer's row, of many, of the axis with its label
_MANY = 24                                        # layers from which on rows are dense
_LABEL = 20                                       # characters of a layer's name on an axis: a phone is 390 px wide
_RATIOS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.67, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 7, 10, 15, 20, 30, 50, 100)


@dataclass(frozen=True)
class Chart:
    """A chart with what the page writes around it; `legend` pairs text with colour."""

    title: str
    caption: str
    legend: tuple[tuple[str, str], ...]
    plot: figure
    wide: bool = False


def charts(report: Report) -> list[Chart]:
    """The charts that the report has figures for."""
    found = [layer_times(report), layer_speedups(report), layer_rooflines(report), *samples(report)]
    return [chart for chart in found if chart is not None]


def layer_times(report: Report) -> Chart | None:
    """Bars of each layer's time on both engines, whiskers over the interval."""
    layers = [layer for layer in report.layers if layer.qkernels_us or layer.openvino_us]
    if not layers:
        return None
    plot = _rows_figure(layers, "time of the layer alone, µs")
    sides = ((QKERNELS, -0.19, [x.qkernels_us for x in layers]),
             (OPENVINO_INT8, 0.19, [x.openvino_us for x in layers]))
    bars = [_bars(plot, layers, times, offset, key) for key, offset, times in sides if any(times)]
    plot.add_tools(HoverTool(renderers=bars, tooltips=[("layer", "@name"), ("engine", "@engine"), ("time", "@text")]))
    plot.x_range = Range1d(start=0, end=1.03 * max(t.high for _, _, times in sides for t in times if t))
    return Chart("Time of each layer", "Each layer alone with hot caches, median; the whisker is the "
                 f"{view.confidence(report)} interval. OpenVINO without its call overhead. Shorter is better.",
                 tuple((view.engine_title(key), ENGINE_COLOURS[key]) for key, _, _ in sides), plot, wide=True)


def _bars(plot: figure, layers: list[Layer], times: list[Interval | None], offset: float, engine: str) -> DataRenderer:
    kept = [(row, layer, time) for row, (layer, time) in enumerate(zip(layers, times, strict=True)) if time]
    source = ColumnDataSource({
        "y": [row + offset for row, _, _ in kept],
        "median": [t.median for _, _, t in kept],
        "low": [t.low for _, _, t in kept], "high": [t.high for _, _, t in kept],
        "name": [formats.clean(layer.name) for _, layer, _ in kept],
        "engine": [view.engine_title(engine)] * len(kept),
        "text": [f"{formats.interval(t)} µs" for _, _, t in kept],
    })
    bars = plot.hbar(y="y", right="median", height=0.36, source=source, color=ENGINE_COLOURS[engine])
    _whisker(plot, source)
    return bars


def layer_speedups(report: Report) -> Chart | None:
    """A dot a layer with its interval, and a line at 1."""
    layers, values = [], []
    for layer in report.layers:
        if layer.speedup:
            layers.append(layer)
            values.append((layer.speedup, layer.speedup_low or layer.speedup, layer.speedup_high or layer.speedup))
    if not layers:
        return None
    plot = _rows_figure(layers, "speedup, log scale", x_axis_type="log")
    median, low, high = (list(column) for column in zip(*values, strict=True))
    source = ColumnDataSource({
        "y": list(range(len(layers))), "median": median, "low": low, "high": high,
        "name": [formats.clean(x.name) for x in layers], "colour": [_speedup_colour(x) for x in layers],
        "text": [" ".join(filter(None, (columns.speedup(x).text, columns.speedup(x).detail))) for x in layers],
    })
    _whisker(plot, source, colour="colour")
    dots = plot.scatter("median", "y", size=9, source=source, color="colour", line_color=None)
    plot.add_layout(Span(location=1, dimension="height", line_color=_INK, line_width=1.5, tags=["ink"]))
    plot.add_tools(HoverTool(renderers=[dots], tooltips=[("layer", "@name"), ("speedup", "@text")]))
    start, end = min([0.9, *low]) / 1.05, max([1.12, *high]) * 1.05
    plot.x_range = Range1d(start=start, end=end)
    _ratio_ticks(plot, start, end)
    return Chart("Speedup of each layer", "Right of the line at 1 qkernels is faster. The line through a dot is the "
                 f"{view.confidence(report)} interval; grey where it contains 1.",
                 (("qkernels faster", _FASTER), ("OpenVINO faster", _SLOWER), (columns.NO_DIFFERENCE, _NEITHER)), plot)


def _speedup_colour(layer: Layer) -> str:
    if columns.difference_shown(layer) is False:
        return _NEITHER
    return _FASTER if (layer.speedup or 0) > 1 else _SLOWER


def _ratio_ticks(plot: figure, start: float, end: float) -> None:
    # Bokeh's own ticks of a short logarithmic axis are crowded or none; six in view fit a phone.
    inside = [tick for tick in _RATIOS if start <= tick <= end]
    while len(inside) > 6:
        inside = [tick for index, tick in enumerate(inside) if tick == 1 or (index - inside.index(1)) % 2 == 0]
    plot.xaxis.ticker = FixedTicker(ticks=inside)
    plot.xgrid.ticker = FixedTicker(ticks=inside)
    plot.xaxis.major_label_overrides = {tick: f"{tick:g}×" for tick in inside}


def layer_rooflines(report: Report) -> Chart | None:
    """Bars of how much of the machine's limit each layer reaches, coloured by what bounds it."""
    layers = [layer for layer in report.layers if layer.roofline_fraction is not None]
    if not layers:
        return None
    plot = _rows_figure(layers, "share of the roofline, %")
    theirs = [x.openvino_roofline_fraction for x in layers]
    source = ColumnDataSource({
        "y": list(range(len(layers))), "share": [100 * (x.roofline_fraction or 0) for x in layers],
        "name": [formats.clean(x.name) for x in layers],
        "colour": [BOUND_COLOURS.get(x.bound or "", _OTHER) for x in layers],
        "text": [f"{formats.percent(x.roofline_fraction)} %" for x in layers],
        "theirs": [formats.NONE if value is None else f"{formats.percent(value)} %" for value in theirs],
        "bound": [formats.clean(x.bound or formats.NONE) for x in layers],
    })
    bars = plot.hbar(y="y", right="share", height=0.62, source=source, color="colour")
    marks = [(row, 100 * value) for row, value in enumerate(theirs) if value is not None]
    _ink(plot.scatter([x for _, x in marks], [y for y, _ in marks], marker="dash", angle=np.pi / 2, size=18,
                      line_width=2.5, color=_INK))
    plot.add_tools(HoverTool(renderers=[bars], tooltips=[("layer", "@name"), ("qkernels", "@text"),
                                                         ("OpenVINO INT8", "@theirs"), ("bound by", "@bound")]))
    plot.x_range = Range1d(start=0, end=max([100, *source.data["share"], *(x for _, x in marks)]) * 1.02)
    names = dict.fromkeys(x.bound for x in layers if x.bound)
    order = [name for name in BOUND_COLOURS if name in names] + [name for name in names if name not in BOUND_COLOURS]
    return Chart("Share of what the machine allows", "The bar is qkernels, the upright mark OpenVINO INT8; 100 % would "
                 "be the measured limit of the machine. The colour says what sets the limit.",
                 tuple((formats.clean(name), BOUND_COLOURS.get(name, _OTHER)) for name in order), plot)


def samples(report: Report) -> list[Chart]:
    """How the end-to-end times of each engine are distributed.

    One chart, or two where the float baseline is so far away that the others would shrink
    to needles beside it.
    """
    engines = {key: engine for key, engine in report.engines.items() if len(engine.latency_ms.samples) > 1}
    others = {key: engine for key, engine in engines.items() if key != OPENVINO_F32}
    if OPENVINO_F32 in engines and others:
        slowest = max(engine.latency_ms.median for engine in others.values())
        if engines[OPENVINO_F32].latency_ms.median > 1.5 * slowest:
            return [_samples("End-to-end samples, INT8", others),
                    _samples("End-to-end samples, FP32 (another axis)", {OPENVINO_F32: engines[OPENVINO_F32]})]
    return [_samples("End-to-end samples", engines, wide=True)] if engines else []


def _samples(title: str, engines: Mapping[str, Engine], wide: bool = False) -> Chart:
    plot = _figure(70 * len(engines) + _MARGIN, "time of one inference, ms")
    boxes: list[DataRenderer] = []
    ends: list[float] = []
    beyond = 0
    for row, (key, engine) in enumerate(engines.items()):
        times, base = np.asarray(engine.latency_ms.samples), len(engines) - 1 - row
        last = float(np.quantile(times, 0.99))
        beyond += int((times > last).sum())
        counts, edges = np.histogram(times[times <= last], bins=min(40, max(8, len(times) // 8)))
        colour = ENGINE_COLOURS.get(key, _OTHER)
        source = ColumnDataSource({
            "left": edges[:-1].tolist(), "right": edges[1:].tolist(),
            "top": (base + 0.8 * counts / counts.max()).tolist(), "bottom": [base] * len(counts),
            "engine": [view.engine_title(key)] * len(counts),
            "text": [f"{n} samples from {formats.number(a, 4)} to {formats.number(b, 4)} ms"
                     for n, a, b in zip(counts, edges, edges[1:], strict=False)],
        })
        boxes.append(plot.quad("left", "right", "top", "bottom", source=source, color=colour, line_color=colour,
                               alpha=0.85))
        middle = engine.latency_ms.median
        _ink(plot.segment([middle], [base], [middle], [base + 0.9], line_width=2, color=_INK))
        ends += [float(times.min()), last, middle]
    plot.add_tools(HoverTool(renderers=boxes, tooltips=[("engine", "@engine"), ("", "@text")]))
    spread = (max(ends) - min(ends)) or max(ends)
    plot.x_range = Range1d(start=min(ends) - 0.04 * spread, end=max(ends) + 0.04 * spread)
    plot.y_range = Range1d(start=-0.1, end=len(engines))
    plot.yaxis.visible = False
    plot.ygrid.visible = False
    return Chart(title, "The recorded inferences, a row an engine, each scaled to its own peak; the upright line is "
                 f"the median. The slowest 1 % of an engine ({beyond} in all) is not drawn.",
                 tuple((view.engine_title(key), ENGINE_COLOURS.get(key, _OTHER)) for key in engines), plot, wide)


def _rows_figure(layers: list[Layer], x_label: str, x_axis_type: Literal["linear", "log"] = "linear") -> figure:
    """A figure with a row a layer, the first on top. Rows are numbers, so that two layers may share a name."""
    plot = _figure((_ROW if len(layers) < _MANY else _DENSE_ROW) * len(layers) + _MARGIN, x_label, x_axis_type)
    plot.y_range = Range1d(start=len(layers) - 0.4, end=-0.6)
    plot.yaxis.ticker = FixedTicker(ticks=list(range(len(layers))))
    plot.yaxis.major_label_overrides = {row: formats.shorten(formats.clean(layer.name), _LABEL) or formats.NONE
                                        for row, layer in enumerate(layers)}
    plot.ygrid.visible = False
    plot.yaxis.major_tick_line_color = None
    return plot


def _figure(height: int, x_label: str, x_axis_type: Literal["linear", "log"] = "linear") -> figure:
    plot = figure(height=height, sizing_mode="stretch_width", tools="", toolbar_location=None, x_axis_label=x_label,
                  x_axis_type=x_axis_type, x_axis_location="above", background_fill_color=None,
                  border_fill_color=None, outline_line_color=None, min_border_right=14)
    for axis in plot.axis:
        axis.major_label_text_font = axis.axis_label_text_font = "system-ui, sans-serif"
        axis.major_label_text_font_size, axis.axis_label_text_font_size = "12px", "12px"
        axis.axis_label_text_font_style, axis.minor_tick_line_color, axis.axis_line_color = "normal", None, None
    return plot


def _whisker(plot: figure, source: ColumnDataSource, colour: str | None = None) -> None:
    if colour:
        plot.segment("low", "y", "high", "y", source=source, color=colour, line_width=2.5)
    else:
        _ink(plot.segment("low", "y", "high", "y", source=source, color=_INK, line_width=1.5))


def _ink(renderer: GlyphRenderer) -> None:
    """Mark what the page's script gives the colour of text."""
    renderer.tags = ["ink"]
