"""The network written as a QDQ model for ONNX Runtime says what qkernels says."""

import numpy as np
import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
pytest.importorskip("openvino")

import qkernels  # noqa: E402
from qkernels.engines import onnx_models  # noqa: E402
from qkernels.engines.base import Unsupported  # noqa: E402
from qkernels.engines.onnxruntime import OnnxruntimeEngine  # noqa: E402
from qkernels.graph import Graph, ir  # noqa: E402
from qkernels.measure.images import load_pictures  # noqa: E402
from qkernels.models import embedded_model_path, sample_images  # noqa: E402


def test_network_agrees():
    model = qkernels.load_model(embedded_model_path())
    x = load_pictures(sample_images())[0].x
    found, expected = OnnxruntimeEngine(model.graph, 1).run(x), model(x)
    assert found.shape == expected.shape and found.argmax() == expected.argmax()
    if "vnni" in qkernels.cpu_info()["isa"]:              # without, its sums saturate
        np.testing.assert_allclose(found, expected, atol=0.02)


def test_network_has_every_product_in_int8():
    graph = qkernels.load_model(embedded_model_path()).graph
    nodes = onnx_models.network(graph).graph.node
    assert sum(node.op_type == "Conv" for node in nodes) == 27
    # one after the image's, each convolution's and the pooling's
    assert sum(node.op_type == "QuantizeLinear" for node in nodes) == 29


def test_what_cannot_be_written_is_named():
    x = ir.Input(name="x", inputs=(), shape=(1, 4, 4, 2), dtype="float32")
    q = ir.Quantize(name="q", inputs=("x",), shape=x.shape, dtype="uint8", scale=np.ones(1, np.float32),
                    output_zero_point=np.zeros(1, np.int32))
    pool = ir.AveragePool(name="half", inputs=("q",), shape=(1, 2, 2, 2), dtype="uint8", multiplier=np.ones(1, np.float32),
                          kernel=(2, 2), stride=(2, 2), input_zero_point=0, scale=np.ones(1, np.float32),
                          output_zero_point=np.zeros(1, np.int32))
    with pytest.raises(Unsupported, match="half"):
        onnx_models.network(Graph((x, q, pool), ("x",), ("half",)))
