"""What a report says, in words and rows of text, for every writer that people read."""

from __future__ import annotations

from dataclasses import dataclass

from qkernels.report import formats
from qkernels.report.record import OPENVINO_F32, OPENVINO_INT8, QKERNELS, Interval, Report

ENGINE_TITLES = {QKERNELS: "qkernels", OPENVINO_INT8: "OpenVINO INT8", OPENVINO_F32: "OpenVINO FP32"}

ENGINE_HEADINGS = ("engine", "version", "precision that ran", "latency, ms", "throughput, inferences/s", "compile, ms",
                   "first call, ms", "peak memory, MB")
"""Latency is the median with its interval."""

TOTAL_HEADINGS = ("whole network", "qkernels, µs", "OpenVINO INT8, µs", "qkernels, % of end to end",
                  "OpenVINO, % of end to end")


@dataclass(frozen=True)
class Headline:
    """One of the figures on top. `state` is "good", "bad" or "plain"."""

    label: str
    value: str
    detail: str
    state: str = "plain"


@dataclass(frozen=True)
class Fact:
    """A line of the machine, model and settings boxes."""

    label: str
    value: str


def engine_title(key: str) -> str:
    """The name of an engine for people."""
    return ENGINE_TITLES.get(key, formats.clean(key))


def confidence(report: Report) -> str:
    """`95 %`."""
    return f"{100 * report.settings.confidence_level:g} %"


def verdict(report: Report) -> str:
    """The sentence on top: the report's own, or one made of the speedup; before it, that a run was interrupted."""
    totals = report.totals
    if totals.verdict:
        said = formats.clean(totals.verdict)
    elif not totals.difference_shown:
        said = "No difference shown between qkernels and OpenVINO INT8."
    else:
        said = f"qkernels is {'faster' if totals.speedup > 1 else 'slower'} than OpenVINO INT8."
    return said if report.interrupted is None else f"Interrupted, partial results: {said}"


def warnings(report: Report) -> list[str]:
    """The report's own, after how far an interrupted run had come."""
    interrupted = [] if report.interrupted is None else [f"Interrupted: only {report.interrupted}."]
    return [formats.clean(warning) for warning in (*interrupted, *report.warnings)]


def headlines(report: Report) -> list[Headline]:
    """Speedup, agreement of the first class, largest difference: the three figures on top."""
    totals = report.totals
    state = "plain" if not totals.difference_shown else "good" if totals.speedup > 1 else "bad"
    shown = "" if totals.difference_shown else "; no difference shown"
    over_f32 = "" if totals.speedup_f32 is None else f"; {formats.number(totals.speedup_f32)}× over OpenVINO FP32"
    return [
        Headline("Speedup over OpenVINO INT8, end to end", f"{formats.number(totals.speedup)}×",
                 f"{confidence(report)} interval {formats.bounds(totals.speedup_low, totals.speedup_high)}"
                 f"{shown}{over_f32}", state),
        _agreement(report),
        _difference(report),
    ]


def _agreement(report: Report) -> Headline:
    label, share = "Top-1 agreement with OpenVINO INT8", report.totals.agreement_top1
    if share is None:
        return Headline(label, formats.NONE, "no images were run")
    largest = report.totals.max_probability_diff
    extra = "" if largest is None else f"; probabilities differ by at most {formats.percent(largest)} percentage points"
    images = len(report.images) or report.settings.images
    return Headline(label, f"{formats.percent(share)} %", f"of {images} image{'s' * (images != 1)}{extra}",
                    "good" if share == 1 else "plain")


def _difference(report: Report) -> Headline:
    label = "Largest difference of a layer's outputs"
    known = [layer.max_lsb for layer in report.layers if layer.max_lsb is not None]
    largest = report.totals.layers_max_lsb
    if largest is None:
        largest = max(known, default=None)
    if largest is None:
        return Headline(label, formats.NONE, "no layer was compared")
    same = sum(value == 0 for value in known)
    return Headline(label, f"{largest} LSB", f"1 LSB is one step of the output's scale; {same} of {len(known)} layers "
                    "compared are equal throughout", "good" if largest == 0 else "plain")


def machine_facts(report: Report) -> list[Fact]:
    """Where the figures were taken."""
    machine = report.machine
    caches = ", ".join(f"L{item.level} {formats.size(item.size_bytes)}" +
                       (f" (shared by {item.shared_by} logical CPUs)" if item.shared_by > 1 else "")
                       for item in machine.caches)
    speeds = ", ".join(f"{formats.clean(name)} {formats.number(value)} GB/s"
                       for name, value in machine.bandwidth_gbs.items())
    overhead = machine.openvino_call_overhead_us
    facts = [
        ("Processor", machine.cpu), ("Architecture", machine.architecture), ("Instruction set used", machine.isa),
        ("Operating system", machine.operating_system), ("Python", machine.python_version),
        ("Logical CPUs", f"{machine.cores}, of which this process may use {machine.threads_available}"),
        ("Caches", caches),
        ("Peak, int8", f"{formats.number(machine.peak_gmacs)} GMAC/s on the run's threads, "
                       f"{formats.number(machine.peak_gmacs_one_thread)} GMAC/s on one"),
        ("Read bandwidth", speeds),
        ("OpenVINO call overhead", "" if overhead is None else f"{formats.interval(overhead)} µs"),
        ("Load at the start", "" if machine.load_average is None
         else f"{formats.number(machine.load_average, 2)} runnable processes, mean of a minute"),
        ("Kernels", ", ".join(f"{kind}: {name}" for kind, name in machine.kernel_versions.items())),
        ("Processor features", " ".join(machine.features)),
    ]
    return _facts(facts)


