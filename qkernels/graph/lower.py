"""From the graph to a native plan: one method call a node, in the graph's order."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import ir

if TYPE_CHECKING:
    from qkernels._native import Plan


def lower(graph: ir.Graph) -> "Plan":
    """A finished `qkernels._native.Plan` that computes `graph`, its operators in the graph's order.

    Raises whatever the plan's builder raises for parameters outside its contract: ValueError with the node's name,
    MemoryError for tensors that do not fit.
    """
    from qkernels._native import Plan  # here: the graph is of use (reports, tests) where the native module is not built

    plan = Plan()
    tensors: dict[str, int] = {}
    for node in graph.nodes:
        try:
            tensors[node.name] = _BUILDERS[type(node)](plan, [tensors[name] for name in node.inputs], node)
        except OverflowError as error:
            raise ValueError(f"{node.name}: a size below 0 or beyond 64 bits: {error}") from error
    plan.finish(tuple(tensors[name] for name in graph.outputs))
    return plan


def _input(plan: "Plan", src: list[int], node: ir.Input) -> int:
    return plan.input(node.shape, node.dtype)


def _quantize(plan: "Plan", src: list[int], node: ir.Quantize) -> int:
    scale, zero_point = node.affine()
    return plan.quantize(src[0], scale, zero_point, node.dtype, name=node.name)


def _dequantize(plan: "Plan", src: list[int], node: ir.Dequantize) -> int:
    return plan.dequantize(src[0], node.input_scale, node.input_zero_point, name=node.name)


def _epilogue(node: ir.Product) -> dict[str, Any]:
    return {name: getattr(node, name) for name in ("bias", "multiplier", "zero_point", "lo", "hi", "dtype", "activation",
                                                   "activation_scale", "name")}


def _conv2d(plan: "Plan", src: list[int], node: ir.Conv2d) -> int:
    return plan.conv2d(src[0], node.weights, stride=node.stride, padding=node.padding, dilation=node.dilation,
                       groups=node.groups, input_zero_point=node.input_zero_point, **_epilogue(node))


def _linear(plan: "Plan", src: list[int], node: ir.Linear) -> int:
    return plan.linear(src[0], node.weights, input_zero_point=node.input_zero_point, **_epilogue(node))


def _average_pool(plan: "Plan", src: list[int], node: ir.AveragePool) -> int:
    return plan.average_pool(src[0], kernel=node.kernel, stride=node.stride, padding=node.padding,
                             exclude_pad=node.exclude_pad, input_zero_point=node.input_zero_point,
                             multiplier=float(node.multiplier[0]), zero_point=node.zero_point, lo=node.lo, hi=node.hi,
                             dtype=node.dtype, name=node.name)


def _max_pool(plan: "Plan", src: list[int], node: ir.MaxPool) -> int:
    return plan.max_pool(src[0], kernel=node.kernel, stride=node.stride, padding=node.padding, name=node.name)


def _arithmetic(plan: "Plan", src: list[int], node: ir.Arithmetic) -> int:
    first, second = (node.multiplier[i % node.multiplier.size] for i in range(2))
    return plan.arithmetic(*src, operation=node.operation, zero_points=node.zero_points, scales=(first, second),
                           zero_point=node.zero_point, lo=node.lo, hi=node.hi, dtype=node.dtype, name=node.name)


def _table(plan: "Plan", src: list[int], node: ir.Table) -> int:
    return plan.table(src[0], node.table, name=node.name)


def _transpose(plan: "Plan", src: list[int], node: ir.Transpose) -> int:
    if node.channels_first:
        columns, rows = node.shape[1] * node.shape[2], node.shape[3]
    else:
        columns, rows = node.shape[1], node.shape[2] * node.shape[3]
    return plan.transpose(src[0], rows, columns, node.shape, name=node.name)


def _softmax(plan: "Plan", src: list[int], node: ir.Softmax) -> int:
    return plan.softmax(src[0], name=node.name)


def _reshape(plan: "Plan", src: list[int], node: ir.Reshape) -> int:
    return plan.reshape(src[0], node.shape)


_BUILDERS: dict[type[ir.Node], Callable[..., int]] = {
    ir.Input: _input,
    ir.Quantize: _quantize,
    ir.Dequantize: _dequantize,
    ir.Conv2d: _conv2d,
    ir.Linear: _linear,
    ir.AveragePool: _average_pool,
    ir.MaxPool: _max_pool,
    ir.Arithmetic: _arithmetic,
    ir.Table: _table,
    ir.Softmax: _softmax,
    ir.Transpose: _transpose,
    ir.Reshape: _reshape,
}
