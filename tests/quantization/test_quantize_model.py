"""`quantize_model` as a whole: what it makes runs in OpenVINO and here, and is near the float model."""

import itertools

import numpy as np
import pytest

openvino = pytest.importorskip("openvino")
from openvino import opset13 as o  # noqa: E402

import qkernels as qk  # noqa: E402
from qkernels.graph import import_model  # noqa: E402
from qkernels.graph.single_layer import check  # noqa: E402
from qkernels.quantization import inference  # noqa: E402


def kinds(model):
    return [op.get_type_name() for op in model.get_ordered_ops()]


def named(model, name):
    op, = (op for op in model.get_ordered_ops() if op.friendly_name == name)
    return op


def weights_of(model, name):
    """The stored constant of a layer's weights."""
    node = named(model, name).input_value(1).get_node()
    while node.get_type_name() != "Constant":
        node = node.input_value(0).get_node()
    return node.data


SETTINGS = [{}, *({"method": method, "rounding": "nearest"} for method in ("minmax", "percentile", "mse", "entropy")),
            {"equalize": True}, {"bias_correction": False}]


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_both_engines_run_it_and_agree_layer_by_layer(build, samples, infer, settings):
    model = build()
    quantized = qk.quantize_model(model, samples, **settings)
    ours = qk.load_model(quantized)
    exact = infer(model, samples)
    assert np.abs(infer(quantized, samples) - exact).mean() < 0.03
    assert np.abs(np.concatenate([ours(x) for x in samples]) - exact).mean() < 0.03
    graph = import_model(quantized)
    for node in graph.nodes[1:]:
        found = check(quantized, graph, node)
        assert found.max_difference <= (1 if node.dtype == "uint8" else 1e-4), found


def test_weights_of_one_scale(build, samples, infer):
    model = build()
    quantized = qk.quantize_model(model, samples, weights="u8")
    assert np.abs(infer(quantized, samples) - infer(model, samples)).mean() < 0.03
    try:
        ours = qk.load_model(quantized)
    except qk.UnsupportedModelError as error:
        pytest.skip(f"load_model has no weights that exceed int8 less their zero point: {error}")
    assert np.abs(np.concatenate([ours(x) for x in samples]) - infer(quantized, samples)).mean() < 0.01


def test_what_is_quantized_and_how_it_is_stored(build, samples):
    quantized = qk.quantize_model(build(), samples)
    ranges = {op.input_value(0).get_node().friendly_name: tuple(op.input_value(1).shape)
              for op in quantized.get_ordered_ops() if op.get_type_name() == "FakeQuantize"}
    assert ranges == {"image": (1, 1, 1, 1), "first/relu6": (1, 8, 1, 1), "depthwise/relu6": (1, 1, 1, 1),
                      "pointwise/relu6": (1, 1, 1, 1), "pool": (1, 1, 1, 1)}
    for name in ("first", "depthwise", "pointwise", "logits"):
        weights = weights_of(quantized, name)
        assert weights.dtype == np.int8 and weights.min() >= -127
        assert weights.size == np.prod(named(quantized, name).get_input_shape(1))
    small = qk.quantize_model(build(), samples, weights="u8")
    assert weights_of(small, "pointwise").dtype == np.uint8
    assert kinds(small).count("Subtract") == 4


def test_openvino_runs_its_layers_in_int8(build, samples):
    compiled = openvino.Core().compile_model(qk.quantize_model(build(), samples), "CPU")
    infos = [op.get_rt_info() for op in compiled.get_runtime_model().get_ordered_ops()]
    precisions = [str(info["runtimePrecision"].astype(str)) for info in infos
                  if str(info["layerType"].astype(str)) in ("Convolution", "FullyConnected")]
    assert len(precisions) == 4
    if not any(precision in ("u8", "i8") for precision in precisions):
        pytest.skip(f"OpenVINO has no int8 convolutions on this CPU: {precisions}")
    assert precisions[1:3] == ["u8", "u8"]


def test_the_given_model_stays_what_it_was(build, samples, infer):
    model = build(batch_norm=True)
    before, text = infer(model, samples[:3]), kinds(model)
    qk.quantize_model(model, samples, weights="u8")
    assert kinds(model) == text
    np.testing.assert_array_equal(infer(model, samples[:3]), before)


def test_the_same_samples_give_the_same_model(build, samples, infer):
    model = build()
    first, second = qk.quantize_model(model, samples), qk.quantize_model(model, iter(samples))
    np.testing.assert_array_equal(infer(first, samples), infer(second, samples))


def test_saved_and_read_it_is_the_same(build, samples, infer, tmp_path):
    quantized = qk.quantize_model(build(), samples)
    openvino.save_model(quantized, tmp_path / "q.xml", compress_to_fp16=False)
    np.testing.assert_array_equal(infer(openvino.Core().read_model(tmp_path / "q.xml"), samples), infer(quantized, samples))
    stored = sum(np.prod(shape) for shape in ((8, 3, 3, 3), (8, 9), (16, 8), (16, 5)))
    assert (tmp_path / "q.bin").stat().st_size < 2 * stored + 2048


def test_compressed_and_dynamic_models_are_read(build, samples, infer, tmp_path):
    model = build()
    openvino.save_model(model, tmp_path / "half.xml")       # weights as float16 behind a Convert
    half = openvino.Core().read_model(tmp_path / "half.xml")
    dynamic = model.clone()
    dynamic.reshape([openvino.Dimension(), 12, 12, 3])
    assert dynamic.is_dynamic()
    exact = infer(model, samples)
    for source in (tmp_path / "half.xml", half, dynamic):
        assert np.abs(infer(qk.quantize_model(source, samples), samples) - exact).mean() < 0.02


