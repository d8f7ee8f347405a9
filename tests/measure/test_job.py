"""The main job on real models: both engines agree, and every layer has its row."""

import math
import os
from pathlib import Path

import numpy as np
import pytest

import qkernels
from qkernels.engines.native import NativeEngine
from qkernels.engines.openvino import OpenvinoEngine
from qkernels.graph.import_openvino import read_model
from qkernels.measure.images import load_pictures
from qkernels.measure.job import Job, run_job
from qkernels.models import embedded_model_path, sample_images
from qkernels.report.record import OPENVINO_F32, OPENVINO_INT8, QKERNELS

DATA = os.environ.get("QKERNELS_DATA")


@pytest.fixture(scope="module")
def report():
    """The embedded model with the packaged picture, few repeats."""
    return run_job(Job(None, load_pictures(sample_images()), threads=1, repeats=2), lambda what, done: None)


def test_every_layer_has_its_row(report):
    """MobileNet V1: the input's quantizer, 27 convolutions, pooling, logits, softmax."""
    kinds = [layer.kind for layer in report.layers if layer.qkernels_us]
    assert kinds == ["quantize", "conv2d"] + ["depthwise", "pointwise"] * 13 + ["average_pool", "linear", "softmax"]
    assert sum(layer.macs for layer in report.layers) == report.model.macs == 568740352 + 1024  # 1001 classes, not 1000


def test_layers_agree_with_openvino(report):
    quantized = [layer for layer in report.layers if layer.qkernels_us and layer.dtype_out == "uint8"]
    assert len(quantized) == 29 and all(layer.max_lsb <= 1 for layer in quantized)
    assert min(layer.exact_fraction for layer in quantized) > 0.99


def test_openvino_runs_every_convolution_in_int8(report):
    found = {layer.openvino_precision for layer in report.layers if layer.kind in ("conv2d", "depthwise", "pointwise")}
    assert found == {"I8"}
    assert report.engines[OPENVINO_F32].precision == "f32"


def test_figures_are_there(report):
    assert set(report.engines) == {QKERNELS, OPENVINO_INT8, OPENVINO_F32}
    for layer in report.layers:
        if layer.qkernels_us:
            assert layer.qkernels_us.low <= layer.qkernels_us.median <= layer.qkernels_us.high
            assert 0 < layer.roofline_us and layer.qkernels_in_network_us > 0
    assert report.totals.agreement_top1 == 1.0 and math.isfinite(report.totals.speedup)
    assert len(report.engines[QKERNELS].latency_ms.samples) == report.settings.repeats


def test_clipped_sums_are_counted_where_two_products_are_added(report):
    """An audit of the embedded model on the packaged picture: it clips somewhere, and nothing that is not at risk."""
    for layer in report.layers:
        if layer.kind in ("conv2d", "pointwise", "linear"):
            assert 0 <= layer.saturated_fraction < 1 and 0 < layer.saturating_weights_fraction < 1
            assert (layer.saturated_sums > 0) == (layer.saturated_fraction > 0)
        else:
            assert layer.saturated_sums is layer.saturating_weights is None
    assert sum(layer.saturated_sums or 0 for layer in report.layers) > 0


def test_without_pictures_it_says_so():
    found = run_job(Job(None, [], threads=1, repeats=2), lambda what, done: None)
    assert found.totals.agreement_top1 is None and any("top-1" in warning for warning in found.warnings)


@pytest.mark.parametrize("isa", qkernels.cpu_info()["supported"])
def test_network_is_the_same_on_every_instruction_set(isa, threads):
    """Byte for byte, also with two threads."""
    x = load_pictures(sample_images())[0].x
    expected = qkernels.load_model(embedded_model_path())(x)
    with qkernels.use_isa(isa):
        model = qkernels.load_model(embedded_model_path())
    for number in (1, 2):
        threads(number)
        np.testing.assert_array_equal(model(x), expected)


@pytest.mark.skipif(DATA is None, reason="QKERNELS_DATA is not set")
@pytest.mark.parametrize("model", ["embedded", "mobilenet_v1_1.0_224_nncf_int8.xml"])
def test_top1_agrees_on_every_image(model):
    path = embedded_model_path() if model == "embedded" else Path(DATA) / "models" / model
    ov_model = read_model(path)
    ours, theirs = NativeEngine(ov_model, 1), OpenvinoEngine(ov_model, 1)
    pictures = load_pictures(Path(DATA) / "images")
    assert len(pictures) >= 7
    for picture in pictures:
        assert ours.run(picture.x).argmax() == theirs.run(picture.x).argmax(), picture.name
