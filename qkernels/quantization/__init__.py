"""Post-training quantization: from a model in FP32 and sample inputs to one with FakeQuantize and int8 weights."""

from .quantize import quantize_model
from .settings import Settings

__all__ = ["Settings", "quantize_model"]
