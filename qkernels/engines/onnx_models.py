"""Our work as ONNX models: one operation, or a whole graph in QDQ form.

A graph says of every product what multiplies its accumulator, not what scale its weights have. In ONNX that multiplier is
x_scale * w_scale / y_scale: each tensor gets its own scale where that is one number (1 where each channel has its own), and
the scales of the weights follow. The integers are the same whatever scale stands for them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from qkernels.graph import ir

from .base import Unsupported
from .work import Dequantize, Gemm, Layer, Quantize

_TYPES = {"uint8": TensorProto.UINT8, "int8": TensorProto.INT8, "int32": TensorProto.INT32, "float32": TensorProto.FLOAT}


class Builder:
    """Nodes and constants of one model; tensors go by name, the input's is "x"."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._constants: list[onnx.TensorProto] = []

    def constant(self, value: Any, dtype: str) -> str:
        name = f"c{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def node(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        """The name of its output."""
        name = f"t{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def model(self, source: tuple[str, tuple[Any, ...]], result: tuple[str, tuple[Any, ...]]) -> onnx.ModelProto:
        """From "x" of (dtype, shape) to the last node's output, which becomes "y", of (dtype, shape)."""
        self._nodes[-1].output[0] = "y"
        graph = helper.make_graph(
            self._nodes, "qkernels", [helper.make_tensor_value_info("x", _TYPES[source[0]], source[1])],
            [helper.make_tensor_value_info("y", _TYPES[result[0]], result[1])], self._constants)
        opsets = [helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def conversion(work: Quantize | Dequantize) -> onnx.ModelProto:
    """Of any number of elements."""
    b = Builder()
    parameters = [b.constant(work.scale, "float32"), b.constant(work.zero_point, "uint8")]
    if isinstance(work, Quantize):
        b.node("QuantizeLinear", ["x", *parameters])
        return b.model(("float32", ("n",)), ("uint8", ("n",)))
    b.node("DequantizeLinear", ["x", *parameters])
    return b.model(("uint8", ("n",)), ("float32", ("n",)))


def product(work: Gemm) -> onnx.ModelProto:
    """Of any number of rows."""
    b = Builder()
    b.node("MatMulInteger", ["x", b.constant(work.b, "int8")])
    return b.model((work.a.dtype.name, ("m", work.a.shape[1])), ("int32", ("m", work.b.shape[1])))


def layer(work: Layer) -> onnx.ModelProto:
    """A convolution on NHWC bytes, the operator that the runtime itself makes of one in QDQ form. Unsupported for others."""
    node = work.node
    if not isinstance(node, ir.Conv2d) or node.dtype != "uint8":
        raise Unsupported("of single layers, ONNX Runtime is measured on convolutions only")
    _expect_plain(node)
    b, weights = Builder(), node.weights.transpose(3, 2, 0, 1)
    x = ["x", b.constant(1, "float32"), b.constant(node.input_zero_point[0], "uint8")]
    w = [b.constant(weights, "int8"), b.constant(node.multiplier, "float32"), b.constant(np.zeros(len(weights)), "int8")]
    y = [b.constant(1, "float32"), b.constant(node.zero_point, "uint8"), b.constant(node.bias, "int32")]
    b.node("QLinearConv", [*x, *w, *y], domain="com.microsoft", channels_last=1, **_window(node))
    return b.model(("uint8", work.sources[0].shape), ("uint8", node.shape))


def network(graph: ir.Graph) -> onnx.ModelProto:
    """The whole graph in QDQ form, NCHW inside. Unsupported for a node that has no such form here."""
    b = Builder()
    tensors: dict[str, str] = {graph.inputs[0]: "x"}     # what each node's output is called
    for node in graph.nodes:
        if not isinstance(node, ir.Input):
            if type(node) not in _MAKERS or getattr(node, "activation", ""):
                raise Unsupported(f"{node.name}: {type(node).__name__} has no QDQ form here")
            tensors[node.name] = _MAKERS[type(node)](b, tensors[node.inputs[0]], node, graph)
    return b.model(("float32", graph.input_shapes[0]), ("float32", graph.output_shapes[0]))


def _expect_plain(node: ir.Epilogue) -> None:
    points = np.unique(getattr(node, "input_zero_point", 0))
    if points.size != 1:
        raise Unsupported(f"{node.name}: ONNX has one zero point for the input of a convolution")
    if node.dtype == "uint8" and (node.lo, node.hi) != (0, 255):
        raise Unsupported(f"{node.name}: its output is limited to {node.lo}..{node.hi}, which needs an operator of its own")


def _window(node: ir.Conv2d) -> dict[str, Any]:
    return {"kernel_shape": node.weights.shape[:2], "pads": node.padding, "strides": node.stride, "dilations": node.dilation,
            "group": node.groups}


def _scale(node: ir.Node) -> float:
    """What a step of the node's output stands for in the ONNX model."""
    scale, _ = node.affine()
    return float(scale[0]) if scale.size == 1 else 1.0


def _dequantized(b: Builder, tensor: str, node: ir.Node) -> str:
    zero_point = np.unique(node.affine()[1])
    if zero_point.size != 1:
        raise Unsupported(f"{node.name}: ONNX Runtime has one zero point for an activation")
    return b.node("DequantizeLinear", [tensor, b.constant(_scale(node), "float32"), b.constant(zero_point[0], "uint8")])


def _quantized(b: Builder, tensor: str, node: ir.Epilogue) -> str:
    return b.node("QuantizeLinear", [tensor, b.constant(_scale(node), "float32"), b.constant(node.zero_point, "uint8")])


def _parameters(b: Builder, node: ir.Product, weights: NDArray[np.int8], x_scale: float) -> list[str]:
    """Weights with their output channel first, and the bias, as the real numbers that they stand for."""
    w_scale = node.multiplier.astype(np.float64) * (_scale(node) if node.dtype == "uint8" else 1.0) / x_scale
    scales, bias_scales = b.constant(w_scale, "float32"), b.constant(w_scale * x_scale, "float32")
    zeros, bias_zeros = (b.constant(np.zeros(len(weights)), dtype) for dtype in ("int8", "int32"))
    return [b.node("DequantizeLinear", [b.constant(weights, "int8"), scales, zeros], axis=0),
            b.node("DequantizeLinear", [b.constant(node.bias, "int32"), bias_scales, bias_zeros], axis=0)]


def _quantize(b: Builder, x: str, node: ir.Quantize, graph: ir.Graph) -> str:
    """NCHW from here on."""
    scale, zero_point = node.affine()
    q = b.node("QuantizeLinear", [x, b.constant(scale[0], "float32"), b.constant(zero_point[0], "uint8")])
    return b.node("Transpose", [q], perm=(0, 3, 1, 2))


def _conv2d(b: Builder, x: str, node: ir.Conv2d, graph: ir.Graph) -> str:
    _expect_plain(node)
    before = graph[node.inputs[0]]
    parameters = _parameters(b, node, node.weights.transpose(3, 2, 0, 1), _scale(before))
    return _quantized(b, b.node("Conv", [_dequantized(b, x, before), *parameters], **_window(node)), node)


def _average_pool(b: Builder, x: str, node: ir.AveragePool, graph: ir.Graph) -> str:
    _expect_plain(node)
    before = graph[node.inputs[0]]
    if node.kernel != before.shape[1:3] or any(node.padding):
        raise Unsupported(f"{node.name}: only pooling over the whole image is written in QDQ form")
    return _quantized(b, b.node("GlobalAveragePool", [_dequantized(b, x, before)]), node)


def _linear(b: Builder, x: str, node: ir.Linear, graph: ir.Graph) -> str:
    """To float32 rows, whatever the shape in front of the last dimension."""
    if node.dtype != "float32":
        raise Unsupported(f"{node.name}: only a last layer to float32 is written in QDQ form")
    before = graph[node.inputs[0]]
    rows = b.node("Flatten", [_dequantized(b, x, before)])
    return b.node("Gemm", [rows, *_parameters(b, node, node.weights.T, _scale(before))], transB=1)


def _reshape(b: Builder, x: str, node: ir.Reshape, graph: ir.Graph) -> str:
    return b.node("Reshape", [x, b.constant(node.shape, "int64")])


def _softmax(b: Builder, x: str, node: ir.Softmax, graph: ir.Graph) -> str:
    return b.node("Softmax", [x], axis=-1)


_MAKERS: dict[type[ir.Node], Callable[..., str]] = {
    ir.Quantize: _quantize, ir.Conv2d: _conv2d, ir.AveragePool: _average_pool, ir.Linear: _linear, ir.Reshape: _reshape,
    ir.Softmax: _softmax}
