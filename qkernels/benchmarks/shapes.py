"""What is measured: MobileNet V1's own sizes, and sweeps that show how cost grows.

OpenVINO is imported by the cases that need it: oneDNN would take its thread pool (see `engines/onednn.py`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from qkernels.engines.work import Dequantize, Gemm, Layer, Quantize, Work
from qkernels.measure.statistics import SEED

MOBILENET = "MobileNet"
IMAGE = 224 * 224 * 3
ELEMENTS = (1 << 10, 1 << 12, 1 << 14, 1 << 16, 1 << 18, 1 << 20, 1 << 22, 1 << 24)
# (M, K, N) of the pointwise layers and the logits
PRODUCTS = ((12544, 32, 64), (3136, 64, 128), (3136, 128, 128), (784, 128, 256), (784, 256, 256), (196, 256, 512),
            (196, 512, 512), (49, 512, 1024), (49, 1024, 1024), (1, 1024, 1001))
SQUARES = (16, 32, 64, 128, 256, 512, 1024, 2048)
SHARED_BY_THREADS = 512  # squares from here on are worth more than one thread


@dataclass(frozen=True)
class Case:
    """A piece of work under a name; made when its turn comes, because some are large."""

    name: str
    group: str
    parameters: dict[str, int]
    make: Callable[[], Work]
    macs: int = 0

    @property
    def cold(self) -> bool:
        """Whether it is measured with cold caches too: what a network really meets."""
        return self.group == MOBILENET


def quantize(threads: int) -> Iterator[Case]:
    """float32 -> uint8, of MobileNet's input and over the number of elements."""
    return _conversions(_quantize)


def dequantize(threads: int) -> Iterator[Case]:
    """uint8 -> float32, over the same sizes."""
    return _conversions(_dequantize)


def _conversions(make: Callable[[int], Work]) -> Iterator[Case]:
    for group, sizes in ((MOBILENET, (IMAGE,)), ("elements", ELEMENTS)):
        for n in sizes:
            yield Case(f"{n} elements", group, {"elements": n}, functools.partial(make, n))


def _quantize(n: int) -> Quantize:
    return Quantize(np.random.default_rng(SEED).uniform(-1.2, 1.2, n).astype(np.float32), 1 / 128, 128)


def _dequantize(n: int) -> Dequantize:
    return Dequantize(np.random.default_rng(SEED).integers(0, 256, n, np.uint8), 1 / 128, 128)


def gemm(threads: int) -> Iterator[Case]:
    """Products with B packed, where an engine packs; on several threads only those that are worth it."""
    large = [n for n in SQUARES if n >= SHARED_BY_THREADS] if threads > 1 else SQUARES
    for sizes in PRODUCTS:
        yield _product(MOBILENET, np.uint8, *sizes)
    for kind in (np.uint8, np.int8):
        for n in large:
            yield _product("square", kind, n, n, n)
        for n in (1024, 4096):
            yield _product("one row", kind, 1, n, n)
    if threads > 1:
        return
    for m in (1, 2, 4, 8, 16, 32, 64, 128, 256):
        yield _product("over M", np.uint8, m, 512, 512)
    for k in (32, 64, 128, 256, 512, 1024, 2048):
        yield _product("over K", np.uint8, 196, k, 512)
    for n in (16, 32, 64, 128, 256, 512, 1024):
        yield _product("over N", np.uint8, 196, 512, n)


def _product(group: str, kind: type[np.integer], m: int, k: int, n: int) -> Case:
    def make() -> Gemm:
        random, limits = np.random.default_rng(SEED), np.iinfo(kind)
        # weights of -127..127, as symmetric quantization makes them
        return Gemm(random.integers(limits.min, limits.max + 1, (m, k), kind), random.integers(-127, 128, (k, n), np.int8))
    types = "u8 x s8" if kind is np.uint8 else "s8 x s8"
    return Case(f"{types}, {m} x {k} x {n}", group, {"m": m, "k": k, "n": n}, make, m * k * n)


def conv(threads: int) -> Iterator[Case]:
    """The first convolution, the pointwise layers and the logits; pointwise over channels and pixels, and 3x3."""
    yield from mobilenet_layers(("conv2d", "pointwise", "linear"))
    if threads > 1:
        return
    for channels in (32, 64, 128, 256, 512, 1024):
        yield _convolution("pointwise over channels", 14, channels, channels)
    for side in (7, 14, 28, 56, 112):
        yield _convolution("pointwise over pixels", side, 128, 128)
    for channels, side in ((64, 56), (128, 28), (256, 14), (512, 7)):
        yield _convolution("3x3", side, channels, channels, 3)


def depthwise(threads: int) -> Iterator[Case]:
    """MobileNet's depthwise layers; 3x3 over channels and pixels."""
    yield from mobilenet_layers(("depthwise",))
    if threads > 1:
        return
    for stride in (1, 2):
        for channels in (32, 64, 128, 256, 512, 1024):
            yield _convolution(f"stride {stride} over channels", 28, channels, channels, 3, stride, depthwise=True)
        for side in (7, 14, 28, 56, 112):
            yield _convolution(f"stride {stride} over pixels", side, 128, 128, 3, stride, depthwise=True)


def pool(threads: int) -> Iterator[Case]:
    """MobileNet's average pooling and softmax."""
    return mobilenet_layers(("average_pool", "softmax"))


def _convolution(group: str, side: int, channels_in: int, channels_out: int, kernel: int = 1, stride: int = 1, *,
                 depthwise: bool = False) -> Case:
    from .synthetic import convolution

    out = -(-side // stride)
    macs = out * out * channels_out * kernel * kernel * (1 if depthwise else channels_in)
    sizes = {"side": side, "channels_in": channels_in, "channels_out": channels_out, "kernel": kernel, "stride": stride}
    name = f"{side} x {side} x {channels_in}" + ("" if depthwise else f" to {channels_out}")
    return Case(name, group, sizes, functools.partial(convolution, side, channels_in, channels_out, kernel, stride,
                                                      depthwise=depthwise), macs)


def mobilenet_layers(kinds: Sequence[str]) -> Iterator[Case]:
    """The embedded model's layers of these kinds, each on the bytes that it meets when the network sees a picture."""
    from qkernels.engines.native import NativeEngine
    from qkernels.graph.import_openvino import read_model
    from qkernels.measure.images import load_pictures
    from qkernels.models import embedded_model_path, sample_images

    ov_model = read_model(embedded_model_path())
    native = NativeEngine(ov_model, 1)
    pairs = native.activations(load_pictures(sample_images())[0].x)
    graph = native.model.graph
    for layer, (sources, _) in zip(native.model.layers, pairs):
        if layer.kind in kinds:
            work = Layer(ov_model, graph, graph[layer.name], sources)
            source, = sources
            sizes = {"height": source.shape[1], "width": source.shape[2]} if source.ndim == 4 else {}
            sizes |= {"channels_in": source.shape[-1], "channels_out": layer.output_shape[-1]}
            yield Case(layer.name, MOBILENET, sizes, functools.partial(_same, work), layer.macs)


def _same(work: Layer) -> Layer:
    return work


CASES: dict[str, Callable[[int], Iterator[Case]]] = {
    "quantize": quantize, "dequantize": dequantize, "gemm": gemm, "conv": conv, "depthwise": depthwise, "pool": pool}
"""By the name of the family; each takes the number of threads."""
