"""The passes of a quantization, one by one."""

import numpy as np
import pytest

openvino = pytest.importorskip("openvino")
from openvino import opset13 as o  # noqa: E402

from qkernels.graph.epilogue import range_parameters  # noqa: E402
from qkernels.quantization import network  # noqa: E402
from qkernels.quantization.bias_correction import output_means  # noqa: E402
from qkernels.quantization.equalize import equalize  # noqa: E402
from qkernels.quantization.fold import fold_batch_norms  # noqa: E402
from qkernels.quantization.insert import on_steps  # noqa: E402
from qkernels.quantization.quantize import quantize_model  # noqa: E402
from qkernels.quantization.rounding import covariance, patches, round_by_error  # noqa: E402
from qkernels.quantization.walk import walk  # noqa: E402
from qkernels.quantization.weights import grid  # noqa: E402


def test_ranges_hold_zero_on_a_step_and_what_they_were_asked_to(rng):
    low, high = -np.abs(rng.standard_normal(1000)), np.abs(rng.standard_normal(1000))
    low[:100], high[100:200] = 0, 0
    low[200:300] *= 1e-4
    ends = on_steps(low, high)
    scale, zero_point = range_parameters(*(end.astype(np.float64) for end in ends))
    assert (ends[0] <= low + 0.51 * scale).all() and (ends[1] >= high - 0.51 * scale).all()
    assert (scale <= 1.01 * (high - low) / 255 + 1e-9).mean() > 0.9
    assert (zero_point[:100] == 0).all() and (zero_point[100:200] == 255).all()
    assert [float(end) for end in on_steps(0, 0)] == [0, 1]
    # an image in -1..1: both ends fit
    assert [float(end) for end in on_steps(-1, 1)] == pytest.approx([-128 / 127, 1])


