"""From an OpenVINO model quantized with FakeQuantize to the graph."""

import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import ir
from .builder import Builder
from .operators import OPERATORS

if TYPE_CHECKING:
    import openvino


def openvino_module() -> Any:
    """The `openvino` package, imported only now; ImportError with the way to install it."""
    try:
        import openvino
    except ImportError as error:
        raise ImportError("reading models needs OpenVINO: pip install qkernels[report]") from error
    return openvino


@cache
def core() -> Any:
    return openvino_module().Core()     # one for all files: a new one costs a tenth of reading one


def import_model(source: "openvino.Model | str | os.PathLike[str]") -> ir.Graph:
    """The graph of `source`: an openvino.Model, or the path of a file that openvino.Core().read_model reads.

    Raises FileNotFoundError for a missing file, ValueError for one that is not a model, TypeError for another kind of
    source, UnsupportedModelError (a ValueError) for an operator or pattern outside of the native plan's.
    """
    model = read_model(source)
    builder = Builder(known=OPERATORS)
    for op in model.get_ordered_ops():
        if op.get_output_size() > 1:
            builder.fail(op, "has more than one output")
        operator = OPERATORS.get(op.get_type_name())
        if operator is None:
            builder.fail(op, "unknown operator")
        value = operator(builder, op)
        if value is not None:
            builder.set_value(op, value)
    return builder.graph()


def read_model(source: "openvino.Model | str | os.PathLike[str]") -> "openvino.Model":
    """`source` itself where it is a model, else the model in the file; errors as for `import_model`."""
    openvino = openvino_module()
    if isinstance(source, openvino.Model):
        return source
    if not isinstance(source, (str, os.PathLike)):
        raise TypeError(f"source: {type(source).__name__}, expected an openvino.Model or a path")
    path = Path(source)
    if not path.exists():
        raise FileNotFoundError(f"source: {str(path)!r} does not exist")
    try:
        return core().read_model(path)
    except RuntimeError as error:
        # the last line has OpenVINO's own reason, those before it the place in its sources
        reason = str(error).strip().splitlines()[-1:]
        raise ValueError(f"source: {str(path)!r} is not a model that OpenVINO reads: {' '.join(reason)}") from error
