"""qkernels quantize: a float model to int8, calibrated on images."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from . import interrupts, options


@click.command()
@click.argument("model", type=click.Path(exists=True, path_type=Path))
@click.option("--images", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path),
              help="Directory of typical images.")
@click.option("-o", "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), metavar="OUT.xml",
              help="The quantized model, OpenVINO IR; its .bin beside it.")
@click.option("--samples", type=click.IntRange(1), default=100, show_default=True,
              help="So many of the images, in an order given by --seed; all where there are fewer.")
@options.seed
@click.option("--method", type=click.Choice(["auto", "minmax", "percentile", "mse", "entropy"]), default="auto",
              show_default=True, help="Of activation ranges; auto: measured for each tensor.")
@click.option("--weights", type=click.Choice(["s8", "u8"]), default="s8", show_default=True,
              help="int8 with a scale for each output channel, or uint8 with one scale and zero point.")
@click.option("--rounding", type=click.Choice(["error", "nearest"]), default="error", show_default=True,
              help="Of weights: for the least error of the layer's output, or each to its nearest.")
@click.option("--equalize/--no-equalize", default=None,
              help="Cross-layer equalization; default: with --weights u8 only.")
@click.option("--bias-correction/--no-bias-correction", default=True, show_default=True)
@options.preprocessing
def quantize(model: Path, images: Path, out: Path, samples: int, seed: int, **chosen: Any) -> None:
    """MODEL in FP32, in any format that OpenVINO reads, to int8 for OpenVINO and for qkernels."""
    from qkernels.accuracy import images as folders
    from qkernels.graph.import_openvino import read_model
    from qkernels.measure import preprocessing
    from qkernels.quantization import quantize_model
    from qkernels.quantization.save import save

    interrupts.check()
    if out.suffix != ".xml":
        raise click.BadParameter(f"expected a name that ends in .xml, got {out.name!r}", param_hint="--out")
    begun = time.perf_counter()
    source = read_model(model)
    how = preprocessing.of_model(source, **options.given(chosen))
    by_name = {path.name: path for path in folders.images_in(images)}
    used = [by_name[name] for name in folders.shuffled(by_name, seed)[:samples]]
    with options.progress_bar() as bar:
        task = bar.add_task("reading images", total=1.0)
        inputs = [how.load(path) for path in used]
        quantized = quantize_model(
            source, inputs, method=chosen["method"], weights=chosen["weights"], rounding=chosen["rounding"],
            equalize=chosen["equalize"], bias_correction=chosen["bias_correction"],
            progress=lambda what, done: bar.update(task, description=what, completed=done))
    folders.remember_calibration(quantized, used)
    preprocessing.remember(quantized, how)
    save(quantized, out)
    size = out.with_suffix(".bin").stat().st_size
    click.echo(f"{out}: {size / 1e6:.1f} MB of weights, calibrated on {len(used)} images of {images} "
               f"in {time.perf_counter() - begun:.0f} s")