def test_batch_norms_factors_and_offsets_fold_away(build, samples, infer):
    model = build(batch_norm=True)
    folded = network.float_copy(model, [samples[0].shape])
    layers = fold_batch_norms(folded)
    assert "BatchNormInference" not in [op.get_type_name() for op in folded.get_ordered_ops()]
    assert [layer.name for layer in layers] == ["first", "depthwise", "pointwise", "logits"]
    np.testing.assert_allclose(infer(folded, samples), infer(model, samples), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("batch_norm_inside", [False, True])
def test_a_factor_that_is_not_per_channel_stays(rng, infer, batch_norm_inside):
    x = o.parameter([1, 3, 4, 4], np.float32)
    y = o.convolution(x, rng.standard_normal((2, 3, 1, 1)).astype(np.float32), [1, 1], [0, 0], [0, 0], [1, 1])
    y = o.multiply(y, rng.standard_normal((1, 2, 1, 1)).astype(np.float32))
    y = o.subtract(o.add(y, np.float32(2)), rng.standard_normal((2, 1, 1)).astype(np.float32))
    y = o.multiply(y, rng.standard_normal((1, 1, 4, 4)).astype(np.float32))
    if batch_norm_inside:       # behind that factor: nothing to fold it into
        y = o.batch_norm_inference(y, *(np.ones(2, np.float32) for _ in range(4)), 1e-3)
    model = openvino.Model([o.result(y)], [x])
    folded = network.float_copy(model, [(1, 3, 4, 4)])
    fold_batch_norms(folded)
    kinds = [op.get_type_name() for op in folded.get_ordered_ops()]
    assert (kinds.count("Multiply"), kinds.count("Add"), kinds.count("Subtract")) == (1, 1, 0)
    sample = rng.standard_normal((1, 3, 4, 4)).astype(np.float32)
    np.testing.assert_allclose(infer(folded, [sample]), infer(model, [sample]), rtol=1e-4, atol=1e-5)


def test_equalization_changes_no_output_and_evens_channels(build, samples, infer):
    model = build(spread=2.0)
    copy = network.float_copy(model, [samples[0].shape])
    layers = fold_batch_norms(copy)

    def unevenness():
        return [np.log(np.abs(layer.rows).max(axis=1)).std() for layer in layers[:2]]

    before = unevenness()
    equalize(copy, layers, [(x,) for x in samples])
    np.testing.assert_allclose(infer(copy, samples), infer(model, samples), rtol=1e-3, atol=1e-5)
    assert sum(unevenness()) < 0.8 * sum(before)


def test_equalization_helps_weights_with_one_scale(build, samples, infer):
    model = build(spread=2.0)
    exact = infer(model, samples)
    error = {on: np.abs(infer(quantize_model(model, samples, weights="u8", equalize=on, rounding="nearest"), samples)
                        - exact).mean() for on in (False, True)}
    assert error[True] < error[False]


@pytest.mark.parametrize("settings", [{}, {"rounding": "nearest", "method": "minmax", "weights": "u8"}], ids=str)
def test_bias_correction_makes_means_those_of_the_float_model(build, samples, settings):
    model, inputs = build(), [(x,) for x in samples]
    float_model = network.float_copy(model, [samples[0].shape])
    exact = output_means(float_model, network.layers(float_model), inputs, lambda done: None)

    def distance(on):
        # equalization would make the channels others
        quantized = quantize_model(model, samples, bias_correction=on, equalize=False, **settings)
        found = output_means(quantized, network.layers(quantized), inputs, lambda done: None)
        return max(np.abs(found[name] - exact[name]).max() for name in exact)

    assert distance(True) < 1e-3
    assert distance(False) > 3 * distance(True)


def test_rounding_by_error_leaves_a_smaller_error_than_the_nearest(rng):
    mixing = rng.standard_normal((2, 24, 24))
    x = np.matmul(rng.standard_normal((2, 500, 24)), mixing).astype(np.float32)
    rows = rng.standard_normal((20, 24)).astype(np.float32)      # two groups of ten channels
    for kind in ("s8", "u8"):
        found = grid(rows, kind)
        h = covariance(x)
        rounded = round_by_error(rows, h, found)
        assert rounded.min() >= found.low and rounded.max() <= found.high and (rounded == np.rint(rounded)).all()

        def error(q, found=found, h=h):
            e = (found.real(q) - rows).reshape(2, 10, 24)
            return np.einsum("gik,gkl,gil->", e, h, e)

        assert error(rounded) < 0.5 * error(found.nearest(rows))


def test_rounding_by_error_of_inputs_that_have_nothing_in_common_is_the_nearest(rng):
    rows = rng.standard_normal((5, 7)).astype(np.float32)
    found = grid(rows, "s8")
    diagonal = np.diag(rng.uniform(0.5, 2, 7))[np.newaxis]
    np.testing.assert_array_equal(round_by_error(rows, diagonal, found), found.nearest(rows))
    np.testing.assert_array_equal(round_by_error(rows, np.zeros((1, 7, 7)), found), found.nearest(rows))


@pytest.mark.parametrize("groups", [1, 2, 8])
@pytest.mark.parametrize("stride, dilation, kernel", [(1, 1, 3), (2, 1, 3), (1, 2, 3), (3, 1, 1), (1, 1, 9)])
def test_patches_are_what_a_convolution_multiplies(rng, groups, stride, dilation, kernel):
    weights = rng.standard_normal((groups, 16 // groups, 8 // groups, kernel, kernel)).astype(np.float32)
    x = o.parameter([1, 8, 9, 10], np.float32)
    op = o.group_convolution(x, o.constant(weights), [stride] * 2, [0, 0], [0, 0], [dilation] * 2)
    if groups == 1:
        op = o.convolution(x, o.constant(weights[0]), [stride] * 2, [0, 0], [0, 0], [dilation] * 2)
    layer, = network.layers(openvino.Model([o.result(op)], [x]))
    inputs = rng.integers(0, 256, (3, 1, 8, 9, 10), np.uint8)
    compiled = openvino.Core().compile_model(openvino.Model([o.result(op)], [x]), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    expected = np.concatenate([np.array(compiled([image.astype(np.float32)])[0]) for image in inputs])
    found = patches(layer, inputs)
    products = np.matmul(found, layer.rows.reshape(groups, 16 // groups, -1).transpose(0, 2, 1))    # (groups, n, channels)
    channels_last = products.transpose(1, 0, 2).reshape(3, *expected.shape[2:], 16)
    np.testing.assert_allclose(channels_last.transpose(0, 3, 1, 2), expected, rtol=1e-4, atol=0.05)


def test_an_image_smaller_than_the_kernel_has_patches(rng):
    x = o.parameter([1, 2, 2, 2], np.float32)
    op = o.convolution(x, rng.standard_normal((4, 2, 3, 3)).astype(np.float32), [1, 1], [1, 1], [1, 1], [1, 1])
    layer, = network.layers(openvino.Model([o.result(op)], [x]))
    assert patches(layer, np.ones((5, 1, 2, 2, 2), np.uint8)).shape == (1, 5, 18)


def test_a_walk_hands_out_each_layers_input_and_leaves_the_model_whole(build, samples, infer):
    quantized = quantize_model(build(residual=True), samples)
    before = infer(quantized, samples[:4])
    ops = {op.friendly_name: op for op in quantized.get_ordered_ops()}
    for layer, inputs in walk(quantized, network.layers(quantized), [(x,) for x in samples[:4]]):
        real = inputs.low + inputs.bytes * inputs.step
        if layer.name == "first":
            np.testing.assert_allclose(real[:, 0].transpose(0, 2, 3, 1), np.concatenate(samples[:4]), atol=0.005)
        assert real.shape == (4, *layer.op.get_input_shape(0))
        np.testing.assert_allclose(inputs.mean(), real.mean(axis=0), rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(infer(quantized, samples[:4]), before)
    for _ in walk(quantized, network.layers(quantized), [(x,) for x in samples[:4]]):
        break       # closed early
    np.testing.assert_array_equal(infer(quantized, samples[:4]), before)
    assert set(ops) == {op.friendly_name for op in quantized.get_ordered_ops()}
