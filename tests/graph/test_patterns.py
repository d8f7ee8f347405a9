"""The importer on small models: each pattern that it takes against OpenVINO, and each that it refuses."""

import numpy as np
import pytest

openvino = pytest.importorskip("openvino")
from openvino import opset13 as o  # noqa: E402

from qkernels.graph import UnsupportedModelError, import_model, ir  # noqa: E402
from qkernels.graph.epilogue import bounds, fold  # noqa: E402
from qkernels.graph.operators import OPERATORS  # noqa: E402
from qkernels.graph.reference import evaluate_graph  # noqa: E402
from qkernels.graph.single_layer import check  # noqa: E402

F32 = {"INFERENCE_PRECISION_HINT": "f32"}
RANDOM = np.random.default_rng(5)


def quantize(x, low, high):
    low, high = (np.asarray(a, np.float32) for a in (low, high))
    return o.fake_quantize(x, low, high, low, high, 256)


def int8_weights(shape, scale=0.02, channels=1, zero_point=None):
    w = o.convert(o.constant(RANDOM.integers(-127, 128, shape).astype(np.int8)), "f32")
    if zero_point is not None:
        w = o.subtract(w, np.float32(zero_point))
    axes = [1] * len(shape)
    axes[:channels] = shape[:channels]
    return o.multiply(w, (scale * RANDOM.uniform(0.5, 1, axes)).astype(np.float32))


def images(channels=8, side=9, low=-1.0, high=1.0):
    """(Parameter NHWC, its FakeQuantize as NCHW); the range widened to hold 0 on a step."""
    parameter = o.parameter([1, side, side, channels], np.float32, name="image")
    zero_point = round(-low / (high - low) * 255)
    step = (high - low) / 255
    return parameter, o.transpose(quantize(parameter, -zero_point * step, (255 - zero_point) * step), [0, 3, 1, 2])


def conv(x, w, *, group=False, stride=1, auto_pad="same_upper", begin=(0, 0), end=(0, 0), dilation=1):
    make = o.group_convolution if group else o.convolution
    return make(x, w, [stride] * 2, list(begin), list(end), [dilation] * 2, auto_pad=auto_pad)


def model_of(last, parameter):
    """The model that ends in `last`, images brought back to NHWC."""
    if last.get_output_partial_shape(0).rank == 4:
        last = o.transpose(last, [0, 2, 3, 1])
    return openvino.Model([o.result(last)], [parameter], "small")


def checked(model, kind, limit=1.0):
    """Imports `model`, checks every node against OpenVINO, and returns the only node of class `kind`."""
    graph = import_model(model)
    for node in graph.nodes:
        if not isinstance(node, ir.Input):
            assert check(model, graph, node).max_difference <= (limit if node.dtype == "uint8" else 1e-4), node.name
    node, = (node for node in graph.nodes if isinstance(node, kind))
    return node


def kinds(graph):
    return [type(node).__name__ for node in graph.nodes]


@pytest.mark.parametrize("auto_pad, begin, end, stride, dilation, padding", [
    ("same_upper", (0, 0), (0, 0), 2, 1, (1, 1, 1, 1)),
    ("same_lower", (0, 0), (0, 0), 1, 2, (2, 2, 2, 2)),
    ("explicit", (1, 0), (2, 1), 1, 1, (1, 0, 2, 1)),
    ("valid", (0, 0), (0, 0), 2, 1, (0, 0, 0, 0)),
])
def test_padding(auto_pad, begin, end, stride, dilation, padding):
    parameter, x = images(low=-0.7)
    y = conv(x, int8_weights((5, 8, 3, 3)), auto_pad=auto_pad, begin=begin, end=end, stride=stride, dilation=dilation)
    assert checked(model_of(quantize(y, -3 * 127 / 128, 3), parameter), ir.Conv2d).padding == padding


