"""What is asked of qkernels, and what a run measured: one line each, read from the results' JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .families import MODELS, NETWORK
from .network import END_TO_END, LOADING, ONE_THREAD
from .record import OURS, Results, Row, read_results

AVX2 = {"QKERNELS_ISA": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2"}
"""The environment in which both our kernels and OpenVINO's stop at AVX2."""


@dataclass(frozen=True)
class Target:
    """`side`'s time over ours in every row whose name matches, at least `asked`; without a side, our microseconds, at most
    that. Of several rows the worst stands for all."""

    what: str
    family: str
    rows: str                                     # a regular expression for the whole of a row's name
    asked: float
    side: str | None
    threads: int = 1
    cache: str = "warm"
    capped: bool = False                          # measured in the environment AVX2
    mean: bool = False                            # the rows' geometric mean stands for them, not the worst


@dataclass(frozen=True)
class Outcome:
    """A target with what was measured: `value` in `low` to `high`, of the worst row; None where nothing was."""

    target: Target
    row: str | None
    value: float | None = None
    low: float | None = None
    high: float | None = None
    why: str = ""                                 # nothing was

    @property
    def met(self) -> str:
        """'met', 'missed', 'open' where the interval holds the asked value, 'not measured'."""
        if self.value is None or self.low is None or self.high is None:
            return "not measured"
        if self.low <= self.target.asked <= self.high:
            return "open"
        return "met" if (self.value > self.target.asked) == (self.target.side is not None) else "missed"


def _gemm(what: str, rows: str, asked: float, side: str, threads: int = 1) -> Target:
    return Target(what, "gemm", rows, asked, side, threads)


# of MobileNet's pointwise layers: K, the layers, their products' sizes as a regular expression, the least part of the peak
_POINTWISE = ((1024, r"pw13", "49 x 1024 x 1024", 0.97), (512, r"pw([7-9]|1[0-2])", "(196 x 512 x 512|49 x 512 x 1024)", 0.97),
              (256, r"pw[56]", "(784 x 256 x 256|196 x 256 x 512)", 0.96),
              (128, r"pw[34]", "(3136 x 128 x 128|784 x 128 x 256)", 0.94), (64, r"pw2", "3136 x 64 x 128", 0.88),
              (32, r"pw1", "12544 x 32 x 64", 0.78))
TARGETS = (
    *(Target("MobileNet V1 INT8 over OpenVINO INT8", NETWORK, END_TO_END, 1.5, "openvino", threads=n) for n in (1, 2)),
    *(Target("MobileNet V1 INT8 over ONNX Runtime QDQ", NETWORK, END_TO_END, 1.8, "onnxruntime", threads=n) for n in (1, 2)),
    Target("MobileNet V1 with AVX2 only over OpenVINO INT8", NETWORK, END_TO_END, 1.4, "openvino", capped=True),
    Target("MobileNet V1, 2 threads over 1", NETWORK, END_TO_END, 1.9, ONE_THREAD, threads=2),
    *(Target(f"quantized TFLite files over {name}", MODELS, r".*\.tflite", asked, side)
      for side, name, asked in (("openvino", "OpenVINO", 4.0), ("litert", "LiteRT", 3.3))),
    *(Target(f"{name} INT8 over OpenVINO INT8", MODELS, name, 1.0, "openvino")
      for name in ("mobilenet-v2", "mobilenet-v3-large", "mobilenet-v3-small", "resnet-50")),
    Target("load_model over compile_model", NETWORK, LOADING, 5.0, "openvino"),
    Target("first convolution over OpenVINO", "conv", "conv0", 2.2, "openvino"),
    Target("each pointwise layer over OpenVINO", "conv", r"pw\d+", 1.05, "openvino"),
    Target("pointwise layers over OpenVINO, geometric mean", "conv", r"pw\d+", 1.2, "openvino", mean=True),
    Target("each depthwise layer over OpenVINO", "depthwise", r"dw\d+", 2.5, "openvino"),
    Target("depthwise layers over OpenVINO, geometric mean", "depthwise", r"dw\d+", 3.3, "openvino", mean=True),
    Target("logits over OpenVINO", "conv", "logits", 4.0, "openvino"),
    *(Target(f"pointwise layers, K = {k}, of the measured peak", "conv", layers, part, "peak")
      for k, layers, _, part in _POINTWISE),
    *(_gemm(f"products of those sizes to int32, K = {k}, of the measured peak", f"u8 x s8, {sizes}", part, "peak")
      for k, _, sizes, part in _POINTWISE),
    *(_gemm(f"matmul {n} x {n} x {n} over oneDNN", f"u8 x s8, {n} x {n} x {n}", asked, "onednn")
      for n, asked in ((512, 1.08), (1024, 1.08), (2048, 1.08), (64, 2.0), (16, 2.0))),
    *(_gemm(f"matmul 1 x {n} x {n} over oneDNN", f"u8 x s8, 1 x {n} x {n}", 3.0, "onednn") for n in (1024, 4096)),
    *(_gemm(f"matmul {n} x {n} x {n} over NumKong", f"s8 x s8, {n} x {n} x {n}", 2.0, "numkong") for n in (512, 1024, 2048)),
    *(_gemm(f"matmul 1 x {n} x {n} over NumKong", f"s8 x s8, 1 x {n} x {n}", 1.0, "numkong") for n in (1024, 4096)),
    *(_gemm(f"matmul {n} x {n} x {n}, 2 threads over 1", f"u8 x s8, {n} x {n} x {n}", 1.9, ONE_THREAD, 2)
      for n in (512, 1024, 2048)),
    *(Target(f"{family} of {size} over {name}", family, f"{n} elements", asked, side)
      for family in ("quantize", "dequantize")
      for n, size, asked_of_ort, asked_of_copy in ((150528, "an image", 1.3, None), (1 << 24, "16 Mi elements", 1.0, 0.9))
      for side, name, asked in (("onnxruntime", "ONNX Runtime", asked_of_ort),
                                ("copy", "a copy of the same bytes", asked_of_copy))
      if asked is not None),
    Target("a call of quantize on 64 elements", NETWORK, "a call of quantize.*", 1.5, None),
    Target("a call of matmul on 64 elements", NETWORK, "a call of matmul.*", 1.5, None),
)


