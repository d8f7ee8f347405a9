"""qkernels sensitivity: which layers cost accuracy in int8, which save time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from . import interrupts, options


@click.command()
@click.argument("float_model", metavar="FLOAT", type=click.Path(exists=True, path_type=Path))
@click.argument("quantized", metavar="QUANTIZED", type=click.Path(exists=True, path_type=Path))
@click.option("--images", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path),
              help="Directory of typical images.")
@click.option("--samples", type=click.IntRange(1), default=32, show_default=True,
              help="So many of the images, in an order given by --seed.")
@options.seed
@options.preprocessing
def sensitivity(float_model: Path, quantized: Path, images: Path, samples: int, seed: int, **chosen: Any) -> None:
    """Each layer of QUANTIZED alone in int8 and all else as in FLOAT: how far the probabilities move, and the time that
    int8 saves. In the order in which layers are best left in FP32: each row stands for that layer and all above it."""
    from rich.console import Console
    from rich.table import Table

    from qkernels.accuracy import images as folders
    from qkernels.accuracy.sensitivity import pareto_order
    from qkernels.accuracy.sensitivity import sensitivity as measure
    from qkernels.graph.import_openvino import read_model
    from qkernels.measure import preprocessing

    interrupts.check()
    models = [read_model(path) for path in (float_model, quantized)]
    how = preprocessing.of_model(models[1], **options.given(chosen))
    by_name = {path.name: path for path in folders.images_in(images)}
    inputs = [(how.load(by_name[name]),) for name in folders.shuffled(by_name, seed)[:samples]]
    with options.progress_bar() as bar:
        task = bar.add_task("layers", total=1.0)
        costs = measure(*models, inputs, lambda done: bar.update(task, completed=done))
    table = Table("left in FP32", "its divergence, nats", "FP32, µs", "int8, µs", "divergence left", "time lost, µs")
    left, lost = sum(cost.divergence for cost in costs), 0.0
    for cost in pareto_order(costs):
        left, lost = left - cost.divergence, lost + cost.saved_us
        table.add_row(cost.name, f"{cost.divergence:.5f}", f"{cost.float_us:.1f}", f"{cost.int8_us:.1f}", f"{max(left, 0):.5f}",
                      f"{lost:.1f}")
    console = Console()
    # a pipe has no width of its own: room for the whole table
    (console if console.is_terminal else Console(width=160)).print(table)
