"""The graph between a model file and the native plan: one frozen record per method of the plan's builder.

Shapes are NHWC whatever the model's own order; every tensor is the output of exactly one node and is referred to by
that node's name. Quantized tensors are uint8: real = scale * (q - zero_point).
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
Weights = NDArray[np.int8] | NDArray[np.int16]
Pair = tuple[int, int]


@dataclass(frozen=True, kw_only=True, eq=False)
class Node:
    """What all nodes have.

    name            the friendly name of the model's operator that does the work; unique in the graph
    inputs          names of the nodes read
    shape, dtype    of the output; dtype is NumPy's name
    fused           friendly names of the model's other operators done by this node, in the model's order, without
                    those that only prepare constants
    source_output   the model's operator whose output tensor is this node's output, e.g. a FakeQuantize
    channels_first  that tensor is NCHW in the model: the same elements as here, axes (0, 3, 1, 2)
    scale, output_zero_point   of a quantized output: arrays of length 1 or channels; None for float32
    """

    name: str
    inputs: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str
    fused: tuple[str, ...] = ()
    source_output: str = ""
    channels_first: bool = False
    scale: F32 | None = None
    output_zero_point: I32 | None = None

    def affine(self) -> tuple[F32, I32]:
        """(scale, zero point) of a quantized output; ValueError for one of float32."""
        if self.scale is None or self.output_zero_point is None:
            raise ValueError(f"node {self.name!r}: its output is {self.dtype}, not quantized")
        return self.scale, self.output_zero_point


@dataclass(frozen=True, kw_only=True, eq=False)
class Input(Node):
    """An input of the graph, in the model's own shape and order."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Quantize(Node):
    """float32 -> uint8 by `scale` and `output_zero_point`."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Dequantize(Node):
    """uint8 -> float32; `input_scale` and `input_zero_point` of length 1 or channels."""

    input_scale: F32
    input_zero_point: I32


@dataclass(frozen=True, kw_only=True, eq=False)
class Epilogue(Node):
    """From an int32 accumulator to the output.

    uint8:   clamp(round_half_even(activation(float32(acc + bias) * multiplier)) + zero_point, lo, hi)
    float32: float32(acc + bias) * multiplier

    activation   "" for none; "hard_swish": v * min(max(v + 3, 0), 6) * activation_scale; "hard_sigmoid": the same without
                 the first factor; activation_scale = 1 / (6 * the output's scale)
    """

    multiplier: F32
    zero_point: int = 0
    lo: int = 0
    hi: int = 255
    activation: str = ""

    @property
    def activation_scale(self) -> float:
        """A float32."""
        return float(np.float32(1 / (6 * self.affine()[0].astype(np.float64)[0]))) if self.activation else 0.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Product(Epilogue):
    """A sum of products with `weights`, channels_out last; `bias` and `multiplier` of length channels_out.

    Weights are int8, or int16 within -255..255: uint8 ones less their zero point.
    """

    weights: Weights
    bias: I32


@dataclass(frozen=True, kw_only=True, eq=False)
class Conv2d(Product):
    """`weights` (kernel_h, kernel_w, channels_in / groups, channels_out); `padding` (top, left, bottom, right) with
    the input's zero point; `input_zero_point` of length 1 or channels_in.
    """

    stride: Pair
    padding: tuple[int, int, int, int]
    dilation: Pair
    groups: int
    input_zero_point: I32


@dataclass(frozen=True, kw_only=True, eq=False)
class Linear(Product):
    """(..., K) x `weights` (K, N)."""

    input_zero_point: int


@dataclass(frozen=True, kw_only=True, eq=False)
class AveragePool(Epilogue):
    """The sum over the window's pixels inside the image of q - input_zero_point, no bias; `multiplier` has length 1.

    With `exclude_pad` it is for a window without padding, and larger by float32(pixels of the kernel) / float32(pixels inside)
    for others. `padding` (top, left, bottom, right).
    """

    kernel: Pair
    stride: Pair
    padding: tuple[int, int, int, int]
    exclude_pad: bool
    input_zero_point: int


@dataclass(frozen=True, kw_only=True, eq=False)
class MaxPool(Node):
    """The largest value of each window, in the input's quantization; `padding` (top, left, bottom, right) is left out."""

    kernel: Pair
    stride: Pair
    padding: tuple[int, int, int, int]


@dataclass(frozen=True, kw_only=True, eq=False)
class Arithmetic(Epilogue):
    """The sum ("add") or product ("multiply") of two quantized tensors of one shape, or the second of one pixel an image.

    add:       (a - zero_points[0]) * multiplier[0] + (b - zero_points[1]) * multiplier[1]
    multiply:  (a - zero_points[0]) * (b - zero_points[1]) * multiplier[0]
    """

    operation: str
    zero_points: Pair


@dataclass(frozen=True, kw_only=True, eq=False)
class Table(Node):
    """Each byte replaced by table[byte]: what a function of one variable makes of a quantized tensor."""

    table: NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, eq=False)
class Softmax(Node):
    """float32 over the last axis."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Transpose(Node):
    """NCHW to NHWC where `channels_first` (of the output) says so, else NHWC to NCHW; `shape` is the result's."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Reshape(Node):
    """The same elements under another shape; nothing is computed."""


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes in an order in which each comes after what it reads; `inputs` and `outputs` are names of nodes."""

    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    _by_name: dict[str, Node] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        by_name: dict[str, Node] = {}
        for node in self.nodes:
            missing = [name for name in node.inputs if name not in by_name]
            if missing or node.name in by_name:
                raise ValueError(f"graph: node {node.name!r} repeats a name or reads {missing} before it is made")
            by_name[node.name] = node
        object.__setattr__(self, "_by_name", by_name)

    def __getitem__(self, name: str) -> Node:
        """The node of that name; KeyError where there is none."""
        return self._by_name[name]

    @property
    def input_shapes(self) -> tuple[tuple[int, ...], ...]:
        return tuple(self[name].shape for name in self.inputs)

    @property
    def output_shapes(self) -> tuple[tuple[int, ...], ...]:
        return tuple(self[name].shape for name in self.outputs)
