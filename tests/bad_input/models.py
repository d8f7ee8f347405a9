"""Rows of models and of the runtime."""

import numpy as np

import qkernels as qk
from qkernels.models import embedded_model_path

from .row import ANY, row

X = np.zeros((1, 224, 224, 3), np.float32)
_loaded = []


def model():
    """The embedded model, loaded when the first row needs it."""
    if not _loaded:
        _loaded.append(qk.load_model(embedded_model_path()))
    return _loaded[0]


CALLS = {
    "load_model": (qk.load_model, dict(source=embedded_model_path())),
    "Model": (qk.Model, {}),
    "Model.__call__": (lambda inputs: model()(*inputs), dict(inputs=(X,))),
    "Model.profile": (lambda inputs, repeats=1: model().profile(*inputs, repeats=repeats), dict(inputs=(X,))),
    "use_isa": (qk.use_isa, {}),
    "set_num_threads": (qk.set_num_threads, {}),
}


def inputs(function):
    return [row(function, "inputs", "too many", dict(inputs=(X, X)), TypeError, "inputs: expected 1, got 2"),
            row(function, "inputs", "another dtype", dict(inputs=(X.astype(np.float64),)), TypeError,
                "inputs[0]: expected float32, got float64"),
            row(function, "inputs", "another shape", dict(inputs=(X[:, :100],)), ValueError,
                "inputs[0]: expected shape (1, 224, 224, 3), got (1, 100, 224, 3)"),
            row(function, "inputs", "ragged lists", dict(inputs=([[1.0], [1.0, 2.0]],)), ValueError,
                "inputs[0]: expected an array, got nested sequences of unequal lengths")]


ROWS = [
    row("load_model", "source", "no path and no model", dict(source=3), TypeError,
        "source: int, expected an openvino.Model or a path"),
    row("load_model", "source", "a missing file", dict(source="absent.xml"), FileNotFoundError,
        "source: 'absent.xml' does not exist"),
    row("load_model", "source", "a file that is no model", dict(source=__file__), ValueError,
        f"source: {ANY} is not a model that OpenVINO reads: {ANY}"),
    row("Model", "graph", "no graph", dict(graph="model.xml"), TypeError, "graph: expected what load_model imports, got str"),
    *inputs("Model.__call__"), *inputs("Model.profile"),
    row("Model.profile", "repeats", "zero", dict(repeats=0), ValueError, "repeats: expected at least 1, got 0"),
    row("Model.profile", "repeats", "a real number", dict(repeats=1.5), TypeError, "repeats: expected an integer, got 1.5"),
    row("use_isa", "name", "unknown, or not of this CPU", dict(name="sse9"), ValueError,
        f"name: expected an instruction set that this CPU has (scalar{ANY}), got 'sse9'"),
    row("use_isa", "name", "no text", dict(name=None), TypeError, "name: expected a string, got NoneType"),
    row("set_num_threads", "n", "zero", dict(n=0), ValueError, "n: expected 1..256, got 0"),
    row("set_num_threads", "n", "too many", dict(n=257), ValueError, "n: expected 1..256, got 257"),
    row("set_num_threads", "n", "a real number", dict(n=1.5), TypeError, "n: expected an integer, got 1.5"),
    row("set_num_threads", "n", "a truth value", dict(n=True), TypeError, "n: expected an integer, got True"),
]
