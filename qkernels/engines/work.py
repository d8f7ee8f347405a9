"""One operation to be measured, whoever runs it: the arrays and parameters that every engine is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qkernels.graph import ir

if TYPE_CHECKING:
    import openvino


@dataclass(frozen=True, eq=False)
class Quantize:
    """`x` (n,) float32 -> uint8, as ONNX QuantizeLinear."""

    x: NDArray[np.float32]
    scale: float
    zero_point: int


@dataclass(frozen=True, eq=False)
class Dequantize:
    """`q` (n,) uint8 -> float32, as ONNX DequantizeLinear."""

    q: NDArray[np.uint8]
    scale: float
    zero_point: int


@dataclass(frozen=True, eq=False)
class Gemm:
    """`a` (M, K) uint8 or int8 times `b` (K, N) int8, which may be packed beforehand -> int32 (M, N)."""

    a: NDArray[Any]
    b: NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Layer:
    """A node of a quantized network on `sources`, the bytes that it reads: uint8 (or float32) in NHWC.

    `graph` is what `import_model(ov_model)` returned, `node` one of its nodes.
    """

    ov_model: openvino.Model
    graph: ir.Graph
    node: ir.Node
    sources: tuple[NDArray[Any], ...]


Work = Quantize | Dequantize | Gemm | Layer
