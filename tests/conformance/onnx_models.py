"""One node, run by qkernels.onnx_backend and by onnx's reference."""

import warnings

import numpy as np
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

from qkernels.onnx_backend import QkernelsBackend


def node_of(op_type, inputs, outputs, **attributes):
    """A node; None among the inputs is one that is left out."""
    names = [f"x{i}" if value is not None else "" for i, value in enumerate(inputs)]
    while not names[-1]:
        names.pop()
    return helper.make_node(op_type, names, [f"y{i}" for i in range(outputs)], **attributes)


def run(op_type, inputs, opset, *, outputs=1, **attributes):
    """The outputs of qkernels.onnx_backend."""
    node = node_of(op_type, inputs, outputs, **attributes)
    return QkernelsBackend.run_node(node, [value for value in inputs if value is not None], opset_version=opset)


def reference(op_type, inputs, opset, *, outputs=1, **attributes):
    """The outputs of onnx's reference."""
    node, given = node_of(op_type, inputs, outputs, **attributes), {f"x{i}": x for i, x in enumerate(inputs) if x is not None}
    graph = helper.make_graph(
        [node], op_type, [helper.make_tensor_value_info(k, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape)
                          for k, v in given.items()],
        [helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None) for name in node.output])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ReferenceEvaluator(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])).run(None, given)


def requantized(sums, factors, zero_point):
    """clamp(round_half_even(float32(sums) * float32(factors)) + zero_point), sums wrapped to int32."""
    steps = np.rint(sums.astype(np.int32).astype(np.float32) * np.asarray(factors, np.float64).astype(np.float32))
    info = np.iinfo(zero_point.dtype)
    return np.clip(steps.astype(np.float64) + int(zero_point), info.min, info.max).astype(zero_point.dtype)


def same_but_for_ties(got, want, exact):
    """Equal, and where the exact value is within a thousandth of a tie, no further apart than one step."""
    np.testing.assert_equal((got.dtype, got.shape), (want.dtype, want.shape))
    difference = np.abs(got.astype(np.int64) - want)
    near_tie = np.abs(exact - np.floor(exact) - 0.5) < 1e-3 + 1e-6 * np.abs(exact)
    return bool((difference <= 1).all() and (difference[~near_tie] == 0).all())
