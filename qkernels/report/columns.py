"""The columns of the layer table, once for every writer: heading, unit, and how a layer fills them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from qkernels.report import formats
from qkernels.report.record import Interval, Layer

NO_DIFFERENCE = "no difference shown"

SortKey = float | str | None


@dataclass(frozen=True)
class Cell:
    """What a cell shows: the text, a second smaller text beside it, and what sorting goes by."""

    text: str
    detail: str = ""
    sort: SortKey = None


@dataclass(frozen=True)
class Column:
    """One column. `group` is the heading above several columns, `help` says what the figure is."""

    key: str
    group: str
    title: str
    unit: str
    help: str
    cell: Callable[[Layer], Cell]
    numeric: bool = True

    @property
    def heading(self) -> str:
        """Title with its unit: `roofline, µs`."""
        return f"{self.title}, {self.unit}" if self.unit else self.title


def difference_shown(layer: Layer) -> bool | None:
    """Whether the interval of the layer's speedup leaves 1 out; None where that is not known."""
    if layer.difference_shown is not None:
        return layer.difference_shown
    if layer.speedup_low is None or layer.speedup_high is None:
        return None
    return not layer.speedup_low <= 1.0 <= layer.speedup_high


def speedup(layer: Layer) -> Cell:
    """`1.24×` with its interval as detail, or 'no difference shown' with the interval as detail."""
    if layer.speedup is None:
        return Cell(formats.NONE)
    low, high = layer.speedup_low, layer.speedup_high
    detail = "" if low is None or high is None else formats.bounds(low, high)
    text = NO_DIFFERENCE if difference_shown(layer) is False else f"{formats.number(layer.speedup)}×"
    return Cell(text, detail, layer.speedup)


def _text(get: Callable[[Layer], str | None]) -> Callable[[Layer], Cell]:
    def cell(layer: Layer) -> Cell:
        value = get(layer)
        shown = formats.clean(value) if value else ""
        return Cell(shown or formats.NONE, sort=shown.lower() or None)
    return cell


def _number(get: Callable[[Layer], float | None],
            show: Callable[[float], str] = formats.number) -> Callable[[Layer], Cell]:
    def cell(layer: Layer) -> Cell:
        value = get(layer)
        return Cell(formats.NONE) if value is None else Cell(show(value), sort=value)
    return cell


def _interval(get: Callable[[Layer], Interval | None]) -> Callable[[Layer], Cell]:
    def cell(layer: Layer) -> Cell:
        value = get(layer)
        if value is None:
            return Cell(formats.NONE)
        return Cell(formats.number(value.median), formats.bounds(value.low, value.high), value.median)
    return cell


def _share(get: Callable[[Layer], int | None], share: Callable[[Layer], float | None]) -> Callable[[Layer], Cell]:
    def cell(layer: Layer) -> Cell:
        value, part = get(layer), share(layer)
        if value is None:
            return Cell(formats.NONE)
        return Cell(formats.count(value), "" if part is None else f"({formats.percent(part)} %)", value)
    return cell


def _fused(layer: Layer) -> Cell:
    names = [formats.clean(name) for name in layer.fused]
    return Cell(", ".join(names) or formats.NONE, sort=len(names))


def _shapes(layer: Layer) -> Cell:
    # An arrow with a space on both sides is where a narrow cell may break.
    return Cell(f"{formats.shape(layer.input_shape)} → {formats.shape(layer.output_shape)}", sort=layer.bytes)


_LAYER, _ALONE, _NETWORK = "Layer", "Alone, hot cache", "Inside the network"
_RAN, _SAME, _LIMIT = "What ran", "Agreement", "What the machine allows"
_SATURATION = "With 16-bit sums instead"

