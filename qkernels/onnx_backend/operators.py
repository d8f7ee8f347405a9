"""The table of operators. An operator is added by a function and a line here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from numpy.typing import NDArray
from onnx import NodeProto, defs, helper

from . import affine, products
from .types import UnsupportedError

Arrays = tuple[NDArray[Any], ...]


class Operator(NamedTuple):
    """`run(*inputs, **attributes)`, absent inputs None; and the versions of the operator's definition that it follows."""

    run: Callable[..., Arrays]
    versions: frozenset[int]


# each version of the affine operators adds types and attributes to the one before, and changes nothing else
_AFFINE_VERSIONS = frozenset({10, 13, 19, 21, 23, 24, 25, 28})

OPERATORS = {
    ("", "ConvInteger"): Operator(products.conv_integer, frozenset({10})),
    ("", "DequantizeLinear"): Operator(affine.dequantize_linear, _AFFINE_VERSIONS),
    ("", "DynamicQuantizeLinear"): Operator(affine.dynamic_quantize_linear, frozenset({11})),
    ("", "MatMulInteger"): Operator(products.matmul_integer, frozenset({10})),
    ("", "QLinearConv"): Operator(products.qlinear_conv, frozenset({10})),
    ("", "QLinearMatMul"): Operator(products.qlinear_matmul, frozenset({10, 21})),
    ("", "QuantizeLinear"): Operator(affine.quantize_linear, _AFFINE_VERSIONS),
}


def operator_of(node: NodeProto, opsets: dict[str, int]) -> Operator:
    """The table's entry for a node under the operator sets that a model imports.

    Raises UnsupportedError, which names operator, domain and version.
    """
    domain = "" if node.domain == "ai.onnx" else node.domain
    opset = opsets.get(domain)
    found = OPERATORS.get((domain, node.op_type))
    where = f"operator {node.op_type} of domain {domain or 'ai.onnx'!r}, operator set {opset}"
    if found is None:
        raise UnsupportedError(f"{where}: not implemented; implemented are {', '.join(sorted(name for _, name in OPERATORS))}")
    if opset is None or opset > defs.onnx_opset_version():
        raise UnsupportedError(f"{where}: this release of onnx knows operator sets up to {defs.onnx_opset_version()}")
    version = defs.get_schema(node.op_type, opset, domain).since_version
    if version not in found.versions:
        raise UnsupportedError(f"{where}: its version {version} is not implemented; implemented are "
                               f"{', '.join(map(str, sorted(found.versions)))}")
    return found


def run_operator(operator: Operator, node: NodeProto, inputs: list[NDArray[Any] | None]) -> Arrays:
    """One node on arrays. Errors of the operator come with the node's name in front."""
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    where = f"{node.op_type} {node.name}".rstrip()
    try:
        return operator.run(*inputs, **attributes)
    except (TypeError, ValueError, UnsupportedError) as error:
        kind = next(kind for kind in (TypeError, ValueError, UnsupportedError) if isinstance(error, kind))
        raise kind(f"{where}: {error}") from error
