"""Whole models against OpenVINO and LiteRT, and the topologies themselves."""

import os
from pathlib import Path

import numpy as np
import pytest

openvino = pytest.importorskip("openvino")

from qkernels.benchmarks import models  # noqa: E402
from qkernels.benchmarks.job import Job, run_job  # noqa: E402
from qkernels.benchmarks.topologies import TOPOLOGIES  # noqa: E402
from qkernels.engines.peers import PEERS  # noqa: E402
from qkernels.graph import import_model  # noqa: E402
from qkernels.graph.single_layer import check  # noqa: E402

# millions of weights and biases: MobileNet V2 and V3 as in their papers, ResNet-50 without batch normalization
SIZES = {"mobilenet-v2": 3.4, "mobilenet-v3-large": 5.4, "mobilenet-v3-small": 2.5, "resnet-50": 25.5}


@pytest.mark.parametrize("name", list(TOPOLOGIES))
def test_topologies_have_their_size(name):
    model = TOPOLOGIES[name]()
    elements = sum(op.data.size for op in model.get_ordered_ops()
                   if op.get_type_name() == "Constant" and op.get_element_type() == openvino.Type.f32)
    assert elements / 1e6 == pytest.approx(SIZES[name], rel=0.03)
    assert tuple(model.output(0).shape) == (1, 1000)


def test_one_topology_is_measured(monkeypatch):
    monkeypatch.setattr(models, "TOPOLOGIES", {"mobilenet-v3-small": TOPOLOGIES["mobilenet-v3-small"]})
    results = run_job(Job("models", threads=1, rounds=2, peers=["openvino"]), lambda what: None)
    row, = results.rows
    assert row.name == "mobilenet-v3-small" and set(row.sides) == {"qkernels", "openvino"} and row.macs > 50e6


@pytest.mark.parametrize("name", ["mobilenet-v2", "mobilenet-v3-small"])
def test_every_quantized_layer_agrees_with_openvino(name):
    from qkernels.quantization import quantize_model
    random = np.random.default_rng(0)
    images = [random.uniform(-1, 1, (1, 3, 224, 224)).astype(np.float32) for _ in range(2)]
    model = quantize_model(TOPOLOGIES[name](), images, method="minmax", rounding="nearest", bias_correction=False)
    graph = import_model(model)
    kinds = {type(node).__name__ for node in graph.nodes}
    assert {"Conv2d", "Arithmetic", "AveragePool", "Linear", "Transpose"} <= kinds
    for node in graph.nodes:
        if node.inputs and node.dtype == "uint8":
            found = check(model, graph, node)
            assert found.max_difference <= 1 and found.exact_fraction > 0.98, found


def test_a_tflite_file_has_litert_beside_it():
    folder = os.environ.get("QKERNELS_DATA")
    if not folder:
        pytest.skip("QKERNELS_DATA is not set: no TFLite file")
    try:
        PEERS["litert"].version()
    except ImportError as error:
        pytest.skip(str(error))
    path = Path(folder) / "models" / "mobilenet_v1_0.5_160_quant.tflite"
    whole = next(models.whole_models(1, {"litert": PEERS["litert"]}, [path]))
    np.testing.assert_array_equal(whole.sides["litert"].result(), whole.sides["qkernels"].result())
