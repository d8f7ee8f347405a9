"""Blocks of MobileNet V2 and V3 and of residual networks: sums, factors, gates and tables against OpenVINO and NumPy."""

import numpy as np
import pytest
from test_patterns import RANDOM, conv, images, int8_weights, model_of, quantize

openvino = pytest.importorskip("openvino")
from openvino import opset13 as o  # noqa: E402

import qkernels as qk  # noqa: E402
from qkernels.graph import UnsupportedModelError, import_model, ir  # noqa: E402
from qkernels.graph.reference import evaluate_graph  # noqa: E402
from qkernels.graph.single_layer import check  # noqa: E402


def ranged(x, low, high):
    """FakeQuantize of 256 steps over about low..high, 0 on one of them."""
    zero_point = round(-low / (high - low) * 255)
    step = (high - low) / 255
    return quantize(x, -zero_point * step, (255 - zero_point) * step)


def compared(model, kinds, limit=1):
    """The model's graph: every node within a step of OpenVINO, and the plan the same bytes as the graph's definition."""
    graph = import_model(model)
    for node in graph.nodes:
        if not isinstance(node, (ir.Input, ir.Reshape)):
            found = check(model, graph, node)
            assert found.max_difference <= (limit if node.dtype == "uint8" else 1e-4), found
            assert node.dtype == "float32" or found.exact_fraction > 0.98, found
    ends = (ir.Input, ir.Quantize, ir.Dequantize, ir.Reshape)
    assert [type(node).__name__ for node in graph.nodes if not isinstance(node, ends)] == kinds
    x = RANDOM.uniform(-1, 1, graph.input_shapes[0]).astype(np.float32)
    expected, = evaluate_graph(graph, x)
    np.testing.assert_array_equal(qk.load_model(model)(x), expected)
    return graph


def test_residual_sum():
    parameter, x = images(16)
    y = ranged(conv(x, int8_weights((16, 16, 1, 1))), -2, 2)
    total = ranged(o.add(x, y), -2.5, 2.2)
    graph = compared(model_of(ranged(conv(total, int8_weights((8, 16, 3, 3))), -4, 4), parameter),
                     ["Conv2d", "Arithmetic", "Conv2d"])
    node, = (node for node in graph.nodes if isinstance(node, ir.Arithmetic))
    assert node.operation == "add" and node.inputs == (graph.nodes[1].name, graph.nodes[2].name)


def test_residual_sum_with_relu():
    parameter, x = images(16)
    y = ranged(conv(x, int8_weights((16, 16, 1, 1))), -2, 2)
    total = ranged(o.relu(o.add(y, x)), 0, 2.2)
    graph = compared(model_of(ranged(conv(total, int8_weights((8, 16, 1, 1))), -4, 4), parameter),
                     ["Conv2d", "Arithmetic", "Conv2d"])
    assert any(isinstance(node, ir.Arithmetic) and (node.lo, node.zero_point) == (0, 0) for node in graph.nodes)


@pytest.mark.parametrize("kernel, group", [(1, False), (3, False), (3, True)])
def test_hard_swish_in_the_epilogue(kernel, group):
    parameter, x = images(64 if group else 24, side=11)
    weights = int8_weights((64, 1, 1, 3, 3), channels=1) if group else int8_weights((40, 24, kernel, kernel))
    y = o.add(conv(x, weights, group=group), RANDOM.normal(size=(1, 64 if group else 40, 1, 1)).astype(np.float32))
    graph = compared(model_of(ranged(o.hswish(y), -0.4, 6), parameter), ["Conv2d"])
    assert graph.nodes[-2].activation == "hard_swish"


def test_squeeze_and_excite():
    parameter, x = images(24, side=10)
    squeezed = ranged(o.reduce_mean(x, np.array([2, 3], np.int64), True), -1, 1)
    less = ranged(o.relu(conv(squeezed, int8_weights((8, 24, 1, 1)))), 0, 1)
    factor = ranged(o.hsigmoid(o.add(conv(less, int8_weights((24, 8, 1, 1))), np.float32(1))), 0, 1)
    scaled = ranged(o.multiply(x, factor), -1, 1)
    compared(model_of(ranged(conv(scaled, int8_weights((16, 24, 1, 1))), -3, 3), parameter),
             ["AveragePool", "Linear", "Linear", "Arithmetic", "Conv2d"])


@pytest.mark.parametrize("make", [o.hswish, o.hsigmoid, o.sigmoid, o.swish, lambda x: o.clamp(x, 0, 0.7),
                                  lambda x: o.multiply(o.add(x, np.float32(0.25)), np.float32(0.5))])
def test_functions_of_quantized_tensors_are_tables(make):
    parameter, x = images(20)
    graph = compared(model_of(ranged(make(x), -1, 1), parameter), ["Table"])
    assert graph.nodes[-2].table.shape == (256,)


def test_another_range_is_a_table():
    parameter, x = images(20)
    compared(model_of(ranged(x, -0.6, 0.6), parameter), ["Table"])


def test_refused():
    parameter, x = images(16)
    unquantized = conv(x, int8_weights((16, 16, 1, 1)))
    with pytest.raises(UnsupportedModelError, match="both inputs must be quantized"):
        import_model(model_of(ranged(o.add(x, unquantized), -1, 1), parameter))
    with pytest.raises(UnsupportedModelError, match="must be followed by a FakeQuantize"):
        import_model(model_of(o.sigmoid(x), parameter))
    with pytest.raises(UnsupportedModelError, match="behind a FakeQuantize"):
        import_model(model_of(ranged(o.sigmoid(unquantized), -1, 1), parameter))


def test_a_model_in_nchw_from_end_to_end():
    parameter = o.parameter([1, 3, 13, 10], np.float32, name="image")
    y = ranged(o.relu(conv(ranged(parameter, -1, 1), int8_weights((20, 3, 3, 3)))), 0, 2)
    model = openvino.Model([o.result(y)], [parameter], "nchw")
    graph = compared(model, ["Transpose", "Conv2d", "Transpose"])
    assert graph.input_shapes == ((1, 3, 13, 10),) and graph.output_shapes == ((1, 20, 13, 10),)


def test_flattening_an_image_in_the_order_of_the_model():
    parameter, x = images(6, side=5)
    flat = o.reshape(ranged(conv(x, int8_weights((8, 6, 1, 1))), -2, 2), np.array([1, 200], np.int64), False)
    product = o.matmul(flat, int8_weights((10, 200)), False, True)
    compared(model_of(ranged(product, -9, 9), parameter), ["Conv2d", "Transpose", "Linear"])
