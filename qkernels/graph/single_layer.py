"""One node of the graph as an OpenVINO model of its own, on the bytes the node itself reads.

For reports (one layer's time and numbers in OpenVINO beside ours) and for the importer's tests. The layer is cut out of
a clone of the original model, so its operators, constants and attributes are the model's own.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from . import ir
from .import_openvino import openvino_module
from .reference import evaluate
from .values import order_is_moot

if TYPE_CHECKING:
    import openvino


def single_layer_model(ov_model: "openvino.Model", graph: ir.Graph, node: ir.Node) -> "openvino.Model":
    """The model of `node` alone; `graph` is what `import_model(ov_model)` returned.

    The node's inputs and one output, each with the bytes of the node's own tensor: uint8 where that is quantized, else
    float32, in NHWC order. Their shapes are NHWC too, except where an image has one pixel or one channel: then the input has
    the model's own shape, the bytes being the same (reshape the array to the shape of the model's input).

    OpenVINO's CPU plugin runs such a convolution, product or pooling in int8 from u8 to u8 with no reordering: it
    does so only behind a FakeQuantize from 0..255, which it folds away, and not behind Convert and Multiply. (A
    transposition of a one-pixel image would stop it from folding, hence the exception.)

    Raises ValueError for an Input.
    """
    if not node.inputs:
        raise ValueError(f"node: {node.name!r} is an input")
    clone = ov_model.clone()
    # friendly names, which the graph uses, are found by walking: a model has no index of them
    ops = {op.friendly_name: op for op in clone.get_ordered_ops()}
    parameters = []
    for index, before in enumerate(graph[name] for name in node.inputs):
        parameter, source = _source(before, f"input{index}")
        parameters.append(parameter)
        if node.source_output == before.source_output:  # a Dequantize: nothing of the model lies between the two
            return openvino_module().Model([_opset().result(_sink(node, source))], parameters, node.name)
        for target in ops[before.source_output].output(0).get_target_inputs():
            target.replace_source_output(source.output(0))
    sink = _sink(node, ops[node.source_output])
    return openvino_module().Model([_opset().result(sink)], parameters, node.name)


def _opset() -> Any:
    openvino_module()
    from openvino import opset13
    return opset13


def _nchw(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape[0], shape[3], shape[1], shape[2]


def _source(before: ir.Node, name: str) -> tuple[Any, Any]:
    """(Parameter, the node that stands for the tensor `before` in the model: float32, in the model's order)."""
    o = _opset()
    dtype = np.dtype(before.dtype)
    moot = before.channels_first and order_is_moot(before.shape)
    shape = _nchw(before.shape) if moot else before.shape
    parameter = o.parameter(list(shape), dtype, name=name)
    x = parameter
    if before.dtype != "float32":
        x = o.convert(x, "f32")
    if before.channels_first and not moot:
        x = o.transpose(x, np.array([0, 3, 1, 2], np.int64))
    if before.dtype != "float32":
        low, high = _range(before)
        x = o.fake_quantize(x, np.float32(0), np.float32(255), low, high, 256)
    return parameter, x


def _range(node: ir.Node) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """What 0 and 255 of a quantized tensor stand for, to broadcast against the model's tensor."""
    scale, zero_point = (a.astype(np.float64) for a in node.affine())
    shape: tuple[int, ...] = ()
    if scale.size > 1:
        shape = (1, -1, 1, 1) if node.channels_first else (1,) * (len(node.shape) - 1) + (-1,)
    elif node.channels_first:
        shape = (1, 1, 1, 1)
    low, high = -zero_point * scale, (255 - zero_point) * scale
    return low.astype(np.float32).reshape(shape), high.astype(np.float32).reshape(shape)


def _sink(node: ir.Node, last: Any) -> Any:
    """`last`, the model's operator whose output is the node's, as the node's own bytes in NHWC."""
    o = _opset()
    y = last
    if node.dtype == "uint8":
        if last.get_type_name() == "FakeQuantize":
            # the same rounding, to the integers instead of what they stand for
            x, low, high = (last.input_value(i) for i in range(3))
        else:
            x, (low, high) = last.output(0), _range(node)
        y = o.convert(o.fake_quantize(x, low, high, np.float32(0), np.float32(255), 256), "u8")
    return o.transpose(y, np.array([0, 2, 3, 1], np.int64)) if node.channels_first else y


@dataclass(frozen=True)
class LayerCheck:
    """How far OpenVINO's single layer and the graph's definition of it lie apart on the same input."""

    name: str
    max_difference: float           # uint8: in units of the output's step; float32: relative to the largest output
    exact_fraction: float           # of all elements
    inside_fraction: float          # of elements that are not at lo or hi; 1 for float32


def check(ov_model: "openvino.Model", graph: ir.Graph, node: ir.Node, *, seed: int = 0) -> LayerCheck:
    """Runs `node` on random bytes (floats between -1 and 1) in OpenVINO and in NumPy, and compares.

    Raises what `single_layer_model` raises.
    """
    random = np.random.default_rng(seed)
    inputs = [random.integers(0, 256, before.shape, np.uint8) if before.dtype == "uint8"
              else random.uniform(-1, 1, before.shape).astype(np.float32) for before in map(graph.__getitem__, node.inputs)]
    ours = evaluate(node, *inputs)
    theirs = run_single_layer(single_layer_model(ov_model, graph, node), *inputs).reshape(ours.shape)
    difference = np.abs(ours.astype(np.float64) - theirs)
    exact = float(np.mean(difference == 0))
    if node.dtype == "uint8":
        lo, hi = (node.lo, node.hi) if isinstance(node, ir.Epilogue) else (0, 255)
        return LayerCheck(node.name, float(difference.max()), exact, float(np.mean((ours > lo) & (ours < hi))))
    return LayerCheck(node.name, float(difference.max() / max(np.abs(ours).max(), 1e-30)), exact, 1.0)


def run_single_layer(model: "openvino.Model", *inputs: NDArray[Any]) -> NDArray[Any]:
    """The output of `single_layer_model` for the node's `inputs`, in the model's output shape."""
    # without the hint, the plugin computes what is not quantized in bfloat16 where the CPU has it
    compiled = openvino_module().Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return np.array(compiled([x.reshape(tuple(port.shape)) for x, port in zip(inputs, compiled.inputs)])[0])
