"""`qkernels quantize` and `qkernels accuracy` as a user meets them."""

import json
import runpy
import subprocess
import sys
from os import environ
from pathlib import Path

import numpy as np
import pytest

openvino = pytest.importorskip("openvino")
from openvino import opset13 as o  # noqa: E402
from PIL import Image  # noqa: E402

from qkernels.accuracy.images import calibrated_on, shuffled  # noqa: E402

DATA = environ.get("QKERNELS_DATA")
ROOT = Path(__file__).parents[2]


def qkernels(*arguments):
    return subprocess.run([sys.executable, "-m", "qkernels", *map(str, arguments)], capture_output=True, text=True,
                          check=False)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with a float model of four classes, one a colour, and 40 pictures of them with labels."""
    path, rng = tmp_path_factory.mktemp("place"), np.random.default_rng(7)
    (path / "images").mkdir()
    colours = np.float32([[1, -1, -1], [-1, 1, -1], [-1, -1, 1], [1, 1, 1]])
    rows = ["file,index"]
    for i in range(40):
        noisy = colours[i % 4] * 80 + 127 + rng.normal(0, 30, (16, 16, 3))
        Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(path / "images" / f"{i:02}.png")
        rows.append(f"{i:02}.png,{i % 4}")
    (path / "labels.csv").write_text("\n".join(rows) + "\n")
    x = o.parameter([1, 16, 16, 3], np.float32, name="image")
    y = o.transpose(x, np.array([0, 3, 1, 2], np.int64))
    y = o.convolution(y, o.constant(colours.reshape(4, 3, 1, 1)), [1, 1], [0, 0], [0, 0], [1, 1])
    y = o.relu(o.add(y, np.zeros((1, 4, 1, 1), np.float32)))
    y = o.avg_pool(y, [1, 1], [0, 0], [0, 0], [16, 16], True, "floor", "valid")
    y = o.matmul(o.reshape(y, np.array([1, 4], np.int64), False), o.constant(np.eye(4, dtype=np.float32) * 3), False, False)
    openvino.save_model(openvino.Model([o.result(o.softmax(y, 1))], [x], "colours"), path / "float.xml")
    return path


def test_quantize_then_accuracy(place):
    done = qkernels("quantize", place / "float.xml", "--images", place / "images", "-o", place / "new" / "q.xml",
                    "--samples", 15)
    assert done.returncode == 0, done.stderr
    assert done.stderr == "" and "calibrated on 15 images" in done.stdout          # no progress bar in a pipe
    quantized = openvino.Core().read_model(place / "new" / "q.xml")
    assert calibrated_on(quantized) == set(shuffled([f"{i:02}.png" for i in range(40)], 0)[:15])

    done = qkernels("accuracy", place / "new" / "q.xml", place / "float.xml", "--images", place / "images",
                    "--labels", place / "labels.csv", "--json", place / "accuracy.json")
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert "25 images, 15 left out for calibration" in done.stdout
    found = json.loads((place / "accuracy.json").read_text())
    assert found["measured"] == 25 and found["reference"].endswith("float.xml")
    assert [row["engine"] for row in found["rows"]] == ["OpenVINO FP32", "qkernels", "OpenVINO INT8"]
    for row in found["rows"]:
        assert row["scores"]["top1"]["value"] == 1 and row["scores"]["top1"]["low"] < 0.9
        assert row["engine"] == "OpenVINO FP32" or row["scores"]["divergence"]["value"] < 1e-3
    tensors, = found["sqnr"].values()
    assert len(tensors) == 3 and min(tensors.values()) > 25


def test_accuracy_without_a_float_model(place):
    done = qkernels("quantize", place / "float.xml", "--images", place / "images", "-o", place / "q2.xml", "--samples", 5,
                    "--method", "minmax", "--rounding", "nearest", "--weights", "u8", "--no-bias-correction")
    assert done.returncode == 0, done.stderr
    done = qkernels("accuracy", place / "q2.xml", "--images", place / "images", "--labels", place / "labels.csv", "--skip", 10)
    assert done.returncode == 0, done.stderr
    # the model's five are among the first ten in the same order
    assert "30 images, 10 left out" in done.stdout and "no float model was given" in done.stdout


def test_mistakes_are_named(place, tmp_path):
    quantize = ["quantize", place / "float.xml", "--images", place / "images", "-o"]
    accuracy = ["accuracy", place / "float.xml", "--images", place / "images", "--labels"]
    for arguments in ([*quantize, tmp_path / "q.onnx"], quantize[:-1], [*quantize, tmp_path / "q.xml", "--mean", "1,2"],
                      [*quantize, tmp_path / "q.xml", "--method", "best"], accuracy[:-1],
                      ["quantize", tmp_path / "absent.xml", *quantize[2:], tmp_path / "q.xml"]):
        assert qkernels(*arguments).returncode == 2, arguments
    (tmp_path / "labels.csv").write_text("00.png,9\n")
    (tmp_path / "none").mkdir()
    for arguments, said in (([*accuracy, tmp_path / "labels.csv"], "the model has classes 0..3"),
                            ([*quantize[:2], "--images", tmp_path / "none", "-o", tmp_path / "q.xml"], "no image"),
                            ([*accuracy, place / "labels.csv", "--skip", 40], "none of 40 is left")):
        done = qkernels(*arguments)
        assert done.returncode == 1 and said in done.stderr and "Traceback" not in done.stderr, done.stderr
    assert not (tmp_path / "q.xml").exists()


@pytest.mark.skipif(not DATA, reason="QKERNELS_DATA is not set: quantization is not measured on photographs")
def test_mobilenet_on_photographs(tmp_path):
    """Loose bounds on few images: that the real network goes through; the figures in the docs are of many."""
    float_model = runpy.run_path(str(ROOT / "tools" / "make_float_model.py"))["read"](
        Path(DATA) / "models" / "mobilenet_v1_1.0_224_fp32.npz")
    openvino.save_model(float_model, tmp_path / "float.xml", compress_to_fp16=False)
    folder = Path(DATA) / "imagenet_sample"
    done = qkernels("quantize", tmp_path / "float.xml", "--images", folder, "-o", tmp_path / "q.xml", "--samples", 24)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "q.bin").stat().st_size < 4.5e6
    done = qkernels("accuracy", tmp_path / "float.xml", tmp_path / "q.xml", "--images", folder, "--labels",
                    folder / "labels.csv", "--skip", 400, "--json", tmp_path / "a.json")
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "a.json").read_text())
    assert found["measured"] == 100
    reference, *rows = found["rows"]
    assert len(rows) == 2 and reference["scores"]["top1"]["value"] > 0.8
    for row in rows:
        assert row["scores"]["agreement"]["value"] > 0.9 and row["scores"]["divergence"]["value"] < 0.03, row
