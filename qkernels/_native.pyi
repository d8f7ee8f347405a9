"""Types of the compiled module: NumPy buffers to C and back, nothing else.

Shapes are NHWC. `dtype` names are NumPy's: "uint8", "int8", "uint16", "int16", "int32", "float32".
Everything here expects checked, C-contiguous arrays of the named dtype; the public
functions of the package check and convert.
"""

from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
U64 = NDArray[np.uint64]
Bytes = NDArray[np.uint8] | NDArray[np.int8]
Integers = Bytes | NDArray[np.uint16] | NDArray[np.int16]
Pair = tuple[int, int]

class LayerInfo(TypedDict):
    name: str
    kind: str                       # quantize, dequantize, conv2d, depthwise, pointwise, linear, average_pool, max_pool, add,
                                    # multiply, table, transpose, softmax
    implementation: str             # the kernel's name, e.g. "gemm_u8s8_6x16_avx2"
    inputs: tuple[int, ...]         # tensor numbers
    output: int
    input_shape: tuple[int, ...]
    output_shape: tuple[int, ...]
    input_dtype: str
    output_dtype: str
    macs: int
    bytes: int                      # activations in and out, weights and parameters
    parameters: int                 # elements of weights and bias

class Plan:
    """A network as a sequence of native operators over one arena (fixed shapes, NHWC).

    Each builder method appends one operator and returns the number of the tensor it writes.
    The kernels are those of the instruction set in use when the plan is made.
    """
    def __init__(self) -> None: ...
    def input(self, shape: tuple[int, ...], dtype: str) -> int: ...
    def quantize(self, src: int, scale: F32, zero_point: I32, dtype: str, *, name: str) -> int:
        """float32 -> uint8/int8; `scale` and `zero_point` of length 1 or channels (last axis)."""
    def dequantize(self, src: int, scale: F32, zero_point: I32, *, name: str) -> int:
        """uint8/int8 -> float32, parameters as for quantize."""
    def conv2d(self, src: int, weights: Bytes, *, stride: Pair, padding: tuple[int, int, int, int], dilation: Pair,
               groups: int, input_zero_point: I32, bias: I32, multiplier: F32, zero_point: int, lo: int, hi: int,
               dtype: str, name: str, activation: str = "", activation_scale: float = 0.0) -> int:
        """`weights` int8, or int16 within -255..255, (kernel_h, kernel_w, channels_in / groups, channels_out), of any strides;
        `padding` (top, left, bottom, right), filled with the input's zero point; `input_zero_point` of length 1 or channels_in;
        `bias` int32 in units of the accumulator and `multiplier` float32, both of length channels_out.
        `dtype` of the output: "uint8"/"int8" requantized, "float32" = float32(acc + bias) * multiplier, "int32" = acc + bias
        (multiplier, zero_point, lo and hi unused, as far as they do not apply). `activation`, of requantized outputs:
        "hard_swish" or "hard_sigmoid", its scale 1 / (6 * the output's)."""
    def linear(self, src: int, weights: Bytes, *, input_zero_point: int, bias: I32, multiplier: F32, zero_point: int,
               lo: int, hi: int, dtype: str, name: str, kind: str = "linear", activation: str = "",
               activation_scale: float = 0.0) -> int:
        """(..., K) x (K, N), weights of any strides, the epilogue as in conv2d; `kind` as the layer's list shows it."""
    def average_pool(self, src: int, *, kernel: Pair, stride: Pair, padding: tuple[int, int, int, int], exclude_pad: bool,
                     input_zero_point: int, multiplier: float, zero_point: int, lo: int, hi: int, dtype: str, name: str) -> int:
        """Sum over the window's n pixels inside the image of q - input_zero_point in int32, requantized;
        multiplier = s_in / (s_out * kh * kw), times float32(kh * kw) / float32(n) with `exclude_pad`."""
    def max_pool(self, src: int, *, kernel: Pair, stride: Pair, padding: tuple[int, int, int, int], name: str) -> int:
        """uint8: the largest value of each window, padding (top, left, bottom, right) left out; no window is padding alone."""
    def arithmetic(self, a: int, b: int, *, operation: str, zero_points: tuple[int, int], scales: tuple[float, float],
                   zero_point: int, lo: int, hi: int, dtype: str, name: str) -> int:
        """"add" or "multiply" of two uint8 tensors of one shape, or `b` of one pixel an image; scales in steps of the output
        (multiply: the first is the product's)."""
    def table(self, src: int, entries: NDArray[np.uint8], *, name: str) -> int:
        """Each byte replaced by one of 256 entries."""
    def transpose(self, src: int, rows: int, columns: int, shape: tuple[int, ...], *, name: str) -> int:
        """Each (rows, columns) matrix of the tensor transposed; `shape` is the result's."""
    def softmax(self, src: int, *, name: str) -> int:
        """float32 over the last axis."""
    def reshape(self, src: int, shape: tuple[int, ...]) -> int:
        """The same tensor under another shape of as many elements; no operator."""
    def finish(self, outputs: tuple[int, ...]) -> None:
        """Places every tensor in the arena and makes the plan runnable; nothing can be added afterwards."""
    def shape(self, tensor: int) -> tuple[int, ...]: ...
    def storage(self, tensor: int) -> int:
        """Tensors of one storage number are the same bytes: a reshaped one and what it was made of."""
    layers: tuple[LayerInfo, ...]
    isa: str
    arena_bytes: int
    def run(self, inputs: tuple[NDArray[Any], ...], outputs: tuple[NDArray[Any], ...]) -> None: ...
    def run_layer(self, index: int, inputs: tuple[NDArray[Any], ...], output: NDArray[Any]) -> None:
        """One operator alone, on the caller's arrays."""
    def time_layer(self, index: int, inputs: tuple[NDArray[Any], ...], output: NDArray[Any], repeats: int) -> U64:
        """Nanoseconds of each of `repeats` runs of one operator alone, measured inside the native call."""
    def profile(self, inputs: tuple[NDArray[Any], ...], outputs: tuple[NDArray[Any], ...], repeats: int) -> U64:
        """Nanoseconds (repeats, layers + 1), each operator inside the running network; the last column is the whole run."""

