"""A made-up report: a small network with one-sided rows, missing figures and hostile names."""

from __future__ import annotations

import base64
import struct
import zlib
from dataclasses import replace

import numpy as np
import pytest

from qkernels.report.record import (
    OPENVINO_F32,
    OPENVINO_INT8,
    QKERNELS,
    CacheLevel,
    Engine,
    ImageResult,
    Interval,
    Latency,
    Layer,
    Machine,
    ModelInfo,
    Prediction,
    Report,
    Settings,
    Totals,
)

HOSTILE = "<script>alert('x')</script>"
NAMES = ("input_quantize", "conv_1", "block_1/depthwise", "block_1/pointwise", HOSTILE, "a|b `c` *d* [red]e[/red]",
         "</script><!--", "=cmd|' /C calc'!A0", "reorder_to_nhwc", "features_17_conv_2_with_a_very_long_name_indeed",
         "twice", "twice", "pool\n\x1b[31m", "softmax")

CLIPPED = {"saturated_sums": 7251, "saturated_fraction": 7251 / 12_845_056, "saturating_weights": 24,
           "saturating_weights_fraction": 24 / 1024}


def around(median: float, spread: float = 0.03) -> Interval:
    return Interval(median, median * (1 - spread), median * (1 + spread))


def layer(index: int, name: str) -> Layer:
    rng = np.random.default_rng(index)
    ours = float(rng.uniform(3, 60))
    theirs = ours * float(rng.uniform(0.8, 1.9))
    low, high = theirs / ours * 0.95, theirs / ours * 1.05
    kind = ("conv2d", "depthwise", "pointwise")[index % 3]
    return Layer(
        name=name, kind=kind, input_shape=(1, 56, 56, 64), output_shape=(1, 56, 56, 128), dtype_in="uint8",
        dtype_out="uint8", macs=25_690_112, bytes=610_000 + index, parameters=8_320, fused=("relu6", "requantize"),
        implementation="gemm_14x32_avx512vnni", qkernels_us=around(ours), openvino_us=around(theirs),
        qkernels_in_network_us=ours * 1.1, openvino_counter_us=theirs * 1.05, openvino_impl="brgconv_avx512_core_vnni",
        openvino_precision="u8", speedup=theirs / ours, speedup_low=low, speedup_high=high,
        difference_shown=not low <= 1 <= high, max_lsb=index % 2, exact_fraction=0.99999 if index % 2 else 1.0,
        sqnr_db=31.4, gmacs=812.5, openvino_gmacs=640.0, roofline_us=ours * 0.6, roofline_fraction=0.6,
        openvino_roofline_fraction=0.6 * ours / theirs, bound=("compute", "L2", "L3", "DRAM")[index % 4],
        **({} if kind == "depthwise" else CLIPPED))


def layers() -> tuple[Layer, ...]:
    found = [layer(index, name) for index, name in enumerate(NAMES)]
    # Rows that only one engine has, and a layer that nothing is known of.
    found[0] = replace(found[0], kind="quantize", macs=0, openvino_us=None, openvino_counter_us=None,
                       openvino_impl=None, openvino_precision=None, speedup=None, speedup_low=None,
                       speedup_high=None, difference_shown=None, max_lsb=None, exact_fraction=None, gmacs=None,
                       openvino_gmacs=None, openvino_roofline_fraction=None)
    found[8] = Layer("reorder_to_nhwc", "reorder", (1, 3, 224, 224), (1, 224, 224, 3), "float32", "float32", 0,
                     1_204_224, 0, openvino_counter_us=7.5, openvino_impl="ref_any", openvino_precision="f32")
    found[13] = Layer("softmax", "softmax", (1, 1000), (1, 1000), "uint8", "float32", 0, 5_000, 0)
    return tuple(found)


def png() -> str:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + bytes((4 * x, 4 * y, 128)[c] for x in range(64) for c in range(3)) for y in range(64))
    data = (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 64, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
    return base64.b64encode(data).decode()


def engine(version: str, precision: str, median: float, seed: int, peak: float | None) -> Engine:
    samples = median * (1 + np.random.default_rng(seed).gamma(1.5, 0.02, 300) - 0.02)
    latency = Latency(median, median * 0.99, median * 1.01, tuple(samples.tolist()))
    return Engine(version, precision, 120.5, 9.25, latency, 1e3 / median, peak, "one stream")


def image(name: str, thumbnail: str | None, agree: bool = True) -> ImageResult:
    five = tuple(Prediction(label, p, i) for i, (label, p) in enumerate(
        [("tabby cat", 0.71), ("tiger cat", 0.2), (HOSTILE, 0.05), ("lynx, catamount", 0.02), ("remote", 0.001)]))
    top5 = {QKERNELS: five, OPENVINO_INT8: five, OPENVINO_F32: five[:3]}
    return ImageResult(name, top5, agree, 0.004, True, thumbnail)


@pytest.fixture
def report() -> Report:
    return Report(
        created="2025-01-02T03:04:05Z", qkernels_version="0.1.0",
        machine=Machine("Example CPU 9000 @ 2.7 GHz", "avx512vnni", "x86_64", "Linux 6.1", "3.11.9", 16, 8,
                        (CacheLevel(1, 32 << 10), CacheLevel(2, 2 << 20), CacheLevel(3, 48 << 20, 16)), 1650.0, 420.0,
                        {"L1": 800.0, "L2": 390.0, "L3": 160.0, "DRAM": 42.0},
                        {"conv2d": "gemm_14x32_avx512vnni", "depthwise": "depthwise_avx512vnni"},
                        ("avx2", "avx512f", "avx512_vnni"), around(6.4), 0.31),
        model=ModelInfo("mobilenet_v2_int8", "embedded", "ab" * 32, (1, 224, 224, 3), "uint8", (1, 1000), 300_774_272,
                        3_504_872, "weights made up"),
        settings=Settings(4, "auto", 300, 200, 0.95, 5.0, 2, 1),
        engines={QKERNELS: engine("0.1.0", "u8/i8", 0.92, 1, 84.2),
                 OPENVINO_INT8: engine("2026.4.1", "u8/i8", 1.14, 2, 143.0),
                 OPENVINO_F32: engine("2026.4.1", "f32", 3.4, 3, None)},
        layers=layers(),
        totals=Totals(around(920.0, 0.01), around(1140.0, 0.01), 870.0, 1010.0, 50.0, 130.0, 801.0, 990.0, 1.24, 1.21,
                      1.27, True, 3.7, 1.0, 0.004, 1, 480.0, "qkernels is faster than OpenVINO INT8."),
        images=(image("cat.png", png()), image(HOSTILE, '"><script>alert(2)</script>', agree=False)),
        warnings=("Load average 0.31 <b>was</b> not zero.",))
