"""Preprocessing, labels, splits and figures."""

import csv

import numpy as np
import pytest
import scipy.stats

openvino = pytest.importorskip("openvino")
from openvino import opset13 as o  # noqa: E402
from PIL import Image  # noqa: E402

from qkernels import models  # noqa: E402
from qkernels.accuracy import images, metrics  # noqa: E402
from qkernels.accuracy.sqnr import layer_sqnr  # noqa: E402
from qkernels.measure import preprocessing  # noqa: E402
from qkernels.measure.preprocessing import Preprocessing  # noqa: E402


def model_of(*shape):
    x = o.parameter(list(shape), np.float32)
    return openvino.Model([o.result(o.relu(x))], [x])


def picture(rng, width, height):
    return Image.fromarray(rng.integers(0, 256, (height, width, 3), np.uint8))


def test_the_default_is_the_embedded_models(rng):
    how = preprocessing.of_model(model_of(1, 224, 224, 3))
    for size in ((256, 256), (341, 256), (100, 300)):
        image = picture(rng, *size)
        np.testing.assert_allclose(how.apply(image), models.preprocess(image), rtol=0, atol=1e-6)


def test_options_and_layouts(rng):
    image = picture(rng, 40, 20)
    pixels = np.asarray(image, np.float32)
    whole = preprocessing.of_model(model_of(1, 3, 20, 40), fit="stretch", mean=(1, 2, 3), scale=(4, 5, 6))
    np.testing.assert_allclose(whole.apply(image)[0].transpose(1, 2, 0), (pixels - [1, 2, 3]) / [4, 5, 6], rtol=1e-6)
    square = preprocessing.of_model(model_of(1, 10, 10, 3), crop=0.5, mean=(0, 0, 0), scale=(1, 1, 1))
    np.testing.assert_array_equal(square.apply(image)[0], pixels[5:15, 15:25])
    wide = preprocessing.of_model(model_of(1, 10, 20, 3), crop=1.0)        # the input's proportions, all of the image
    np.testing.assert_allclose(wide.apply(image)[0], (np.asarray(image.resize((20, 10), Image.Resampling.BILINEAR),
                                                                np.float32) - 127.5) / 127.5, rtol=1e-6)
    nearest = preprocessing.of_model(model_of(1, 40, 80, 3), fit="stretch", interpolation="nearest", mean=(0, 0, 0),
                                     scale=(1, 1, 1))
    np.testing.assert_array_equal(nearest.apply(image)[0, ::2, ::2], pixels)


def test_a_model_says_itself_what_it_wants(tmp_path):
    model = model_of(1, 8, 8, 3)
    how = Preprocessing(height=8, width=8, channels_first=False, mean=(123.675, 116.28, 103.53), scale=(58.395, 57.12, 57.375))
    preprocessing.remember(model, how)
    openvino.save_model(model, tmp_path / "m.xml")
    read = openvino.Core().read_model(tmp_path / "m.xml")
    assert preprocessing.of_model(read) == how
    assert preprocessing.of_model(read, mean=(0, 0, 0), scale=None).mean == (0, 0, 0)
    one = model_of(1, 8, 8, 3)
    one.set_rt_info("255", ["model_info", "scale_values"])
    assert preprocessing.of_model(one).scale == (255, 255, 255)
    one.set_rt_info("a b", ["model_info", "scale_values"])
    with pytest.raises(ValueError, match="model_info/scale_values is 'a b'"):
        preprocessing.of_model(one)


def test_bad_preprocessing_is_named(tmp_path):
    for shape in ((1, 8, 8, 4), (2, 8, 8, 3), (1, 3)):
        with pytest.raises(ValueError, match="model: expected one input of one image"):
            preprocessing.of_model(model_of(*shape))
    with pytest.raises(ValueError, match="model: height and width"):
        preprocessing.of_model(model_of(1, -1, 8, 3))
    for options, said in (({"fit": "pad"}, "fit: expected crop, stretch"), ({"crop": 0.0}, "crop: expected more than 0"),
                          ({"interpolation": "box"}, "interpolation: expected nearest"),
                          ({"scale": (1, 0, 1)}, "scale: expected finite float32 values other than 0"),
                          ({"scale": (1, 1, 1e-60)}, "scale: expected"), ({"scale": (1, float("nan"), 1)}, "scale: expected"),
                          ({"mean": (1e60, 0, 0)}, "mean: expected finite float32 values")):
        with pytest.raises(ValueError, match=said):
            preprocessing.of_model(model_of(1, 8, 8, 3), **options)
    (tmp_path / "a.jpg").write_text("no image")
    with pytest.raises(ValueError, match="a.jpg: not an image"):
        preprocessing.of_model(model_of(1, 8, 8, 3)).load(tmp_path / "a.jpg")


