"""Quantized TFLite files against what LiteRT answered (litert_outputs.npz, made by tools/make_litert_outputs.py).

QKERNELS_DATA names the folder with the files in `models`; without it they are skipped.
"""

import os
from pathlib import Path

import numpy as np
import pytest
from generated_images import generated_images

openvino = pytest.importorskip("openvino")

import qkernels as qk  # noqa: E402
from qkernels.graph import import_model, ir  # noqa: E402
from qkernels.graph.reference import evaluate_graph  # noqa: E402
from qkernels.graph.single_layer import check  # noqa: E402

RECORDED = Path(__file__).with_name("litert_outputs.npz")


@pytest.fixture(scope="module", params=["mobilenet_v1_0.5_160_quant.tflite",
                                        "mobilenet_v1_1.0_224_quant_embedding_extractor.tflite"])
def path(request):
    folder = os.environ.get("QKERNELS_DATA")
    if not folder:
        pytest.skip(f"QKERNELS_DATA is not set: {request.param} is not checked")
    return Path(folder) / "models" / request.param


def test_outputs_are_those_of_litert(path):
    expected = np.load(RECORDED)[path.name]
    model = qk.load_model(path)
    assert {node.dtype for node in map(model.graph.__getitem__, model.graph.inputs)} == {"uint8"}
    answers = np.concatenate([model(image) for image in generated_images(model.input_shapes[0][1])])
    assert answers.dtype == np.uint8 and answers.shape == expected.shape
    assert np.mean(answers == expected) >= 0.999
    assert (answers.reshape(8, -1).argmax(1) == expected.reshape(8, -1).argmax(1)).all()


def test_weights_keep_their_nine_bits(path):
    graph = import_model(path)
    products = [node for node in graph.nodes if isinstance(node, ir.Product)]
    assert any(node.weights.dtype == np.int16 and np.abs(node.weights).max() > 128 for node in products)


def test_the_plan_computes_what_the_graph_says(path):
    model = qk.load_model(path)
    image = next(generated_images(model.input_shapes[0][1]))
    expected, = evaluate_graph(model.graph, image)
    np.testing.assert_array_equal(model(image), expected)


def test_every_layer_agrees_with_openvino(path):
    model = openvino.Core().read_model(path)
    graph = import_model(model)
    for node in graph.nodes[1:]:
        result = check(model, graph, node)
        assert result.max_difference <= (1 if node.dtype == "uint8" else 1e-5), result
        assert node.dtype == "float32" or result.exact_fraction > 0.99, result
