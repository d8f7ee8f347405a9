"""Ranges of activations: seen on samples, and chosen for each tensor by what the operators that read it make of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from qkernels.calibration import Observer
from qkernels.calibration.methods import METHODS
from qkernels.calibration.methods import ranges as by_method

from .activations import Tensor, readers
from .inference import Sample, run
from .insert import fake_quantize, on_steps
from .network import by_name, opset

if TYPE_CHECKING:
    import openvino

F32 = NDArray[np.float32]
Range = tuple[F32, F32]
Share = Callable[[float], None]
_CHANNEL_BINS = 1024        # histograms of single channels: as many for each half as a range has steps, twice over
_CHANNEL_VALUES = 1 << 10   # of each channel and sample in the histogram; extremes are those of all values
_VALUES = 1 << 15


def observe(model: openvino.Model, wanted: Sequence[Tensor], samples: Sequence[Sample], progress: Share
            ) -> dict[str, Observer]:
    """What each tensor held on the samples; by channel only where none was negative, as the importer needs."""
    ops = by_name(model)
    seen = [Observer(1, bins=_CHANNEL_BINS, most=_CHANNEL_VALUES) if tensor.channels else Observer(most=_VALUES)
            for tensor in wanted]
    outputs = [ops[tensor.source].output(0) for tensor in wanted]
    for done, arrays in enumerate(run(outputs, model.get_parameters(), samples)):
        for observer, array in zip(seen, arrays):
            observer.update(array)
        progress((done + 1) / len(samples))
    return {tensor.source: observer.whole() if tensor.channels and observer.lowest.min() < 0 else observer
            for tensor, observer in zip(wanted, seen)}


def candidates(seen: Mapping[str, Observer], method: str) -> dict[str, Range]:
    """For each tensor the range that `method` gives it."""
    return {name: on_steps(*by_method(observer, method)) for name, observer in seen.items()}


def choose(model: openvino.Model, seen: Mapping[str, Observer], samples: Sequence[Sample], progress: Share
           ) -> dict[str, Range]:
    """For each tensor the candidate under which its readers' outputs are nearest those of the float model.

    For every method one copy of the model, all of whose readers read the original's tensors, quantized: so no error of
    an earlier layer adds to theirs, and all are measured at once.
    """
    ops = by_name(model)
    found = {method: candidates(seen, method) for method in METHODS}
    copies = {method: model.clone() for method in METHODS}
    reading = {name: [reader.friendly_name for reader in readers(ops[name])] for name in seen}
    outputs, meaning = [], []
    for method, copy in copies.items():
        theirs = by_name(copy)
        for name in seen:
            quantized = fake_quantize(ops[name].output(0), *found[method][name])
            for target in theirs[name].output(0).get_target_inputs():
                target.replace_source_output(quantized.output(0))
        for name in seen:
            for reader in reading[name]:
                outputs.append(_relative_error(ops[reader], theirs[reader]))
                meaning.append((name, method))
    errors = {name: dict.fromkeys(METHODS, 0.0) for name in seen}
    for done, arrays in enumerate(run(outputs, model.get_parameters(), samples)):
        for (name, method), value in zip(meaning, arrays):
            errors[name][method] += float(value)
        progress((done + 1) / len(samples))
    best = {name: min(METHODS, key=errors[name].__getitem__) for name in seen}
    return {name: found[method][name] for name, method in best.items()}


def _relative_error(exact: openvino.Node, other: openvino.Node) -> Any:
    """Mean squared difference over the mean square: that of readers of different scale can be added."""
    axes = np.arange(len(exact.shape), dtype=np.int64)
    error = opset().reduce_mean(opset().squared_difference(exact, other), axes, False)
    power = opset().reduce_mean(opset().multiply(exact, exact), axes, False)
    return opset().divide(error, opset().maximum(power, np.float32(1e-30))).output(0)