class Weights:
    """A (K, N) matrix of int8 or uint8, of any strides, packed for the instruction set in use."""
    implementation: str
    def __init__(self, b: Bytes, zero_point: I32) -> None:
        """`zero_point` of length N."""
    def run(self, a: Bytes, m: int, c: NDArray[Any], a_zero_point: int, bias: I32 | None, multiplier: F32 | None,
            zero_point: int, lo: int, hi: int) -> None:
        """c (M, N) of a (M, K); the dtype of c says which epilogue."""

Shape3 = tuple[int, int, int]           # (outer, channels, inner); one scale and zero point a channel

def quantize(x: F32, q: Integers, shape: Shape3, scale: F32, zero_point: I32, dtype: str) -> None: ...
def dequantize(q: Integers | I32, x: F32, shape: Shape3, scale: F32, zero_point: I32, dtype: str) -> None:
    """The zero point of int32 is not looked at."""
def requantize(acc: I32, q: Bytes, shape: Shape3, multiplier: F32, zero_point: int, lo: int, hi: int, dtype: str) -> None: ...
def minmax(x: F32) -> tuple[float, float]: ...

def count_saturations(a: NDArray[np.uint8], b: NDArray[np.int8]) -> int:
    """Of (M, K) x (K, N), b of any strides: sums of two neighbouring products that leave int16."""

# The public functions' arguments, unchecked: the result, or None for whatever is not the common case.
def quantize_common(x: Any, scale: Any, zero_point: Any, dtype: Any, out: Any) -> Bytes | None: ...
def dequantize_common(q: Any, scale: Any, zero_point: Any, out: Any) -> F32 | None: ...
def requantize_common(acc: Any, multiplier: Any, zero_point: Any, dtype: Any, lo: Any, hi: Any, out: Any) -> Bytes | None: ...
def linear_common(weights: Weights, a: Any, a_zero_point: Any, bias: Any, multiplier: Any, zero_point: Any, dtype: Any, lo: Any,
                  hi: Any, out: Any) -> NDArray[Any] | None:
    """`multiplier` None: the int32 sums, as matmul."""

def isas() -> list[tuple[str, bool]]:
    """(name, supported by this CPU) of each instruction set built in, weakest first."""
def threads_available() -> int: ...
def cpus_allowed() -> int:
    """CPUs that the calling thread may run on."""
def cpu_quota(root: str = "") -> float:
    """CPUs' worth of time that control groups allow, infinity for no limit; `root` stands before every path that is read."""
def use_isa(name: str) -> None: ...
def current_isa() -> str: ...
def set_num_threads(n: int) -> None: ...
def get_num_threads() -> int: ...
def measure_peak(milliseconds: int) -> float:
    """MACs a second that the dot-product instruction of the current instruction set reaches from registers, one thread."""
def measure_read_bandwidth(buffer: NDArray[np.uint8], milliseconds: int) -> float:
    """Bytes a second read from `buffer`, one thread."""
