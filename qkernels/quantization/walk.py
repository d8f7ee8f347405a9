"""Layer after layer through a quantized model, with what each reads on all samples.

What a layer reads is computed once, kept as bytes, and put in the place of all that came before it: so the whole walk
costs one run of the model on each sample, although weights and biases change on the way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .inference import Sample, run
from .insert import STEPS
from .network import Layer, opset

if TYPE_CHECKING:
    import openvino


@dataclass(frozen=True)
class Inputs:
    """`bytes` (samples, *shape) of a layer's input: real = low + bytes * step, both to broadcast against a sample."""

    bytes: NDArray[np.uint8]
    low: NDArray[np.float32]
    step: NDArray[np.float32]

    def mean(self) -> NDArray[np.float32]:
        """The mean of all samples, of a sample's shape."""
        return (self.low + self.bytes.mean(axis=0, dtype=np.float64) * self.step).astype(np.float32)


def walk(model: openvino.Model, layers: Sequence[Layer], samples: Sequence[Sample]) -> Iterator[tuple[Layer, Inputs]]:
    """Each layer with its inputs, those before it being as the caller left them. While it lasts `model` is cut into
    pieces; at its end, or when the iterator is closed, it is whole again."""
    kept: dict[str, Sequence[NDArray[Any]]] = {
        parameter.friendly_name: [sample[i] for sample in samples] for i, parameter in enumerate(model.get_parameters())}
    cuts: list[tuple[Any, Any]] = []
    try:
        for layer in layers:
            source = layer.op.input_value(0)
            low, high = _range(source.get_node())
            if source.get_node().get_type_name() == "Parameter":
                raise ValueError(f"{layer.name}: its input is not quantized")
            needed = _parameters([source.get_node()])
            as_bytes = opset().convert(opset().fake_quantize(source, low, high, np.float32(0), np.float32(STEPS), STEPS + 1),
                                       "u8").output(0)
            rows = [tuple(kept[parameter.friendly_name][i] for parameter in needed) for i in range(len(samples))]
            inputs = np.stack([arrays[0].copy() for arrays in run([as_bytes], needed, rows)])
            del as_bytes
            yield layer, Inputs(inputs, low, (high - low) / np.float32(STEPS))
            parameter = opset().parameter(list(inputs.shape[1:]), np.uint8, name=f"{layer.name}/input")
            kept[parameter.friendly_name] = inputs
            again = opset().fake_quantize(opset().convert(parameter, "f32"), np.float32(0), np.float32(STEPS), low, high,
                                          STEPS + 1)
            for target in source.get_target_inputs():
                cuts.append((target, source))
                target.replace_source_output(again.output(0))
            alive = {parameter.friendly_name for parameter in _parameters(model.get_results())}
            kept = {name: arrays for name, arrays in kept.items() if name in alive}
    finally:
        for target, source in reversed(cuts):
            target.replace_source_output(source)


def _range(op: openvino.Node) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Of the FakeQuantize behind which `op` only moves values."""
    while op.get_type_name() != "FakeQuantize":
        op = op.input_value(0).get_node()
    low, high = (op.input_value(i).get_node().data for i in (1, 2))
    return (low, high) if low.size > 1 else (low.reshape(()), high.reshape(()))


def _parameters(ends: Sequence[Any]) -> list[Any]:
    """The Parameters that `ends` depend on, each once."""
    seen: set[str] = set()
    found, open_ = [], list(ends)
    while open_:
        op = open_.pop()
        if op.get_name() in seen:
            continue
        seen.add(op.get_name())
        if op.get_type_name() == "Parameter":
            found.append(op)
        open_ += [value.get_node() for value in op.input_values()]
    return found
