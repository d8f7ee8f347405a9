"""What a report knows: the data model of `report.json`, schema `qkernels-report/1`.

The measurement fills these records, the writers (HTML, Markdown, CSV, JSON, summary) read
them, and neither knows the other. Every field name ends in its unit where it has one:
`_us` microseconds, `_ms` milliseconds, `_mb` 10^6 bytes, `_gmacs` 10^9 multiply-accumulates
a second, `_gbs` 10^9 bytes a second, `_fps` inferences a second. `None` means that the
figure does not exist on that side, never that it is zero.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from qkernels.report.plain import plain, read

SCHEMA = "qkernels-report/1"

QKERNELS = "qkernels"
OPENVINO_INT8 = "openvino_int8"
OPENVINO_F32 = "openvino_f32"


@dataclass(frozen=True)
class Interval:
    """A median with its bootstrap interval, in the unit that the field holding it names."""

    median: float
    low: float
    high: float


@dataclass(frozen=True)
class Latency:
    """End-to-end time of one inference in milliseconds, every sample kept in the order taken."""

    median: float
    low: float
    high: float
    samples: tuple[float, ...] = ()


@dataclass(frozen=True)
class CacheLevel:
    """One data or unified cache as a core sees it; `shared_by` counts the logical CPUs on it."""

    level: int
    size_bytes: int
    shared_by: int = 1


@dataclass(frozen=True)
class Machine:
    """Where the figures were taken."""

    cpu: str
    isa: str                                      # the instruction set that the kernels ran on
    architecture: str
    operating_system: str
    python_version: str
    cores: int                                    # logical CPUs of the machine
    threads_available: int                        # logical CPUs that this process may use
    caches: tuple[CacheLevel, ...]
    peak_gmacs: float                             # all threads of the run together
    peak_gmacs_one_thread: float
    bandwidth_gbs: dict[str, float]               # reads; keys "L1", "L2", "L3", "DRAM"; all threads of the run together
    kernel_versions: dict[str, str]               # operator kind -> kernel chosen
    features: tuple[str, ...] = ()
    openvino_call_overhead_us: Interval | None = None
    load_average: float | None = None             # of the last minute, at the start of the run


@dataclass(frozen=True)
class ModelInfo:
    """The model that both engines ran."""

    name: str
    source: str                                   # "embedded", or the file's name
    sha256: str
    input_shape: tuple[int, ...]
    input_dtype: str
    output_shape: tuple[int, ...]
    macs: int
    parameters: int
    note: str = ""                                # where the weights and ranges come from


@dataclass(frozen=True)
class Settings:
    """How the run was made."""

    threads: int
    isa: str
    repeats: int                                  # end-to-end samples of each engine
    layer_repeats: int                            # samples of each layer alone, of each engine
    confidence_level: float
    idle_ms: float                                # pause before one engine takes over from another
    images: int
    seed: int


@dataclass(frozen=True)
class Engine:
    """One engine's end-to-end figures on the whole model."""

    version: str
    precision: str                                # the precision that ran, read back from the engine
    compile_ms: float | None
    first_call_ms: float | None
    latency_ms: Latency
    throughput_fps: float
    peak_rss_mb: float | None                     # peak of a process that loads and runs this engine only
    description: str = ""


