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
    try:
        for op in model.get_ordered_ops():
            _read_operator(builder, op)
    except UnicodeDecodeError as error:
        raise ValueError(f"source: a name in the model is not UTF-8: {error}") from error
    graph = builder.graph()
    if not graph.outputs:
        raise ValueError("source: expected a model with at least one output, got none")
    return graph


def _read_operator(builder: Builder, op: "openvino.Node") -> None:
    if any(op.output(i).get_target_inputs() for i in range(1, op.get_output_size())):
        builder.fail(op, "more than its first output is read")
    operator = OPERATORS.get(op.get_type_name())
    if operator is None:
        builder.fail(op, "unknown operator")
    try:
        value = operator(builder, op)
    except RuntimeError as error:                 # OpenVINO's own, of a shape that is dynamic for example
        builder.fail(op, openvino_reason(error))
    if value is not None:
        builder.set_value(op, value)


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
    except (RuntimeError, UnicodeDecodeError) as error:   # the second: the reason quotes a damaged name
        raise ValueError(f"source: {str(path)!r} is not a model that OpenVINO reads: {openvino_reason(error)}") from error


def openvino_reason(error: Exception) -> str:
    """OpenVINO's own reason, the last line of its message; those before it name the place in its sources."""
    return "".join(str(error).strip().splitlines()[-1:])