def file_name(family: str, threads: int, *, capped: bool = False) -> str:
    """Of the JSON in the directory of results."""
    return f"{family}_{threads}_thread{'s' if threads > 1 else ''}{'_avx2' if capped else ''}.json"


def read_directory(directory: Path) -> dict[str, Results]:
    """Every results' JSON in `directory`, by file name, but those of interrupted runs. ValueError where there is none, or one
    cannot be read."""
    read = {path.name: read_results(path) for path in sorted(directory.glob("*.json"))}
    found = {name: results for name, results in read.items() if not results.interrupted}
    if not found:
        raise ValueError(f"{directory}: no results of benchmarks")
    return found


def outcomes(results: Mapping[str, Results]) -> Iterator[Outcome]:
    """Each target, in order, with what `results` (by file name) have of it."""
    for target in TARGETS:
        name = file_name(target.family, target.threads, capped=target.capped)
        if name not in results:
            yield Outcome(target, None, why=f"{name} is not there")
            continue
        rows = [row for row in results[name].rows if row.cache == target.cache and re.fullmatch(target.rows, row.name)]
        found = [_outcome(target, row, results[name]) for row in rows]
        if not found:
            yield Outcome(target, None, why="no such row")
        elif target.mean and all(outcome.value is not None for outcome in found):
            yield _mean(target, found)
        else:
            yield min(found, key=_goodness)


def _outcome(target: Target, row: Row, results: Results) -> Outcome:
    ours = row.sides[OURS].us
    if target.side is None:
        return Outcome(target, row.name, why="no time of its own") if ours is None else Outcome(
            target, row.name, ours.median, ours.low, ours.high)
    side = row.sides.get(target.side)
    if side is None:
        why = row.missing.get(target.side) or results.absent.get(target.side, "not measured")
        return Outcome(target, row.name, why=why)
    if side.speedup is None:
        return Outcome(target, row.name, why="a time does not stand out from the call's cost")
    return Outcome(target, row.name, side.speedup.value, side.speedup.low, side.speedup.high)


def _mean(target: Target, found: Sequence[Outcome]) -> Outcome:
    """The geometric mean; its interval as of independent errors of the logarithms."""
    value, low, high = (np.log([getattr(o, field) for o in found]) for field in ("value", "low", "high"))
    centre = value.mean()
    below, above = (float(np.sqrt(np.square(end - value).sum()) / len(found)) for end in (low, high))
    return Outcome(target, f"{len(found)} rows", *(float(np.exp(x)) for x in (centre, centre - below, centre + above)))


def _goodness(outcome: Outcome) -> float:
    """Lowest for the worst; a row without a figure before all others."""
    if outcome.value is None:
        return float("-inf")
    return outcome.value if outcome.target.side else -outcome.value
