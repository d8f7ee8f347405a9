"""Element types of ONNX: which of them the backend computes with, and the error for the others."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import helper
from onnx.backend.test.runner import BackendIsNotSupposedToImplementIt

# types of fewer bits come one element a byte; the kernels see the byte
NARROW = {"int4": (-8, 7), "uint4": (0, 15), "int2": (-2, 1), "uint2": (0, 3)}
QUANTIZED = ("uint8", "int8", "uint16", "int16", *NARROW)
FLOATS = ("float32", "float16", "bfloat16")


class UnsupportedError(BackendIsNotSupposedToImplementIt):
    """An operator, an operator's version, an element type or a form of an operator that the backend does not implement.

    It is the exception by which onnx.backend.test knows that a test is not meant for a backend.
    """


def type_name(element_type: int) -> str:
    """NumPy's name of an element type of ONNX."""
    return helper.tensor_dtype_to_np_dtype(element_type).name


def supported(name: str, argument: str, *known: str) -> str:
    """`name` if it is one of `known`. Raises UnsupportedError."""
    if name not in known:
        raise UnsupportedError(f"{argument}: expected {' or '.join(known)}, got {name}")
    return name


def as_bytes(q: NDArray[Any]) -> NDArray[Any]:
    """int4 and int2 as int8, uint4 and uint2 as uint8; other types as they are."""
    if q.dtype.name not in NARROW:
        return q
    return q.astype(np.uint8 if q.dtype.name.startswith("u") else np.int8)
