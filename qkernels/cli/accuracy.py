"""qkernels accuracy: models on labelled images, engine beside engine."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from . import interrupts, options

if TYPE_CHECKING:
    from qkernels.accuracy.job import Result
    from qkernels.accuracy.metrics import Figure


@click.command()
@click.argument("models", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path), metavar="MODEL...")
@click.option("--images", required=True, type=click.Path(exists=True, file_okay=False, path_type=Path),
              help="Directory of images.")
@click.option("--labels", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="CSV: file,index of the class among the model's outputs.")
@click.option("--skip", type=click.IntRange(0), default=0, show_default=True,
              help="Leave out so many of the images, in the order given by --seed: those that another tool was given.")
@options.seed
@options.preprocessing
@options.threads
@options.isa
@click.option("--layers/--no-layers", default=True, show_default=True, help="Each tensor's signal to noise.")
@click.option("--json", "json_path", type=click.Path(dir_okay=False, path_type=Path), help="Write the results there too.")
def accuracy(models: tuple[Path, ...], images: Path, labels: Path, skip: int, seed: int, threads: int, isa: str | None,
             layers: bool, json_path: Path | None, **chosen: Any) -> None:
    """Top-1, top-5, agreement with FP32 and divergence from it of each MODEL: quantized ones on qkernels and OpenVINO,
    float ones on OpenVINO; the first float one is the reference. Images that `qkernels quantize` calibrated any of them
    on are left out. Every figure with its 95 % interval."""
    from rich.console import Console

    import qkernels
    from qkernels.accuracy.job import Job, run_job
    from qkernels.report.json_writer import json_text
    from qkernels.report.plain import plain
    from qkernels.report.write import write_atomically

    interrupts.check()
    options.use(isa)
    qkernels.set_num_threads(threads)
    with options.progress_bar() as bar:
        task = bar.add_task("reading images", total=1.0)
        result = run_job(Job(models, images, labels, skip, seed, options.given(chosen)),
                         lambda what, done: bar.update(task, description=what, completed=done))
    if json_path:
        json_path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(json_path.parent, {json_path.name: json_text(plain(dataclasses.asdict(result)), "accuracy")})
    console = Console()
    # a pipe has no width of its own: room for the whole table
    _print(result, layers, console if console.is_terminal else Console(width=200))


def _percent(figure: Figure | None) -> str:
    return "–" if figure is None else f"{figure.value:.1%} [{figure.low:.1%}, {figure.high:.1%}]"


def _print(result: Result, layers: bool, console: Any) -> None:
    from rich.table import Table

    console.print(f"{result.measured} images, {result.left_out} left out for calibration; reference: "
                  f"{result.reference or 'none, no float model was given'}")
    table = Table("model", "engine", *(("top-1", "top-5", "agreement with FP32", "divergence from FP32, nats")))
    for row in result.rows:
        figures = [f"[i]{row.why}[/i]", "", "", ""]
        if row.scores is not None:
            kl = row.scores.divergence
            figures = [_percent(row.scores.top1), _percent(row.scores.top5), _percent(row.scores.agreement),
                       "–" if kl is None else f"{kl.value:.4f} [{kl.low:.4f}, {kl.high:.4f}]"]
        table.add_row(Path(row.model).name, row.engine, *figures)
    console.print(table)
    for name, tensors in result.sqnr.items() if layers else ():
        table = Table("tensor", "signal to noise, dB", title=Path(name).name)
        for tensor, decibels in tensors.items():
            table.add_row(tensor, f"{decibels:.1f}")
        console.print(table)
