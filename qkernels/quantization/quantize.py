"""The job: from a float model and samples to a quantized one, pass after pass."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qkernels.arguments import any_array
from qkernels.graph.import_openvino import openvino_module

from .settings import Progress, Settings

if TYPE_CHECKING:
    import openvino

_CHOOSING = 24      # samples on which candidates for a range are compared: each a run of four networks


def quantize_model(source: openvino.Model | str | os.PathLike[str], samples: Iterable[ArrayLike | tuple[ArrayLike, ...]],
                   *, method: str = "auto", weights: str = "s8", rounding: str = "error", equalize: bool | None = None,
                   bias_correction: bool = True, progress: Progress | None = None) -> openvino.Model:
    """A copy of a float model with int8 weights and FakeQuantize before what OpenVINO then runs in int8.

    source      an `openvino.Model`, or a file that `openvino.Core().read_model` reads
    samples     typical inputs, 100 are plenty: each an array of the model's input, or a tuple of one for each input. All
                are kept in memory, and so is what each layer reads of them, as bytes.
    method, weights, rounding, equalize, bias_correction    see `Settings`
    progress    called with what is being done and the share of all that is done

    The result runs in OpenVINO and in `load_model`; `openvino.save_model(result, path, compress_to_fp16=False)` saves it
    whole. Raises FileNotFoundError, TypeError and ValueError for a source or sample that does not fit, TypeError and
    ValueError for a setting that is not known, ValueError for a model that is quantized already or has nothing to quantize;
    ImportError without openvino or scipy.
    """
    _find_packages()
    if progress is not None and not callable(progress):
        raise TypeError(f"progress: expected a function or None, got {type(progress).__name__}")
    settings = Settings(method=method, weights=weights, rounding=rounding, equalize=equalize,
                        bias_correction=bias_correction)
    return _quantize(source, _samples(samples), settings, progress or _silent)


def _find_packages() -> None:
    """ImportError with the way to install what is missing."""
    openvino_module()
    try:
        import scipy  # noqa: F401
    except ImportError as error:
        raise ImportError("quantizing needs SciPy: pip install qkernels[report]") from error


def _silent(what: str, done: float) -> None:
    pass


def _samples(given: Iterable[ArrayLike | tuple[ArrayLike, ...]]) -> list[tuple[NDArray[np.float32], ...]]:
    """As tuples of float32 arrays, all of the same shapes."""
    found: list[tuple[NDArray[np.float32], ...]] = []
    if not isinstance(given, Iterable):
        raise TypeError(f"samples: expected an iterable of arrays or of tuples of them, got {type(given).__name__}")
    for index, sample in enumerate(given):
        arrays = tuple(any_array(array, f"samples[{index}]") for array in (sample if isinstance(sample, tuple) else (sample,)))
        for array in arrays:
            if array.dtype != np.float32:
                raise TypeError(f"samples[{index}]: expected float32, got {array.dtype.name}")
            if not np.isfinite(array).all():
                raise ValueError(f"samples[{index}]: expected finite values")
        shapes, before = ([array.shape for array in one] for one in (arrays, found[0] if found else arrays))
        if shapes != before:
            raise ValueError(f"samples[{index}]: expected shapes {before} as before, got {shapes}")
        found.append(tuple(np.ascontiguousarray(array) for array in arrays))
    if not found:
        raise ValueError("samples: expected at least one, got none")
    return found


def _quantize(source: Any, samples: list[tuple[NDArray[np.float32], ...]], settings: Settings, progress: Progress) -> Any:
    from . import activations, network, ranges  # here: OpenVINO and SciPy are not needed to import this module
    from .bias_correction import output_means
    from .equalize import equalize
    from .fold import fold_batch_norms
    from .insert import insert

    model = network.float_copy(source, [array.shape for array in samples[0]])
    layers = fold_batch_norms(model)
    wanted = activations.tensors(model)
    if not wanted:
        raise ValueError("source: no convolution, product, addition or pooling of activations to quantize")
    if settings.equalizes:
        progress("equalizing", 0.0)
        equalize(model, layers, samples)
    step = _share(progress, "observing", 0.0, 0.35)
    seen = ranges.observe(model, wanted, samples, step)
    if settings.method == "auto":
        chosen = ranges.choose(model, seen, samples[:_CHOOSING], _share(progress, "choosing ranges", 0.35, 0.5))
    else:
        chosen = ranges.candidates(seen, settings.method)
    means = output_means(model, layers, samples, _share(progress, "float means", 0.5, 0.6)) if settings.bias_correction else {}
    ops = network.by_name(model)
    for name, (low, high) in chosen.items():
        insert(ops[name], low, high)
    _quantize_layers(model, layers, samples, means, settings, _share(progress, "weights", 0.6, 1.0))
    model.validate_nodes_and_infer_types()
    return model


def _quantize_layers(model: Any, layers: list[Any], samples: list[tuple[NDArray[np.float32], ...]],
                     means: dict[str, NDArray[np.float64]], settings: Settings, progress: Callable[[float], None]) -> None:
    from .bias_correction import correct_bias
    from .rounding import covariance, patches, round_by_error
    from .walk import walk
    from .weights import grid, store

    for done, (layer, inputs) in enumerate(walk(model, layers, samples)):
        found = grid(layer.rows, settings.weights)
        if settings.rounding == "error":
            q = round_by_error(layer.rows, covariance(patches(layer, inputs.bytes)), found)
        else:
            q = found.nearest(layer.rows)
        store(layer, q, found)
        if settings.bias_correction:
            correct_bias(layer, inputs.mean(), means[layer.name])
        progress((done + 1) / len(layers))


def _share(progress: Progress, what: str, first: float, last: float) -> Callable[[float], None]:
    """Progress of one pass as a part of the whole."""
    return lambda done: progress(what, first + (last - first) * done)
