"""A small typed graph between model files and the native plan: import, evaluate, lower."""

from .errors import UnsupportedModelError
from .import_openvino import import_model
from .ir import Graph
from .lower import lower

__all__ = ["Graph", "UnsupportedModelError", "import_model", "lower"]
