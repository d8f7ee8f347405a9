"""The cost of single layers, and the order made of it."""

import numpy as np
import pytest

openvino = pytest.importorskip("openvino")
from openvino import opset13 as o  # noqa: E402

import qkernels as qk  # noqa: E402
from qkernels.accuracy.sensitivity import LayerCost, pareto_order, sensitivity  # noqa: E402
from qkernels.quantization.network import layers  # noqa: E402


def chain(rng):
    """Three products of 8 with ReLU between, softmax behind."""
    x = o.parameter([1, 8], np.float32, name="x")
    y = x
    for name in ("first", "second", "third"):
        y = o.matmul(y, o.constant(rng.standard_normal((8, 8)).astype(np.float32)), False, False)
        y.friendly_name = name
        y = o.add(y, rng.standard_normal((1, 8)).astype(np.float32))
        y = o.relu(y) if name != "third" else o.softmax(y, 1)
    return openvino.Model([o.result(y)], [x], "chain")


def test_the_layer_with_the_coarsest_weights_costs_most(rng):
    model = chain(rng)
    samples = [rng.uniform(-1, 1, (1, 8)).astype(np.float32) for _ in range(20)]
    quantized = qk.quantize_model(model, samples)
    second = layers(quantized)[1]
    second.set_rows(np.rint(second.rows * 4) / 4)       # as if by few bits
    told = []
    costs = sensitivity(model, quantized, [(x,) for x in samples], told.append)
    assert [cost.name for cost in costs] == ["first", "second", "third"] and told[-1] == 1
    assert costs[1].divergence > 5 * max(costs[0].divergence, costs[2].divergence)
    # OpenVINO counts whole microseconds: products as small as these may take none
    assert all(min(cost.divergence, cost.float_us, cost.int8_us) >= 0 for cost in costs)
    assert pareto_order([LayerCost(c.name, c.divergence, 3, 1) for c in costs])[0].name == "second"


def test_what_was_not_made_of_the_float_model_is_named(rng):
    samples = [rng.uniform(-1, 1, (1, 8)).astype(np.float32) for _ in range(5)]
    with pytest.raises(ValueError, match="quantized: the weights of 'first' are .* away from the float model's"):
        sensitivity(chain(rng), qk.quantize_model(chain(rng), samples), [(x,) for x in samples], lambda done: None)


def test_order_is_by_divergence_for_each_microsecond():
    costs = [LayerCost("cheap", 0.1, 10, 9), LayerCost("dear", 0.2, 100, 10), LayerCost("free", 0.0001, 5, 6),
             LayerCost("harmless", 0.0, 50, 10)]
    assert [cost.name for cost in pareto_order(costs)] == ["free", "cheap", "dear", "harmless"]
