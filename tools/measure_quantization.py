"""qkernels' quantization beside NNCF's on the same images: DATA OUT.json [--seeds N] [--calibration N].

DATA holds models/mobilenet_v1_1.0_224_fp32.npz and imagenet_sample/ with labels.csv. Needs nncf, which is no part of this
project: run it with a Python that has nncf, openvino, scipy and pillow, and qkernels built in place on PYTHONPATH.

For each seed the images are shuffled; every quantizer gets the first `--calibration` of them and is measured on all
others. Both engines run on two threads, OpenVINO with INFERENCE_PRECISION_HINT=f32. CPU seconds are those of all threads.
Intervals are 95 % bootstrap intervals over images: seeds share images, so an image with all its measurements is one
observation.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import make_float_model
import nncf
import numpy as np
import openvino
import scipy.stats
from numpy.typing import NDArray

import qkernels
from qkernels.accuracy import images, metrics
from qkernels.measure import preprocessing

F64 = NDArray[np.float64]
OURS, NNCF = "qkernels", "NNCF"
_RESAMPLES, _SEED = 4000, 20240229
# (quantizer, engine) -> what; the first line of each quantizer is its default
QUANTIZERS: dict[str, tuple[str, dict[str, Any]]] = {
    "qkernels": (OURS, {}),
    "qkernels, rounding nearest": (OURS, {"rounding": "nearest"}),
    "qkernels, no bias correction": (OURS, {"bias_correction": False}),
    "NNCF": (NNCF, {}),
    "NNCF, fast_bias_correction=False": (NNCF, {"fast_bias_correction": False}),
}


def quantized(name: str, model: openvino.Model, samples: Sequence[NDArray[np.float32]]) -> openvino.Model:
    kind, options = QUANTIZERS[name]
    if kind == OURS:
        return qkernels.quantize_model(model, samples, **options)
    return nncf.quantize(model, nncf.Dataset(samples), subset_size=len(samples), **options)


def on_openvino(model: openvino.Model) -> Callable[[NDArray[np.float32]], NDArray[np.float32]]:
    compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda x: np.array(compiled([x])[0])


def outputs(run: Callable[[NDArray[np.float32]], Any], inputs: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    return np.concatenate([run(x) for x in inputs])


class Table:
    """What each quantizer made of each image under each seed: NaN where the image was for calibration."""

    def __init__(self, seeds: int, count: int) -> None:
        self.shape = seeds, count
        self.values: dict[tuple[str, str], dict[str, F64]] = {}

    def put(self, key: tuple[str, str], seed: int, where: NDArray[np.integer], **found: NDArray[Any]) -> None:
        arrays = self.values.setdefault(key, {name: np.full(self.shape, np.nan) for name in found})
        for name, values in found.items():
            arrays[name][seed, where] = values

    def by_image(self, key: tuple[str, str], name: str) -> F64:
        """The mean over the seeds that measured an image; images that none did are left out."""
        values = self.values[key][name]
        return np.nanmean(values[:, ~np.isnan(values).all(axis=0)], axis=0)


def interval(statistic: Callable[..., Any], *by_image: F64) -> dict[str, float]:
    found = scipy.stats.bootstrap(by_image, statistic, paired=True, vectorized=True, n_resamples=_RESAMPLES,
                                  method="percentile", rng=np.random.default_rng(_SEED)).confidence_interval
    return {"value": float(statistic(*by_image, axis=-1)), "low": float(found.low), "high": float(found.high)}


def mean(a: F64, axis: int = -1) -> Any:
    return a.mean(axis=axis)


def difference(a: F64, b: F64, axis: int = -1) -> Any:
    return a.mean(axis=axis) - b.mean(axis=axis)


def ratio(a: F64, b: F64, axis: int = -1) -> Any:
    return a.mean(axis=axis) / b.mean(axis=axis)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--calibration", type=int, default=100)
    arguments = parser.parse_args()
    directory = arguments.data / "imagenet_sample"
    model = make_float_model.read(arguments.data / "models" / "mobilenet_v1_1.0_224_fp32.npz")
    how = preprocessing.of_model(model)
    labelled = images.read_labels(directory / "labels.csv", directory)
    inputs = [how.load(image.path) for image in labelled]
    labels = np.array([image.label for image in labelled])
    exact = outputs(on_openvino(model), inputs)
    qkernels.set_num_threads(2)
    place = {image.path.name: i for i, image in enumerate(labelled)}
    table, seconds = Table(arguments.seeds, len(inputs)), {}
    for seed in range(arguments.seeds):
        order = [place[name] for name in images.shuffled(place, seed)]
        used, rest = order[:arguments.calibration], np.array(order[arguments.calibration:])
        for name, (kind, _) in QUANTIZERS.items():
            begun = time.process_time()
            made = quantized(name, model, [inputs[i] for i in used])
            seconds.setdefault(name, []).append(time.process_time() - begun)
            engines = {"OpenVINO INT8": on_openvino(made)}
            if kind == OURS:
                engines["qkernels"] = qkernels.load_model(made)
            for engine, run in engines.items():
                found = outputs(run, [inputs[i] for i in rest])
                table.put((name, engine), seed, rest, top1=found.argmax(1) == labels[rest],
                          agreement=found.argmax(1) == exact[rest].argmax(1),
                          divergence=metrics.divergences(exact[rest], found))
                print(seed, name, engine, {key: round(float(np.nanmean(values[seed])), 4)
                                           for key, values in table.values[name, engine].items()}, flush=True)
        write(arguments.out, table, seed + 1, seconds, exact.argmax(1) == labels, arguments.calibration)


def write(out: Path, table: Table, seeds: int, seconds: dict[str, list[float]], float_hits: NDArray[np.bool_],
          calibration: int) -> None:
    """After each seed, so that what was measured is there if the rest is not."""
    record = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"), "machine": platform.machine(),
        "versions": {name: version(name) for name in ("nncf", "openvino", "numpy", "scipy")} | {OURS: qkernels.__version__},
        "seeds": seeds, "calibration_images": calibration, "measured_images": float_hits.size - calibration,
        "float_top1": interval(mean, float_hits.astype(np.float64)),
        "rows": [_row(table, key, seeds, seconds) for key in table.values],
    }
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _row(table: Table, key: tuple[str, str], seeds: int, seconds: dict[str, list[float]]) -> dict[str, Any]:
    """Figures of one quantizer on one engine, and beside NNCF's default on OpenVINO."""
    reference = (NNCF, "OpenVINO INT8")
    row: dict[str, Any] = {"quantizer": key[0], "engine": key[1], "cpu_seconds": float(np.median(seconds[key[0]]))}
    for name, values in table.values[key].items():
        row[name] = interval(mean, table.by_image(key, name)) | {"by_seed": np.nanmean(values[:seeds], axis=1).tolist()}
    if key != reference:
        for name, figure, statistic in (("agreement_over_nncf", "agreement", difference),
                                        ("divergence_ratio", "divergence", ratio)):
            row[name] = interval(statistic, table.by_image(key, figure), table.by_image(reference, figure))
    return row


if __name__ == "__main__":
    main()
