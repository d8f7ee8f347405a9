"""int8 kernels for NumPy people."""

from importlib.metadata import PackageNotFoundError, version

from .affine import QParams, dequantize, quantize, quantize_dynamic, requantize
from .calibration import calibrate
from .conv import conv2d
from .gemm import PackedWeights, linear, matmul
from .graph import UnsupportedModelError
from .model import Model, load_model
from .quantization import quantize_model
from .runtime import apply_environment, cpu_info, get_num_threads, set_num_threads, use_isa
from .saturation import count_saturating_weights, count_saturations

try:
    __version__ = version("qkernels")
except PackageNotFoundError:  # a source tree that was built in place
    __version__ = "0+unknown"

apply_environment()
del apply_environment, version, PackageNotFoundError

__all__ = [
    "Model", "PackedWeights", "QParams", "UnsupportedModelError", "calibrate", "conv2d", "count_saturating_weights",
    "count_saturations", "cpu_info", "dequantize", "get_num_threads", "linear", "load_model", "matmul", "quantize",
    "quantize_dynamic", "quantize_model", "requantize",
    "set_num_threads", "use_isa",
]