def test_same_padding_of_an_even_image_is_uneven():
    for auto_pad, padding in (("same_upper", (0, 0, 1, 1)), ("same_lower", (1, 1, 0, 0))):
        parameter, x = images(side=8)
        y = conv(x, int8_weights((5, 8, 3, 3)), auto_pad=auto_pad, stride=2)
        assert checked(model_of(quantize(o.relu(y), 0, 3), parameter), ir.Conv2d).padding == padding


def test_per_channel_ranges_before_a_depthwise_convolution():
    parameter, x = images()
    factor, offset = RANDOM.uniform(-2, 2, (2, 1, 8, 1, 1)).astype(np.float32)
    normalized = o.add(o.multiply(conv(x, int8_weights((8, 8, 1, 1))), factor), offset)
    high = np.linspace(0.06, 3, 8).reshape(1, 8, 1, 1)
    first = quantize(o.clamp(normalized, 0, 6), np.zeros_like(high), high)
    second = quantize(o.relu(conv(first, int8_weights((8, 1, 1, 3, 3)), group=True)), 0, 1)
    graph = import_model(model := model_of(second, parameter))
    pointwise, depthwise = (node for node in graph.nodes if isinstance(node, ir.Conv2d))
    assert pointwise.scale.size == 8 and (pointwise.multiplier < 0).any() and depthwise.groups == 8
    assert all(check(model, graph, node).max_difference <= 1 for node in (pointwise, depthwise))


def test_grouped_convolution_and_a_zero_batch_norm():
    parameter, x = images()
    factor = np.array([1, 0, -1, 2, 0.5, 1, 1, 0], np.float32).reshape(1, 8, 1, 1)
    y = o.add(o.multiply(conv(x, int8_weights((2, 4, 4, 3, 3), channels=2), group=True), factor),
              np.linspace(-1, 1, 8, dtype=np.float32).reshape(1, 8, 1, 1))
    node = checked(model_of(quantize(y, -128 / 64, 127 / 64), parameter), ir.Conv2d)
    assert node.groups == 2 and not node.weights[..., 1].any() and node.weights.shape == (3, 3, 4, 8)


def test_relu6_below_the_range_lowers_hi():
    parameter, x = images()
    y = o.clamp(conv(x, int8_weights((8, 8, 1, 1), 0.2)), 0, 6)
    node = checked(model_of(quantize(y, -1, 7.5), parameter), ir.Conv2d)
    assert (node.zero_point, node.lo, node.hi) == (30, 30, 210)


def test_matrix_product_pooling_and_weights_with_zero_point_or_float():
    parameter, x = images()
    x = quantize(o.relu(conv(x, int8_weights((8, 8, 1, 1)))), 0, 2)
    x = quantize(o.reduce_mean(x, [2, 3], True), 0, 0.7)
    x = o.squeeze(x, [2, 3])
    small = o.constant(RANDOM.integers(100, 140, (8, 6)).astype(np.uint8))
    x = o.matmul(x, o.multiply(o.subtract(o.convert(small, "f32"), np.float32(120)), np.float32(0.01)), False, False)
    x = quantize(o.relu(x), 0, 0.5)
    floats = RANDOM.uniform(-1, 1, (4, 6)).astype(np.float32)
    one = np.float32(1)
    x = o.matmul(x, o.fake_quantize(floats, -one, one, -one, one, 255), False, True)
    model = model_of(o.softmax(o.add(x, np.arange(4, dtype=np.float32)), 1), parameter)
    graph = import_model(model)
    assert kinds(graph) == ["Input", "Quantize", "Conv2d", "AveragePool", "Reshape", "Linear", "Linear", "Softmax"]
    data = RANDOM.uniform(-1, 1, (1, 9, 9, 8)).astype(np.float32)
    theirs = openvino.Core().compile_model(model, "CPU", F32)([data])[0]
    assert np.abs(evaluate_graph(graph, data)[0] - theirs).max() < 0.02


def test_a_quantized_result_is_dequantized():
    parameter = o.parameter([2, 5], np.float32)
    node = checked(model_of(quantize(parameter, 0, 255 / 64), parameter), ir.Dequantize)
    assert node.input_scale == np.float32(1 / 64)