def test_a_residual_is_quantized_at_both_inputs_of_its_sum(build, samples, infer):
    model = build(residual=True)
    quantized = qk.quantize_model(model, samples)
    both = [value.get_node().get_type_name() for value in named(quantized, "sum").input_values()]
    assert both == ["FakeQuantize", "FakeQuantize"]
    # the block's input is quantized once, for the convolution and for the sum
    assert kinds(quantized).count("FakeQuantize") == 7
    assert np.abs(infer(quantized, samples) - infer(model, samples)).mean() < 0.03


@pytest.mark.parametrize("transposed", [False, True])
def test_several_inputs(rng, transposed):
    a, b = (o.parameter([1, 4], np.float32, name=name) for name in "ab")
    weights = rng.standard_normal((4, 3)).astype(np.float32)
    stored = weights.T.copy() if transposed else weights
    products = [o.matmul(x, o.constant(stored), False, transposed) for x in (a, b)]
    model = openvino.Model([o.result(o.add(*products))], [a, b])
    samples = [tuple(rng.uniform(-1, 1, (1, 4)).astype(np.float32) for _ in range(2)) for _ in range(20)]
    quantized = qk.quantize_model(model, samples)
    run = openvino.Core().compile_model(quantized, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    for x, y in samples:
        np.testing.assert_allclose(run([x, y])[0], x @ weights + y @ weights, atol=0.1)


def test_names_are_those_of_the_given_model(build, samples):
    model = build()
    kept = {op.friendly_name: op.get_type_name() for op in model.get_ordered_ops() if op.get_type_name() != "Constant"}
    made = {op.friendly_name: op.get_type_name() for op in qk.quantize_model(model, samples).get_ordered_ops()}
    assert kept.items() <= made.items()


def test_progress_rises_to_the_end(build, samples):
    told = []
    qk.quantize_model(build(), samples, progress=lambda what, done: told.append((what, done)))
    shares = [done for _, done in told]
    assert shares == sorted(shares) and shares[-1] == 1
    assert [what for what, _ in itertools.groupby(told, lambda entry: entry[0])] == [
        "observing", "choosing ranges", "float means", "weights"]


def test_shapes_that_a_dynamic_model_does_not_take():
    x = o.parameter([1, -1, 4], np.float32)
    y = o.matmul(o.reshape(x, np.array([1, 8], np.int64), False), o.constant(np.ones((8, 2), np.float32)), False, False)
    model = openvino.Model([o.result(y)], [x])
    assert qk.quantize_model(model, [np.ones((1, 2, 4), np.float32)]).outputs[0].shape == [1, 2]
    with pytest.raises(ValueError, match=r"^samples: shapes \[\(1, 3, 4\)\] do not fit the model: .+$"):
        qk.quantize_model(model, [np.ones((1, 3, 4), np.float32)])


def test_what_openvino_does_not_compile(build, samples, monkeypatch):
    class Core:
        def compile_model(self, *_):
            raise RuntimeError("Exception from somewhere.cpp:1:\nthe reason\n")
    monkeypatch.setattr(inference, "core", Core)
    with pytest.raises(ValueError, match="^model: OpenVINO does not compile it: the reason$"):
        qk.quantize_model(build(), samples)


def test_bad_input_is_named(build, samples, tmp_path):
    model = build()
    with pytest.raises(ValueError, match="samples: expected at least one"):
        qk.quantize_model(model, [])
    with pytest.raises(TypeError, match=r"samples\[1\]: expected float32, got float64"):
        qk.quantize_model(model, [samples[0], samples[1].astype(float)])
    with pytest.raises(ValueError, match=r"samples\[0\]: expected finite"):
        qk.quantize_model(model, [samples[0] * np.float32(np.nan)])
    with pytest.raises(ValueError, match=r"samples\[1\]: expected shapes"):
        qk.quantize_model(model, [samples[0], samples[1][:, 1:]])
    with pytest.raises(ValueError, match=r"samples: shape \(1, 11, 12, 3\) for input 0"):
        qk.quantize_model(model, [samples[0][:, 1:]])
    with pytest.raises(ValueError, match="samples: each has 2 arrays, the model 1 inputs"):
        qk.quantize_model(model, [(samples[0], samples[0])])
    with pytest.raises(ValueError, match="method: expected auto, minmax, percentile, mse, entropy, got 'max'"):
        qk.quantize_model(model, samples, method="max")
    with pytest.raises(ValueError, match="weights: expected s8, u8, got 's4'"):
        qk.quantize_model(model, samples, weights="s4")
    with pytest.raises(ValueError, match="rounding: expected nearest, error, got 'up'"):
        qk.quantize_model(model, samples, rounding="up")
    with pytest.raises(ValueError, match="is a FakeQuantize: the model is quantized already"):
        qk.quantize_model(qk.quantize_model(model, samples), samples)
    with pytest.raises(FileNotFoundError, match="absent.xml"):
        qk.quantize_model(tmp_path / "absent.xml", samples)
    x = o.parameter([1, 4], np.float32)
    with pytest.raises(ValueError, match="source: no convolution, product"):
        qk.quantize_model(openvino.Model([o.result(o.relu(x))], [x]), [np.zeros((1, 4), np.float32)])