COLUMNS: tuple[Column, ...] = (
    Column("name", _LAYER, "name", "", "name of the layer in the model", _text(lambda x: x.name), numeric=False),
    Column("kind", _LAYER, "kind", "", "main operation", _text(lambda x: x.kind), numeric=False),
    Column("shapes", _LAYER, "input → output", "elements", "shapes of the tensors", _shapes, numeric=False),
    Column("mmac", _LAYER, "work", "MMAC", "10^6 multiply-accumulates", _number(lambda x: x.macs / 1e6)),
    Column("kb", _LAYER, "data", "KB", "10^3 bytes: activations in and out, weights and parameters",
           _number(lambda x: x.bytes / 1e3)),
    Column("qkernels_us", _ALONE, "qkernels", "µs", "median with its interval", _interval(lambda x: x.qkernels_us)),
    Column("openvino_us", _ALONE, "OpenVINO", "µs", "median with its interval, call overhead subtracted",
           _interval(lambda x: x.openvino_us)),
    Column("speedup", _ALONE, "speedup", "×", "OpenVINO's time over qkernels' time with its interval", speedup),
    Column("in_network_us", _NETWORK, "qkernels", "µs", "median inside the running network",
           _number(lambda x: x.qkernels_in_network_us)),
    Column("counter_us", _NETWORK, "OpenVINO", "µs", "OpenVINO's own counter inside the running network",
           _number(lambda x: x.openvino_counter_us)),
    Column("kernel", _RAN, "kernel", "", "kernel of qkernels", _text(lambda x: x.implementation), numeric=False),
    Column("openvino_impl", _RAN, "OpenVINO implementation", "", "as OpenVINO names it",
           _text(lambda x: x.openvino_impl), numeric=False),
    Column("openvino_precision", _RAN, "OpenVINO precision", "", "read back from OpenVINO",
           _text(lambda x: x.openvino_precision), numeric=False),
    Column("fused", _RAN, "fused", "", "what the layer does besides, and the OpenVINO nodes it covers", _fused,
           numeric=False),
    Column("max_lsb", _SAME, "largest difference", "LSB", "of the two outputs, in steps of the output's scale",
           _number(lambda x: x.max_lsb, str)),
    Column("exact", _SAME, "equal", "%", "outputs that are the same on both engines",
           _number(lambda x: x.exact_fraction, formats.percent)),
    Column("sqnr", _SAME, "SQNR", "dB", "signal to quantization noise against the float model",
           _number(lambda x: x.sqnr_db)),
    Column("saturated", _SATURATION, "clipped sums", "count and %",
           "sums of two products that VPMADDUBSW would clip to int16 on this picture; qkernels clips none",
           _share(lambda x: x.saturated_sums, lambda x: x.saturated_fraction)),
    Column("saturating_weights", _SATURATION, "weights at risk", "pairs and %",
           "pairs of weights that VPMADDUBSW would clip on some picture",
           _share(lambda x: x.saturating_weights, lambda x: x.saturating_weights_fraction)),
    Column("gmacs", _LIMIT, "qkernels", "GMAC/s", "10^9 multiply-accumulates a second, the layer alone",
           _number(lambda x: x.gmacs)),
    Column("openvino_gmacs", _LIMIT, "OpenVINO", "GMAC/s", "10^9 multiply-accumulates a second, the layer alone",
           _number(lambda x: x.openvino_gmacs)),
    Column("roofline_us", _LIMIT, "roofline", "µs", "least time that the machine's measured limits allow",
           _number(lambda x: x.roofline_us)),
    Column("roofline", _LIMIT, "qkernels reaches", "%", "roofline over qkernels' time",
           _number(lambda x: x.roofline_fraction, formats.percent)),
    Column("openvino_roofline", _LIMIT, "OpenVINO reaches", "%", "roofline over OpenVINO's time",
           _number(lambda x: x.openvino_roofline_fraction, formats.percent)),
    Column("bound", _LIMIT, "bound by", "", "compute, or the memory level that sets the roofline",
           _text(lambda x: x.bound), numeric=False),
)

BY_KEY: dict[str, Column] = {column.key: column for column in COLUMNS}


def groups() -> list[tuple[str, int]]:
    """The group headings in order, each with the number of columns below it."""
    found: list[tuple[str, int]] = []
    for column in COLUMNS:
        if found and found[-1][0] == column.group:
            found[-1] = (column.group, found[-1][1] + 1)
        else:
            found.append((column.group, 1))
    return found