# arithmetic --------------------------------------------------------------------------------------------------------

def test_fold_refines_a_coarse_bias_and_keeps_the_product():
    weights = np.array([[1, 127, 3]], np.int16)
    w, bias, multiplier = fold(weights, np.array([2.0, 2.0, 1e-3]), np.array([0.7, 0.7, 5.0]), quantized=True)
    assert w.tolist() == [[64, 127, 3]]
    assert np.allclose(w * multiplier, weights * [2.0, 2.0, 1e-3])
    assert np.allclose((bias * multiplier)[[0, 2]], [0.7, 5], atol=1 / 64)


def test_fold_of_constants_and_of_a_bias_beyond_int32():
    weights = np.array([[100, 100, 0]], np.int16)
    w, bias, multiplier = fold(weights, np.array([0.0, 1e-12, 1.0]), np.array([-3.3, 200.5, 0.0]), quantized=True)
    assert not w.any() and np.allclose(bias * multiplier.astype(float), [-3.3, 200.5, 0], rtol=1e-6)
    w, bias, multiplier = fold(weights, np.full(3, 1e-7), np.full(3, 200.0), quantized=True)
    assert np.abs(bias).max() <= 2**30 and np.allclose(bias * multiplier.astype(float), 200)
    assert fold(np.array([[-128, 127]], np.int16), np.ones(2), np.ones(2), quantized=True)[0].dtype == np.int8
    wide, _, _ = fold(np.array([[128, -255]], np.int16), np.ones(2), np.ones(2), quantized=True)
    assert wide.dtype == np.int16 and wide.tolist() == [[128, -255]]
    with pytest.raises(ValueError, match="-255..255"):
        fold(np.array([[256]], np.int16), np.ones(1), np.ones(1), quantized=True)


def test_bounds_at_the_end_of_the_range_cut_nothing():
    step = np.float32(6 / 255)
    assert bounds(0, 6, np.array([step, np.nextafter(step, np.float32(1))]), np.zeros(1, np.int32)) == (0, 255)
    with pytest.raises(ValueError, match="upper bound"):
        bounds(0, 6, np.array([step, 2 * step]), np.zeros(1, np.int32))


# what is refused ---------------------------------------------------------------------------------------------------

def refused(model, match):
    with pytest.raises(UnsupportedModelError, match=match) as caught:
        import_model(model)
    return caught.value


def test_unknown_operator_names_type_node_and_known_list():
    parameter, x = images()
    strange = o.sin(x)
    strange.friendly_name = "wave"
    error = refused(model_of(strange, parameter), "Sin 'wave': unknown operator; known operators: Add, .*Unsqueeze")
    assert error.operator == "Sin" and error.node == "wave" and error.known == tuple(sorted(OPERATORS))


def test_refused_patterns():
    parameter, x = images()
    high = np.linspace(1, 7, 8).reshape(1, 8, 1, 1)
    low = 0 * high
    y = conv(x, int8_weights((8, 8, 1, 1)))
    relu6 = o.clamp(y, 0, 6)
    per_channel = quantize(o.relu(y), low, high)
    floats = o.constant(np.ones((4, 8, 1, 1), np.float32))
    symmetric = np.array([-128 / 127, -1, -1, -1, -1, -1, -1, -1]).reshape(high.shape)
    for last, match in (
        (quantize(relu6, low, high), "upper bound falls inside the range of some channels only"),
        (quantize(y, symmetric, symmetric + 255 / 127), "zero point differs between channels|not on one of"),
        (conv(per_channel, int8_weights((4, 8, 1, 1))), "differ between channels that are summed"),
        (relu6, "must be followed by a FakeQuantize"),
        (quantize(relu6, 1, 2), "does not contain 0"),
        (conv(x, floats), "weights are float32, not quantized"),
        (conv(relu6, int8_weights((4, 8, 1, 1))), "is not quantized: a FakeQuantize must come"),
    ):
        refused(model_of(last, parameter), match)