def folder(path, rows, names=()):
    path.mkdir(exist_ok=True)
    for name in names or [row[0] for row in rows if len(row) == 2 and row[1].isdecimal() and len(row[0]) < 100]:
        Image.new("RGB", (8, 8)).save(path / name)
    with (path / "labels.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path / "labels.csv", path


def test_labels_with_and_without_headings(tmp_path):
    rows = [("b.png", "7"), ("a.png", "3")]
    for headings in ([], [("file", "label")]):
        found = images.read_labels(*folder(tmp_path, headings + rows))
        assert [(image.path, image.label) for image in found] == [(tmp_path / "a.png", 3), (tmp_path / "b.png", 7)]


@pytest.mark.parametrize("rows, error, said", [
    ([("a.png", "1"), ("a.png", "2")], ValueError, r"labels.csv:2: 'a.png' has a label already"),
    ([("a.png", "1"), ("b.png", "cat")], ValueError, r"labels.csv:2: 'b.png,cat', expected file,index"),
    ([("a.png", "1", "2")], ValueError, r"labels.csv:1: 'a.png,1,2', expected file,index"),
    ([("a.png", "-1")], ValueError, r"labels.csv:1: 'a.png,-1', expected file,index"),
    ([("b.png", "7"), ("a.png", "\N{SUPERSCRIPT TWO}")], ValueError, r"labels.csv:2: 'a.png,.', expected file,index"),
    ([("a" * 200_000, "1")], ValueError, r"labels.csv: not a CSV file in UTF-8: field larger than field limit"),
    ([], ValueError, "no labels"),
    ([("file", "index")], ValueError, "no labels")])
def test_bad_labels_are_named(tmp_path, rows, error, said):
    with pytest.raises(error, match=said):
        images.read_labels(*folder(tmp_path, rows))


def test_labels_that_are_no_text_are_named(tmp_path):
    (tmp_path / "labels.csv").write_bytes(b"\xff\xfea.png,1\n")
    with pytest.raises(ValueError, match="labels.csv: not a CSV file in UTF-8: "):
        images.read_labels(tmp_path / "labels.csv", tmp_path)


def test_a_missing_image_is_named(tmp_path):
    labels, directory = folder(tmp_path, [("a.png", "1"), ("gone.png", "2")], names=["a.png"])
    with pytest.raises(FileNotFoundError, match="labels.csv:2: .*gone.png"):
        images.read_labels(labels, directory)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="empty: no image"):
        images.images_in(tmp_path / "empty")


def test_calibration_images_are_never_measured(tmp_path):
    names = [f"{i:03}.png" for i in range(50)]
    labelled = [images.Labelled(tmp_path / name, 0) for name in names]
    first = images.shuffled(names, seed=3)[:20]
    assert first == images.shuffled(reversed(names), seed=3)[:20] and sorted(first) != names[:20]
    model = model_of(1, 8, 8, 3)
    images.remember_calibration(model, [tmp_path / name for name in first])
    openvino.save_model(model, tmp_path / "m.xml")
    used = images.calibrated_on(openvino.Core().read_model(tmp_path / "m.xml"))
    assert used == set(first) and images.calibrated_on(model_of(1, 8, 8, 3)) == set()
    by_model = [image.path.name for image in images.for_measuring(labelled, used)]
    by_skip = [image.path.name for image in images.for_measuring(labelled, (), skip=20, seed=3)]
    assert by_model == by_skip == sorted(set(names) - set(first))
    with pytest.raises(ValueError, match="images: none of 50 is left"):
        images.for_measuring(labelled, used, skip=50)


def test_scores(rng):
    outputs = np.eye(8)[[0, 1, 2, 3]] * 5 + rng.uniform(0, 1, (4, 8))
    outputs[3, [4, 5, 6, 7]] = 4.9          # class 3 first, then these four
    found = metrics.scores(outputs, np.array([0, 1, 3, 7]), outputs)
    assert (found.top1.value, found.agreement.value, found.divergence.value) == (0.5, 1, 0)
    assert found.top5.value >= 0.75
    interval = scipy.stats.binomtest(2, 4).proportion_ci(0.95, method="wilson")
    assert (found.top1.low, found.top1.high) == (interval.low, interval.high)
    assert metrics.scores(outputs, np.array([0, 1, 3, 7])).agreement is None
    with pytest.raises(ValueError, match=r"labels: 0..8, the model has classes 0..7"):
        metrics.scores(outputs, np.array([0, 1, 3, 8]))


def test_divergence_of_probabilities_and_of_logits(rng):
    logits, others = rng.standard_normal((2, 30, 10))
    p, q = (np.exp(a) / np.exp(a).sum(axis=1, keepdims=True) for a in (logits, others))
    expected = [scipy.stats.entropy(a, b) for a, b in zip(p, q)]
    for reference, found in ((logits, others), (p, others), (p, q)):
        np.testing.assert_allclose(metrics.divergences(reference, found), expected, rtol=1e-9)
    figure = metrics.mean(np.array(expected))
    assert figure.low < figure.value < figure.high
    assert metrics.mean(np.ones(5)) == metrics.Figure(1, 1, 1)
    sure = np.eye(3)[[0, 1]]
    assert np.isfinite(metrics.divergences(np.full((2, 3), 1 / 3), sure)).all()


def test_sqnr_of_a_known_noise(rng):
    def network(quantized):
        x = o.parameter([1, 3, 8, 8], np.float32, name="image")
        y = x
        if quantized:
            y = o.fake_quantize(y, np.float32(-1), np.float32(1), np.float32(-1), np.float32(1), 256)
        z = o.relu(y)
        return openvino.Model([o.result(z)], [x])

    samples = [(rng.uniform(-1, 1, (1, 3, 8, 8)).astype(np.float32),) for _ in range(5)]
    found = layer_sqnr(network(False), network(True), samples)
    # a uniform signal of power 1/3, uniform noise of (2/255)^2 / 12
    assert found == {"image": pytest.approx(10 * np.log10(1 / 3 * 12 / (2 / 255) ** 2), abs=0.5)}
    assert layer_sqnr(network(True), network(True), samples) == {"image": pytest.approx(found["image"])}
    assert layer_sqnr(network(False), network(False), samples) == {}