@dataclass(frozen=True)
class Layer:
    """One layer, timed alone with hot caches on both engines unless a field says otherwise.

    A row that only one engine has (an input quantization, a reorder) keeps its place, with
    `None` on the other side.
    """

    name: str
    kind: str                                     # quantize, conv2d, depthwise, pointwise, linear, average_pool, softmax ...
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    dtype_in: str
    dtype_out: str
    macs: int
    bytes: int                                    # activations in and out, weights and parameters
    parameters: int
    fused: tuple[str, ...] = ()                   # the other OpenVINO nodes it does the work of
    implementation: str | None = None             # name of the kernel of qkernels
    qkernels_us: Interval | None = None
    openvino_us: Interval | None = None           # minus machine.openvino_call_overhead_us
    qkernels_in_network_us: float | None = None   # median, inside the running network
    openvino_counter_us: float | None = None      # OpenVINO's own counter, inside the running network
    openvino_impl: str | None = None
    openvino_precision: str | None = None
    speedup: float | None = None                  # OpenVINO's time over qkernels' time
    speedup_low: float | None = None
    speedup_high: float | None = None
    difference_shown: bool | None = None          # False: the interval of the speedup contains 1
    max_lsb: int | None = None                    # largest difference of the two outputs, in steps of the output's scale
    exact_fraction: float | None = None
    sqnr_db: float | None = None                  # against the float model's tensor of the same name
    saturated_sums: int | None = None             # sums of two products that VPMADDUBSW would clip to int16, on this input
    saturated_fraction: float | None = None       # of all the layer's sums of two products
    saturating_weights: int | None = None         # pairs of weights that VPMADDUBSW would clip on some input
    saturating_weights_fraction: float | None = None
    gmacs: float | None = None                    # GMAC/s reached by qkernels, the layer alone
    openvino_gmacs: float | None = None
    roofline_us: float | None = None
    roofline_fraction: float | None = None        # roofline_us / qkernels_us
    openvino_roofline_fraction: float | None = None
    bound: str | None = None                      # "compute", "L1", "L2", "L3" or "DRAM"


@dataclass(frozen=True)
class Prediction:
    """One entry of a top-5 list."""

    label: str
    probability: float
    index: int


@dataclass(frozen=True)
class ImageResult:
    """What each engine said of one image."""

    name: str
    top5: dict[str, tuple[Prediction, ...]]       # by engine
    agree: bool                                   # qkernels and OpenVINO INT8 name the same class first
    max_probability_diff: float                   # between qkernels and OpenVINO INT8, over all classes
    agree_f32: bool | None = None                 # qkernels and OpenVINO FP32 name the same class first
    thumbnail_png_base64: str | None = None


@dataclass(frozen=True)
class Totals:
    """The network as a whole, microseconds."""

    qkernels_us: Interval                         # end to end
    openvino_us: Interval                         # end to end, INT8
    qkernels_layers_sum_us: float | None          # of the layers inside the network
    openvino_layers_sum_us: float | None          # of OpenVINO's counters
    unattributed_us: float | None                 # qkernels end to end minus its layers inside the network
    openvino_unattributed_us: float | None        # OpenVINO end to end minus its counters
    qkernels_layers_alone_sum_us: float | None    # of the layers timed alone
    openvino_layers_alone_sum_us: float | None
    speedup: float
    speedup_low: float
    speedup_high: float
    difference_shown: bool
    speedup_f32: float | None = None              # OpenVINO FP32 over qkernels
    agreement_top1: float | None = None           # fraction of the images, 0 to 1; None without images
    max_probability_diff: float | None = None
    layers_max_lsb: int | None = None
    roofline_us: float | None = None              # sum of the layers' rooflines
    verdict: str = ""                             # one sentence: faster, slower or no difference shown


@dataclass(frozen=True)
class Report:
    """The whole of `report.json`."""

    created: str                                  # ISO 8601, UTC
    qkernels_version: str
    machine: Machine
    model: ModelInfo
    settings: Settings
    engines: dict[str, Engine]
    layers: tuple[Layer, ...]
    totals: Totals
    images: tuple[ImageResult, ...] = ()
    warnings: tuple[str, ...] = ()
    interrupted: str | None = None                # how far the run had come when it was broken off; None: to its end
    schema: str = field(default=SCHEMA)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain dicts, lists, strings and numbers, as `json.dumps` takes them."""
        return plain(dataclasses.asdict(self))

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Report:
        """The report that `to_dict` wrote.

        Fields this version does not know are left out, so that a later writer of the same
        schema can add some. ValueError names the schema found, or the field that is missing
        or of the wrong type.
        """
        found = data.get("schema") if isinstance(data, dict) else None
        if found != SCHEMA:
            raise ValueError(f"schema: expected {SCHEMA!r}, got {found!r}")
        return read(cls, data, "report")
