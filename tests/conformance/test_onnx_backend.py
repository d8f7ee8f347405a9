"""The interface of onnx.backend.base: models, single nodes, devices, and what is refused how."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from qkernels import onnx_backend

SCALE, POINT = np.asarray(0.5, np.float32), np.asarray(7, np.uint8)
X = np.array([[-1.0, 0.25, 9.0]], np.float32)


def model_of(nodes, inputs, outputs, *, opset=21, constants=()):
    """inputs and outputs: (name, element type, shape)"""
    graph = helper.make_graph(nodes, "graph", [helper.make_tensor_value_info(*value) for value in inputs],
                              [helper.make_tensor_value_info(*value) for value in outputs],
                              [numpy_helper.from_array(array, name) for name, array in constants])
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("another", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=10)


def there_and_back():
    """Quantize and dequantize, parameters as initializers."""
    nodes = [helper.make_node("QuantizeLinear", ["x", "scale", "point"], ["q"]),
             helper.make_node("DequantizeLinear", ["q", "scale", "point"], ["y"])]
    outputs = [("y", TensorProto.FLOAT, ["n", 3]), ("q", TensorProto.UINT8, ["n", 3])]
    return model_of(nodes, [("x", TensorProto.FLOAT, ["n", 3])], outputs,
                    constants=[("scale", SCALE), ("point", POINT)])


def test_model_of_several_nodes():
    """Outputs by number and by name, in the graph's order; a prepared model runs as often as one likes."""
    prepared = onnx_backend.prepare(there_and_back())
    for _ in range(2):
        outputs = prepared.run([X])
        np.testing.assert_array_equal(outputs[0], np.array([[-1, 0, 9]], np.float32), strict=True)
        np.testing.assert_array_equal(outputs["q"], np.array([[5, 7, 25]], np.uint8), strict=True)
    np.testing.assert_array_equal(onnx_backend.run_model(there_and_back(), [X])["y"], outputs.y)


def test_devices():
    assert onnx_backend.supports_device("CPU") and onnx_backend.supports_device("CPU:0")
    assert not onnx_backend.supports_device("CUDA")
    with pytest.raises(onnx_backend.UnsupportedError, match="^device: expected 'CPU', got 'CUDA:1'"):
        onnx_backend.prepare(there_and_back(), "CUDA:1")


def test_node():
    node = helper.make_node("QuantizeLinear", ["x", "scale", "point"], ["q"])
    q = onnx_backend.run_node(node, [X, SCALE, POINT], outputs_info=[(np.uint8, (1, 3))]).q
    np.testing.assert_array_equal(q, np.array([[5, 7, 25]], np.uint8), strict=True)
    with pytest.raises(ValueError, match="^outputs_info: expected int8"):
        onnx_backend.run_node(node, [X, SCALE, POINT], outputs_info=[(np.int8, (1, 3))])
    with pytest.raises(ValueError, match=r"^inputs: expected 3 \(x, scale, point\), got 2"):
        onnx_backend.run_node(node, [X, SCALE])
    with pytest.raises(onnx_backend.UnsupportedError, match="^device"):
        onnx_backend.run_node(node, [X, SCALE, POINT], "CUDA")
    with pytest.raises(TypeError, match="^run_node: expected no further arguments, got colour"):
        onnx_backend.run_node(node, [X, SCALE, POINT], colour=1)


@pytest.mark.parametrize("node, message", [
    (("Relu", ["x"], ["y"]), "operator Relu of domain 'ai.onnx', operator set 21: not implemented; implemented are Conv"),
    (("Gelu", ["x"], ["y"], "g", None, "another"), "operator Gelu of domain 'another', operator set 3: not implemented"),
])
def test_operators_that_are_not_implemented(node, message):
    """Named with domain and version; the model is known to be incompatible beforehand."""
    model = model_of([helper.make_node(*node)], [("x", TensorProto.FLOAT, [1])], [("y", TensorProto.FLOAT, [1])])
    with pytest.raises(onnx_backend.UnsupportedError, match=f"^{message}"):
        onnx_backend.prepare(model)
    assert not onnx_backend.is_compatible(model)
    assert onnx_backend.is_compatible(there_and_back())


