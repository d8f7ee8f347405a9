"""Pooling against OpenVINO, and the poolings that the importer refuses."""

import numpy as np
import pytest

openvino = pytest.importorskip("openvino")
from openvino import opset8, opset13, opset14  # noqa: E402

from qkernels.graph import UnsupportedModelError, import_model, ir, lower  # noqa: E402
from qkernels.graph.reference import evaluate_graph  # noqa: E402
from qkernels.graph.single_layer import check  # noqa: E402


def image(side=9, low=-0.7):
    """(Parameter NHWC, its FakeQuantize as NCHW), a zero point that is not 0."""
    o = opset13
    parameter = o.parameter([1, side, side, 12], np.float32, name="image")
    return parameter, o.transpose(quantize(parameter, low, low + 255 / 128), [0, 3, 1, 2])


def quantize(x, low, high):
    step = (high - low) / 255
    zero_point = round(-low / step)
    ends = [np.float32(-zero_point * step), np.float32((255 - zero_point) * step)]
    return opset13.fake_quantize(x, *ends, *ends, 256)


def model_of(last, parameter):
    return openvino.Model([opset13.result(opset13.transpose(last, [0, 2, 3, 1]))], [parameter], "pooling")


def checked(model, kind):
    """The only node of class `kind`, after every node has been compared with OpenVINO and the native plan with NumPy."""
    graph = import_model(model)
    for node in graph.nodes[1:]:
        if node.dtype == "uint8":
            result = check(model, graph, node)
            assert result.max_difference <= (1 if kind is ir.AveragePool else 0), result
    x = np.random.default_rng(3).uniform(-0.7, 1.2, graph.input_shapes[0]).astype(np.float32)
    expected, = evaluate_graph(graph, x)
    out = np.empty(expected.shape, expected.dtype)
    lower(graph).run((x,), (out,))
    np.testing.assert_array_equal(out, expected)
    node, = (node for node in graph.nodes if isinstance(node, kind))
    return node


@pytest.mark.parametrize("side, rounding, auto_pad, begin, end, stride, padding", [
    (9, "floor", "explicit", [0, 0], [0, 0], [1, 1], (0, 0, 0, 0)),
    (9, "floor", "explicit", [1, 0], [1, 2], [2, 2], (1, 0, 1, 2)),
    (8, "floor", "same_upper", [0, 0], [0, 0], [2, 2], (0, 0, 1, 1)),
    (10, "ceil", "explicit", [0, 0], [0, 0], [2, 2], (0, 0, 1, 1)),
    (10, "ceil", "explicit", [1, 1], [0, 1], [3, 2], (1, 1, 1, 2))])
def test_max_pool(side, rounding, auto_pad, begin, end, stride, padding):
    parameter, x = image(side)
    for opset in (opset8, opset14):
        pooled = opset.max_pool(x, stride, [1, 1], begin, end, [3, 3], rounding, auto_pad)
        node = checked(model_of(pooled.output(0), parameter), ir.MaxPool)
        assert (node.kernel, node.stride, node.padding) == ((3, 3), tuple(stride), padding)


def test_a_fake_quantize_behind_a_max_pool_costs_nothing():
    parameter, x = image()
    pooled = opset13.max_pool(x, [2, 2], [1, 1], [0, 0], [0, 0], [3, 3])
    model = model_of(quantize(pooled.output(0), -0.7, -0.7 + 255 / 128), parameter)
    kinds = [type(node).__name__ for node in import_model(model).nodes]
    assert kinds == ["Input", "Quantize", "MaxPool", "Dequantize"]


@pytest.mark.parametrize("exclude_pad", [True, False])
@pytest.mark.parametrize("begin, end, stride", [([0, 0], [0, 0], [2, 2]), ([1, 1], [1, 1], [1, 1]), ([0, 1], [2, 0], [2, 1])])
def test_average_pool(begin, end, stride, exclude_pad):
    """Where zeros of the padding count, OpenVINO's int8 pooling takes the byte 0 for them, whatever that stands for."""
    parameter, x = image(low=-0.7 if exclude_pad else 0.0)
    pooled = opset13.avg_pool(x, stride, begin, end, [3, 3], exclude_pad)
    node = checked(model_of(quantize(pooled, -0.5, 1.6), parameter), ir.AveragePool)
    assert node.padding == (*begin, *end) and node.exclude_pad == exclude_pad


def test_average_pool_rounded_up():
    parameter, x = image(10)
    pooled = opset13.avg_pool(x, [2, 2], [0, 0], [0, 0], [3, 3], True, "ceil")
    node = checked(model_of(quantize(pooled, -0.5, 1.1), parameter), ir.AveragePool)
    assert node.padding == (0, 0, 1, 1) and node.shape == (1, 5, 5, 12)
    pooled = opset13.avg_pool(x, [2, 2], [0, 0], [0, 0], [3, 3], False, "ceil")
    with pytest.raises(UnsupportedModelError, match="overhang"):
        import_model(model_of(quantize(pooled, -0.5, 1.1), parameter))


def test_refused():
    parameter, x = image()
    dilated = opset13.max_pool(x, [1, 1], [2, 2], [0, 0], [0, 0], [3, 3])
    with pytest.raises(UnsupportedModelError, match=r"dilations \(2, 2\)"):
        import_model(model_of(dilated.output(0), parameter))
    indexed = opset13.max_pool(x, [1, 1], [1, 1], [0, 0], [0, 0], [3, 3])
    both = openvino.Model([opset13.result(indexed.output(i)) for i in (0, 1)], [parameter], "indices")
    with pytest.raises(UnsupportedModelError, match="more than its first output"):
        import_model(both)