def model_facts(report: Report) -> list[Fact]:
    """The model that both engines ran."""
    model = report.model
    return _facts([
        ("Model", model.name), ("Source", model.source), ("SHA-256", model.sha256),
        ("Input", f"{formats.shape(model.input_shape)} elements, {model.input_dtype}"),
        ("Output", f"{formats.shape(model.output_shape)} elements"),
        ("Work", f"{formats.number(model.macs / 1e6)} MMAC an inference"),
        ("Parameters", formats.count(model.parameters)), ("Note", model.note),
    ])


def settings_facts(report: Report) -> list[Fact]:
    """How the run was made, in figures."""
    run = report.settings
    return _facts([
        ("Threads", str(run.threads)), ("Instruction set asked for", run.isa),
        ("End-to-end samples", f"{formats.count(run.repeats)} of each engine"),
        ("Samples of a layer", f"{formats.count(run.layer_repeats)} of each engine"),
        ("Confidence level", confidence(report)), ("Pause between engines", f"{formats.number(run.idle_ms)} ms"),
        ("Images", str(run.images)), ("Seed", str(run.seed)),
    ])


def _facts(pairs: list[tuple[str, str]]) -> list[Fact]:
    shown = ((label, formats.clean(value)) for label, value in pairs)
    return [Fact(label, value) for label, value in shown if value]


def engine_rows(report: Report) -> list[list[str]]:
    """A row an engine, in the order of `ENGINE_HEADINGS`."""
    rows = []
    for key, engine in report.engines.items():
        latency = Interval(engine.latency_ms.median, engine.latency_ms.low, engine.latency_ms.high)
        rows.append([
            engine_title(key), formats.clean(engine.version) or formats.NONE,
            formats.clean(engine.precision) or formats.NONE, formats.interval(latency, 4),
            formats.number(engine.throughput_fps, 4), formats.number(engine.compile_ms),
            formats.number(engine.first_call_ms), formats.number(engine.peak_rss_mb),
        ])
    return rows


def total_rows(report: Report) -> list[list[str]]:
    """From the sum of the layers to the end-to-end time, in the order of `TOTAL_HEADINGS`."""
    totals = report.totals
    whole, theirs = totals.qkernels_us.median, totals.openvino_us.median

    def row(label: str, ours: float | None, other: float | None) -> list[str]:
        return [label, formats.number(ours, 4), formats.number(other, 4), _share(ours, whole), _share(other, theirs)]

    rows = [
        row("Layers inside the network, sum", totals.qkernels_layers_sum_us, totals.openvino_layers_sum_us),
        row("Unattributed: end to end minus that sum", totals.unattributed_us, totals.openvino_unattributed_us),
        ["End to end, median [interval]", formats.interval(totals.qkernels_us, 4),
         formats.interval(totals.openvino_us, 4), _share(whole, whole), _share(theirs, theirs)],
        row("Layers alone, hot cache, sum", totals.qkernels_layers_alone_sum_us, totals.openvino_layers_alone_sum_us),
    ]
    if totals.roofline_us is not None:
        rows.append(row("Roofline, sum of the layers", totals.roofline_us, totals.roofline_us))
    return rows


def _share(part: float | None, whole: float) -> str:
    return formats.NONE if part is None or whole <= 0 else formats.percent(part / whole)


def method(report: Report) -> list[str]:
    """How the figures were taken, a paragraph an entry."""
    run, overhead = report.settings, report.machine.openvino_call_overhead_us
    taken_off = "" if overhead is None else f", {formats.number(overhead.median)} µs on this machine"
    f32 = report.engines.get(OPENVINO_F32)
    threads = f"{run.threads} thread{'s' * (run.threads != 1)}"
    found = [
        f"The engines run the same model in one process on {threads}, in turn: each round runs every engine, the "
        f"order is turned round from one round to the next, and {formats.number(run.idle_ms)} ms of sleep and an "
        "unrecorded run come before an engine takes over. What drifts on the machine then falls on all engines alike.",
        f"A time is the median of its rounds. Brackets hold the {confidence(report)} bootstrap interval of the median; "
        "rounds are resampled, not single runs. The interval of a speedup resamples rounds as pairs; where it contains "
        "1, the report says ‘no difference shown’.",
        "A layer alone is run again and again on the same tensors, so its data lie in the caches as far as they fit: "
        "hot cache. Inside the network other layers have used the caches, and its time differs; both are given.",
        "OpenVINO's time for a layer alone is that of a model of this layer only, minus the overhead of a call, taken "
        f"with a model that does next to nothing{taken_off}. Its time inside the network is its own counter's.",
        "The roofline is the least time that the machine's limits allow a layer: the larger of its "
        "multiply-accumulates at the measured peak and its bytes, touched once, at the measured read bandwidth of the "
        "smallest cache that holds them. The per cent of the roofline is that time over the measured one.",
        "Differences of outputs are counted in LSB, steps of the output's scale. SQNR compares with the float model's "
        "tensor. Peak memory is that of a process that loads and runs one engine only.",
        "Clipped sums: kernels for CPUs without VNNI often multiply bytes with VPMADDUBSW, which adds each two neighbouring "
        "products in 16 bits and clips what does not fit, so that results differ from CPU to CPU. The report counts how "
        "many of a layer's sums of two products it would clip on this input, pairs being neighbouring input channels, and how "
        "many pairs of weights it would clip on some input. qkernels adds in 32 bits everywhere and clips none. Layers that "
        "add no two products so (depthwise convolution, pooling, softmax) show a dash.",
    ]
    if f32 is not None:
        precision = formats.clean(f32.precision) or "f32"
        found.append(f"The FP32 baseline was set to run in f32 and ran in {precision}, as read back from the engine: "
                     "left to itself, OpenVINO may run a float model in a shorter type.")
    return found