def test_version_that_is_not_implemented(monkeypatch):
    """A later definition of an operator is not run by an earlier one."""
    from qkernels.onnx_backend import operators
    key = ("", "QuantizeLinear")
    monkeypatch.setitem(operators.OPERATORS, key, operators.OPERATORS[key]._replace(versions=frozenset({10, 13})))
    with pytest.raises(onnx_backend.UnsupportedError, match="its version 21 is not implemented; implemented are 10, 13"):
        onnx_backend.prepare(there_and_back())
    with pytest.raises(onnx_backend.UnsupportedError, match="operator set 10000: this release of onnx knows"):
        onnx_backend.run_node(helper.make_node(key[1], ["x", "scale"], ["y"]), [X, SCALE], opset_version=10_000)


def test_table_knows_the_newest_versions():
    """Of the installed onnx; a new one that is not followed yet shows here."""
    from qkernels.onnx_backend.operators import OPERATORS
    newest = {name: onnx.defs.get_schema(name).since_version for _, name in OPERATORS}
    assert {name: version for (_, name), operator in OPERATORS.items() for version in [newest[name]]
            if version in operator.versions} == newest


@pytest.mark.parametrize("inputs, error, message", [
    ([], ValueError, r"inputs: expected 1 \(x\), got 0"), ([X, X], ValueError, r"inputs: expected 1 \(x\), got 2"),
    ([X.astype(np.float64)], TypeError, "x: expected float32, got float64"),
    ([X[0]], ValueError, r"x: expected shape \(None, 3\), got \(3,\)"),
    ([X[:, :2]], ValueError, r"x: expected shape \(None, 3\), got \(1, 2\)"),
])
def test_inputs_that_do_not_fit(inputs, error, message):
    with pytest.raises(error, match=f"^{message}"):
        onnx_backend.prepare(there_and_back()).run(inputs)


def test_models_that_are_wrong():
    """An invalid model is onnx's error; errors of a node carry its name."""
    model = there_and_back()
    model.graph.node[0].input[1] = "missing"
    with pytest.raises(onnx.checker.ValidationError, match="missing"):
        onnx_backend.prepare(model)
    node = helper.make_node("DequantizeLinear", ["x", "scale"], ["y"], name="first")
    with pytest.raises(ValueError, match="^DequantizeLinear first: x_scale: expected positive"):
        onnx_backend.run_node(node, [np.ones(3, np.uint8), np.zeros((), np.float32)])
    for call in (lambda: onnx_backend.prepare(there_and_back(), colour=1),
                 lambda: onnx_backend.prepare(there_and_back()).run([X], colour=1)):
        with pytest.raises(TypeError, match="expected no further arguments, got colour"):
            call()


def test_forms_that_are_not_implemented():
    model = there_and_back()
    model.graph.sparse_initializer.add()
    with pytest.raises(onnx_backend.UnsupportedError, match="^sparse initializers"):
        onnx_backend.PreparedModel(model)
    model = there_and_back()
    model.graph.input[0].type.CopyFrom(helper.make_sequence_type_proto(helper.make_tensor_type_proto(TensorProto.FLOAT, [1])))
    with pytest.raises(onnx_backend.UnsupportedError, match="^x: expected a tensor, got sequence_type"):
        onnx_backend.prepare(model).run([X])


def test_example_of_the_readme():
    """It runs as it stands, and its figures are what it says."""
    text = (Path(__file__).parents[2] / "README.md").read_text()
    example = next(part for part in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "onnx_backend" in part)
    names = {}
    exec(example, names)
    assert f"# y: {names['y']!r}" in example


def test_without_onnx_the_message_says_what_to_install():
    code = "import sys; sys.modules['onnx'] = None; import qkernels.onnx_backend"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "ImportError: qkernels.onnx_backend needs onnx: pip install qkernels[onnx]" in done.stderr