def test_nchw_is_reordered_unless_the_order_is_moot():
    parameter = o.parameter([1, 8, 5, 5], np.float32)
    low, high = np.zeros((1, 8, 1, 1)), np.linspace(1, 2, 8).reshape(1, 8, 1, 1)
    y = conv(quantize(parameter, low, high), int8_weights((8, 1, 1, 1, 1)), group=True)
    refused(model_of(quantize(o.relu(y), 0, 1), parameter), "varies along more than the channels")
    gray = o.parameter([1, 1, 5, 5], np.float32)
    y = o.reshape(quantize(o.relu(conv(quantize(gray, 0, 1), int8_weights((1, 1, 3, 3)))), 0, 1), [1, 25], False)
    graph = import_model(model_of(y, gray))
    assert graph.input_shapes == ((1, 1, 5, 5),) and not any(isinstance(node, ir.Transpose) for node in graph.nodes)


def test_dynamic_shape_is_refused():
    parameter = o.parameter(openvino.PartialShape([-1, 4]), np.float32)
    refused(model_of(quantize(parameter, 0, 1), parameter), "dynamic")


def fails(model, match):
    with pytest.raises(UnsupportedModelError, match=match):
        import_model(model)


@pytest.mark.parametrize("make", [
    lambda x: o.transpose(x, [1, 2, 0, 3]),
    lambda x: o.reshape(x, np.array([5, 5, 4], np.int64), False),
    lambda x: x,
])
def test_an_input_that_is_an_output_is_refused(make):
    """No operator would write the output's array."""
    parameter = o.parameter([1, 5, 5, 4], np.float32, name="in")
    fails(openvino.Model([o.result(make(parameter))], [parameter], "small"), "is the input 'in' itself")


def test_a_tensor_that_is_a_result_twice_is_refused():
    parameter = o.parameter([1, 4], np.float32, name="in")
    y = o.softmax(o.matmul(quantize(parameter, 0, 255 / 64), int8_weights((4, 3), channels=0), False, False), 1)
    z = o.reshape(y, np.array([3], np.int64), False)
    fails(openvino.Model([o.result(y), o.result(z)], [parameter], "small"), "is a result already")


@pytest.mark.parametrize("shape", [[0, 4], []])
def test_inputs_of_no_elements_or_axes_are_refused(shape):
    parameter = o.parameter(shape, np.float32, name="in")
    last = o.softmax(parameter, 0) if shape else o.relu(parameter)
    fails(openvino.Model([o.result(last)], [parameter], "small"), "in.*shape")


def test_a_tensor_without_axes_is_refused():
    parameter = o.parameter([1, 1], np.float32, name="in")
    x = o.squeeze(parameter, np.array([0, 1], np.int64))
    fails(openvino.Model([o.result(quantize(x, 0, 1))], [parameter], "small"), "without axes")


@pytest.mark.parametrize("scale_shape, zero_point_shape", [((4, 4, 3), ()), ((1, 4, 3), ()), ((), (1, 4, 3))])
def test_constants_that_enlarge_weights_are_refused(scale_shape, zero_point_shape):
    parameter = o.parameter([1, 4], np.float32, name="in")
    w = o.subtract(o.convert(o.constant(np.ones((1, 3), np.int8)), "f32"), np.zeros(zero_point_shape, np.float32))
    w = o.multiply(w, np.ones(scale_shape, np.float32))
    x = quantize(parameter, 0, 255 / 64)
    fails(openvino.Model([o.result(o.matmul(x, w, False, False))], [parameter], "small"), "repeats a constant")


def test_zero_points_beyond_sixteen_bits_are_refused():
    """They wrapped round, to other weights."""
    parameter = o.parameter([1, 4], np.float32, name="in")
    w = int8_weights((4, 3), channels=0, zero_point=65536)
    fails(openvino.Model([o.result(o.matmul(quantize(parameter, 0, 1), w, False, False))], [parameter], "small"), "zero point")
