"""Rows of calibrate and quantize_model."""

import functools

import numpy as np

import qkernels as qk
from qkernels.models import embedded_model_path

from .arrays import NESTED, RAGGED, dtypes, float_arrays
from .row import ANY, row

X = np.array([[-1.0, 0.5], [0.25, 2.0]], np.float32)
IMAGE = np.linspace(-1, 1, 8 * 8 * 3, dtype=np.float32).reshape(1, 8, 8, 3)


@functools.cache
def float_model():
    """Images of 8 x 8 pixels in two classes; made when the first row needs it."""
    import openvino
    from openvino import opset13 as op

    x = op.parameter([1, 8, 8, 3], np.float32, name="image")
    y = op.transpose(x, np.array([0, 3, 1, 2]))
    y = op.convolution(y, op.constant(np.eye(2, 3, dtype=np.float32).reshape(2, 3, 1, 1)), [1, 1], [0, 0], [0, 0], [1, 1])
    y = op.reshape(op.reduce_mean(op.relu(y), np.array([2, 3])), np.array([1, 2]), False)
    return openvino.Model([op.result(op.softmax(y, 1))], [x], "two classes")


CALLS = {
    "calibrate": (qk.calibrate, dict(x=X)),
    "quantize_model": (lambda **given: qk.quantize_model(**{"source": float_model(), **given}), dict(samples=[IMAGE])),
}

ROWS = [
    *float_arrays("calibrate"),
    row("calibrate", "x", "infinite", dict(x=np.array([1, np.inf], np.float32)), ValueError, "x: expected finite values"),
    row("calibrate", "x", "empty", dict(x=X[:0]), ValueError, "x: expected values, got shape (0, 2)"),
    row("calibrate", "x", "an empty iterator", lambda: dict(x=iter(())), ValueError, "x: expected values, got none"),
    row("calibrate", "x", "an iterator over other channels", lambda: dict(x=iter([X, X[:1]]), axis=0), ValueError,
        "x: expected 2 channels as before, got 1"),
    row("calibrate", "method", "unknown", dict(method="best"), ValueError,
        "method: expected minmax, percentile, mse, entropy, got 'best'"),
    row("calibrate", "method", "a list", dict(method=["mse"]), ValueError,
        "method: expected minmax, percentile, mse, entropy, got ['mse']"),
    *dtypes("calibrate"),
    row("calibrate", "axis", "outside the dimensions", dict(axis=2), ValueError, "axis: expected -2..1, got 2"),
    row("calibrate", "axis", "text", dict(axis="rows"), TypeError, "axis: expected an integer or None, got 'rows'"),
    row("calibrate", "symmetric", "text", dict(symmetric="no"), TypeError, "symmetric: expected True or False, got 'no'"),
    row("calibrate", "percentile", "half of the values", dict(method="percentile", percentile=50), ValueError,
        "percentile: expected more than 50 and at most 100, got 50"),
    row("calibrate", "percentile", "NaN", dict(method="percentile", percentile=float("nan")), ValueError,
        "percentile: expected more than 50 and at most 100, got nan"),
    row("calibrate", "percentile", "text", dict(percentile="all"), TypeError, "percentile: expected a number, got 'all'"),
    row("quantize_model", "source", "no path and no model", dict(source=3), TypeError,
        "source: int, expected an openvino.Model or a path"),
    row("quantize_model", "source", "a missing file", dict(source="absent.xml"), FileNotFoundError,
        "source: 'absent.xml' does not exist"),
    row("quantize_model", "source", "a file that is no model", dict(source=__file__), ValueError,
        f"source: {ANY} is not a model that OpenVINO reads: {ANY}"),
    row("quantize_model", "source", "quantized already",
        dict(source=embedded_model_path(), samples=[np.zeros((1, 224, 224, 3), np.float32)]), ValueError,
        f"source: {ANY} is a FakeQuantize: the model is quantized already"),
    row("quantize_model", "samples", "none", dict(samples=[]), ValueError, "samples: expected at least one, got none"),
    row("quantize_model", "samples", "no iterable", dict(samples=None), TypeError,
        "samples: expected an iterable of arrays or of tuples of them, got NoneType"),
    row("quantize_model", "samples", "another dtype", dict(samples=[IMAGE, IMAGE.astype(np.float64)]), TypeError,
        "samples[1]: expected float32, got float64"),
    row("quantize_model", "samples", "ragged lists", dict(samples=[RAGGED]), ValueError, f"samples[0]: {NESTED}"),
    row("quantize_model", "samples", "NaN", dict(samples=[np.full_like(IMAGE, np.nan)]), ValueError,
        "samples[0]: expected finite values"),
    row("quantize_model", "samples", "of several shapes", dict(samples=[IMAGE, IMAGE[:, :7]]), ValueError,
        "samples[1]: expected shapes [(1, 8, 8, 3)] as before, got [(1, 7, 8, 3)]"),
    row("quantize_model", "samples", "an array that is one sample", dict(samples=IMAGE), ValueError,
        "samples: shape (8, 8, 3) for input 0, the model expects [1,8,8,3]"),
    row("quantize_model", "samples", "more arrays than inputs", dict(samples=[(IMAGE, IMAGE)]), ValueError,
        "samples: each has 2 arrays, the model 1 inputs"),
    row("quantize_model", "method", "unknown", dict(method="best"), ValueError,
        "method: expected auto, minmax, percentile, mse, entropy, got 'best'"),
    row("quantize_model", "weights", "unknown", dict(weights="s4"), ValueError, "weights: expected s8, u8, got 's4'"),
    row("quantize_model", "rounding", "unknown", dict(rounding="up"), ValueError,
        "rounding: expected nearest, error, got 'up'"),
    row("quantize_model", "equalize", "text", dict(equalize="no"), TypeError,
        "equalize: expected True, False or None, got 'no'"),
    row("quantize_model", "bias_correction", "None", dict(bias_correction=None), TypeError,
        "bias_correction: expected True or False, got None"),
    row("quantize_model", "progress", "no function", dict(progress=3), TypeError,
        "progress: expected a function or None, got int"),
]
