"""What an operator's output is while a model is being read: the importer's operators turn one of these into another.

A tensor's `channels_first` says that the model's tensor is NCHW; the graph's own tensor is NHWC all the same, so that
a transposition between the two costs nothing.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import ir

F64 = NDArray[np.float64]
Integers = NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class Constant:
    """real = (data - zero_point) * scale, the three broadcast as NumPy does; `data` as stored in the model."""

    data: NDArray[np.generic]
    scale: F64 | None = None
    zero_point: F64 | None = None

    def real(self) -> F64:
        values = self.data.astype(np.float64)
        if self.zero_point is not None:
            values = values - self.zero_point
        return values if self.scale is None else values * self.scale


@dataclass(frozen=True, eq=False)
class Quantization:
    """Of a uint8 tensor: real = scale * (q - zero_point); float32 and int32, both of length 1 or both of channels."""

    scale: ir.F32
    zero_point: ir.I32

    @property
    def per_tensor(self) -> bool:
        return self.scale.size == 1

    def equals(self, other: "Quantization") -> bool:
        return np.array_equal(self.scale, other.scale) and np.array_equal(self.zero_point, other.zero_point)


# bytes that stand for the integers themselves
BYTES = Quantization(np.ones(1, np.float32), np.zeros(1, np.int32))


@dataclass(frozen=True, eq=False)
class Tensor:
    """The output of the finished node `node`; uint8 with `quantization`, float32 without.

    `absorbed` are the model's operators since that node that cost nothing (transpositions); the next node names them.
    """

    node: str
    shape: tuple[int, ...]              # NHWC
    channels_first: bool
    quantization: Quantization | None
    absorbed: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Accumulator:
    """A convolution, product or pooling whose epilogue is still being gathered: real = scale * acc + offset, bounded.

    `node` holds all but the epilogue; `scale` and `offset` are float64 of length channels_out (pooling: 1). `weights`
    are integers that may still exceed int8 (None for pooling).
    """

    node: ir.Epilogue
    channels_first: bool
    scale: F64
    offset: F64
    weights: Integers | None
    fused: tuple[str, ...]
    source: str                         # the last operator gathered
    lower: float = -np.inf
    upper: float = np.inf
    activation: str = ""                # as in ir.Epilogue

    @property
    def shape(self) -> tuple[int, ...]:
        return self.node.shape

    @property
    def bounded(self) -> bool:
        return self.lower > -np.inf or self.upper < np.inf


@dataclass(frozen=True, eq=False)
class Mapped:
    """A function of a quantized tensor that no FakeQuantize has closed yet: `real`, float32, for each of its 256 bytes."""

    tensor: Tensor
    real: ir.F32
    fused: tuple[str, ...]
    source: str

    @property
    def shape(self) -> tuple[int, ...]:
        return self.tensor.shape

    @property
    def channels_first(self) -> bool:
        return self.tensor.channels_first


Value = Constant | Tensor | Accumulator | Mapped


def real_values(q: Quantization) -> ir.F32:
    """What each byte stands for, of a tensor with one range."""
    return (np.arange(256, dtype=np.int32) - q.zero_point).astype(np.float32) * q.scale


def nhwc(shape: tuple[int, ...]) -> tuple[int, ...]:
    """(n, c, h, w) -> (n, h, w, c)."""
    return shape[0], shape[2], shape[3], shape[1]


def order_is_moot(shape: tuple[int, ...]) -> bool:
    """Whether NHWC `shape` holds its elements in the same order as NCHW would."""
    return len(shape) != 4 or shape[3] == 1 or shape[1] * shape[2] == 1
