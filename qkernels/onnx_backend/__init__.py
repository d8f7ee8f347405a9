"""ONNX models of quantized operators on qkernels, by the interface of onnx.backend.base.

`prepare(model).run(inputs)`, `run_model`, `run_node`, `supports_device`; `operators.OPERATORS` is the table of what it runs.
"""

try:
    import onnx  # noqa: F401
except ImportError as error:
    raise ImportError("qkernels.onnx_backend needs onnx: pip install qkernels[onnx]") from error

from .backend import PreparedModel, QkernelsBackend
from .types import UnsupportedError

prepare = QkernelsBackend.prepare
run_model = QkernelsBackend.run_model
run_node = QkernelsBackend.run_node
is_compatible = QkernelsBackend.is_compatible
supports_device = QkernelsBackend.supports_device

__all__ = ["PreparedModel", "QkernelsBackend", "UnsupportedError", "is_compatible", "prepare", "run_model", "run_node",
           "supports_device"]
