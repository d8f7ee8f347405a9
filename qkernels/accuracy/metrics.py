"""From outputs to figures, each with its 95 % interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.special
import scipy.stats
from numpy.typing import NDArray

F64 = NDArray[np.float64]
Labels = NDArray[np.integer]
CONFIDENCE = 0.95
_RESAMPLES = 4000
_SEED = 20240229
_TINY = 1e-30           # a probability below it: float32 softmax gives such, and 0


@dataclass(frozen=True)
class Figure:
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Scores:
    """Shares are 0..1; against the float model where there is one."""

    top1: Figure
    top5: Figure
    agreement: Figure | None        # the same first class
    divergence: Figure | None       # mean Kullback-Leibler divergence of the probabilities, in nats


def probabilities(outputs: NDArray[np.floating]) -> F64:
    """(images, classes) that sum to 1: `outputs` themselves where they do, else their softmax."""
    values = outputs.astype(np.float64)
    if values.min() >= 0 and np.abs(values.sum(axis=1) - 1).max() < 1e-3:
        return values
    return np.asarray(scipy.special.softmax(values, axis=1))


def scores(outputs: NDArray[np.floating], labels: Labels, reference: NDArray[np.floating] | None = None) -> Scores:
    """Of `outputs` (images, classes); `reference` are the float model's. ValueError for a label that is no class."""
    classes = outputs.shape[1]
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(f"labels: {labels.min()}..{labels.max()}, the model has classes 0..{classes - 1}")
    best = np.argsort(-outputs, axis=1, kind="stable")[:, :5]
    hits = best == labels[:, np.newaxis]
    agreement = divergence = None
    if reference is not None:
        agreement = share(best[:, 0] == reference.argmax(axis=1))
        divergence = mean(divergences(reference, outputs))
    return Scores(share(hits[:, 0]), share(hits.any(axis=1)), agreement, divergence)


def divergences(reference: NDArray[np.floating], outputs: NDArray[np.floating]) -> F64:
    """Kullback-Leibler divergence of each image's probabilities from the reference's, in nats."""
    p, q = (np.maximum(probabilities(values), _TINY) for values in (reference, outputs))
    return np.asarray(scipy.special.rel_entr(p, q).sum(axis=1))


def share(hits: NDArray[np.bool_]) -> Figure:
    """With Wilson's interval."""
    found = scipy.stats.binomtest(int(hits.sum()), hits.size).proportion_ci(CONFIDENCE, method="wilson")
    return Figure(float(hits.mean()), float(found.low), float(found.high))


def mean(values: F64) -> Figure:
    """With a bootstrap interval (percentile)."""
    middle = float(values.mean())
    if values.size < 2 or np.ptp(values) == 0:      # a degenerate bootstrap warns and gives NaN
        return Figure(middle, middle, middle)
    found = scipy.stats.bootstrap((values,), np.mean, n_resamples=_RESAMPLES, confidence_level=CONFIDENCE,
                                  method="percentile", rng=np.random.default_rng(_SEED)).confidence_interval
    return Figure(middle, float(found.low), float(found.high))
