"""The importer on whole models: the embedded one, and NNCF's.

QKERNELS_DATA names the folder with `models/mobilenet_v1_1.0_224_nncf_int8.xml`; without it that model is skipped.
"""

import os
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

openvino = pytest.importorskip("openvino")

from qkernels.graph import import_model, lower  # noqa: E402
from qkernels.graph.reference import evaluate_graph  # noqa: E402
from qkernels.graph.single_layer import check, single_layer_model  # noqa: E402
from qkernels.models import embedded_model_path, imagenet_labels, preprocess  # noqa: E402

F32 = {"INFERENCE_PRECISION_HINT": "f32"}


@pytest.fixture(scope="module")
def embedded():
    model = openvino.Core().read_model(embedded_model_path())
    return model, import_model(model)


@pytest.fixture(scope="module")
def nncf():
    folder = os.environ.get("QKERNELS_DATA")
    if not folder:
        pytest.skip("QKERNELS_DATA is not set: the NNCF model mobilenet_v1_1.0_224_nncf_int8 is not checked")
    model = openvino.Core().read_model(Path(folder) / "models" / "mobilenet_v1_1.0_224_nncf_int8.xml")
    return model, import_model(model)


def kinds(graph):
    return [type(node).__name__ for node in graph.nodes]


EXPECTED = ["Input", "Quantize", *["Conv2d"] * 27, "AveragePool", "Linear", "Reshape", "Softmax"]


def test_embedded_model_has_the_layers_of_mobilenet(embedded):
    _, graph = embedded
    assert kinds(graph) == EXPECTED
    assert graph.input_shapes == ((1, 224, 224, 3),) and graph.output_shapes == ((1, 1001),)
    first, depthwise = graph["conv0"], graph["dw1"]
    assert first.fused == ("image/nchw", "conv0/bias", "conv0/relu6", "conv0/quantized")
    assert first.source_output == "conv0/quantized" and first.padding == (0, 0, 1, 1) and first.stride == (2, 2)
    assert first.input_zero_point.tolist() == [128] and first.weights.shape == (3, 3, 3, 32)
    assert depthwise.groups == 32 and depthwise.weights.shape == (3, 3, 1, 32) and depthwise.padding == (1, 1, 1, 1)
    assert graph["conv0"].scale.size == 32 and graph["dw1"].scale.size == 1
    assert graph["logits"].dtype == "float32" and graph["logits"].weights.shape == (1024, 1001)


@pytest.mark.parametrize("which", ["embedded", "nncf"])
def test_every_layer_agrees_with_openvino(which, request):
    model, graph = request.getfixturevalue(which)
    assert kinds(graph) == EXPECTED
    for node in graph.nodes[1:]:
        result = check(model, graph, node)
        assert result.max_difference <= (1 if node.dtype == "uint8" else 1e-5), result
        assert node.dtype == "float32" or result.exact_fraction > 0.99, result


def test_whole_network_agrees_with_openvino(embedded):
    model, graph = embedded
    ramp = np.linspace(0, 255, 224)
    x = preprocess(np.stack([np.add.outer(ramp, ramp) / 2, np.tile(ramp, (224, 1)), np.full((224, 224), 90)], -1)
                   .astype(np.uint8))
    theirs = openvino.Core().compile_model(model, "CPU", F32)([x])[0]
    ours, = evaluate_graph(graph, x)
    assert ours.shape == theirs.shape
    assert np.argmax(ours) == np.argmax(theirs)
    # layers that differ by one step here and there: a few hundredths in the logits of an image of nothing
    assert np.abs(np.log(ours) - np.log(theirs)).max() < 0.5


@pytest.mark.parametrize("name", ["conv0", "dw1", "pw1", "pool", "logits"])
def test_single_layers_run_in_int8_from_bytes_to_bytes(embedded, name):
    model, graph = embedded
    layer = single_layer_model(model, graph, graph[name])
    compiled = openvino.Core().compile_model(layer, "CPU", F32)
    assert compiled.input(0).element_type.to_string() == "u8"
    assert compiled.output(0).element_type.to_string() == ("f32" if name == "logits" else "u8")
    working = {"Convolution", "Pooling"}
    infos = [op.get_rt_info() for op in compiled.get_runtime_model().get_ordered_ops()]
    kernel, = (info["primitiveType"].astype(str) for info in infos if info["layerType"].astype(str) in working)
    if "I8" not in kernel:
        pytest.skip(f"OpenVINO runs {name} with {kernel} on this CPU")


def test_labels_and_preprocessing():
    labels = imagenet_labels()
    assert len(labels) == 1001 and labels[0] == "background" and labels[1].startswith("tench")
    assert embedded_model_path().is_file()
    x = preprocess(np.full((300, 400, 3), 255, np.uint8))
    assert x.shape == (1, 224, 224, 3) and x.dtype == np.float32 and np.all(x == 1)
    with pytest.raises(ValueError, match="image: float64"):
        preprocess(np.zeros((4, 4, 3)))
    with pytest.raises(TypeError, match="image: str"):
        preprocess("a.jpg")


def test_not_a_model(tmp_path):
    with pytest.raises(FileNotFoundError, match="source.*absent.xml"):
        import_model(tmp_path / "absent.xml")
    (tmp_path / "broken.xml").write_text("<net")
    with pytest.raises(ValueError, match="source.*broken.xml"):
        import_model(str(tmp_path / "broken.xml"))
    with pytest.raises(TypeError, match="source: int"):
        import_model(3)


def test_lowering_calls_the_builder_once_a_node_in_order(embedded, monkeypatch):
    class Recorder:
        def __init__(self):
            self.calls = []

        def __getattr__(self, method):
            def call(*args, **keywords):
                self.calls.append((method, args, keywords))
                return len(self.calls) - 1
            return call

    native = ModuleType("qkernels._native")
    native.Plan = Recorder
    monkeypatch.setitem(sys.modules, "qkernels._native", native)
    _, graph = embedded
    plan = lower(graph)
    assert [call[0] for call in plan.calls] == [
        "input", "quantize", *["conv2d"] * 27, "average_pool", "linear", "reshape", "softmax", "finish"]
    assert plan.calls[-1][1] == ((len(graph.nodes) - 1,),)
    for (method, args, keywords), node in zip(plan.calls, graph.nodes, strict=False):
        if method == "conv2d":
            assert keywords["name"] == node.name and args[1].dtype == np.int8
            assert keywords["bias"].shape == keywords["multiplier"].shape == (node.shape[-1],)
            assert keywords["bias"].dtype == keywords["input_zero_point"].dtype == np.int32
            assert keywords["multiplier"].dtype == np.float32
