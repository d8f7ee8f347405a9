"""qkernels report: the main job."""

from __future__ import annotations

from pathlib import Path

import click

from . import interrupts, options


@click.command()
@click.argument("model", required=False, type=click.Path(path_type=Path))
@click.option("--images", type=click.Path(exists=True, file_okay=False, path_type=Path),
              help="Directory of images to classify on both engines; default: the one that comes with the package.")
@options.threads
@options.isa
@click.option("--repeats", type=click.IntRange(2), default=40, show_default=True,
              help="Rounds of 5 inferences of each engine; layers get half as many.")
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("report"), show_default=True,
              help="Directory for report.html, report.md, report.csv and report.json.")
def report(model: Path | None, images: Path | None, threads: int, isa: str | None, repeats: int, out: Path) -> None:
    """MODEL (default: the embedded MobileNet V1) on qkernels and on OpenVINO, layer by layer.

    Ctrl-C ends the measurement; what was measured until then is written to the directory `partial` of --out.
    """
    from rich.console import Console

    from qkernels.graph.import_openvino import read_model
    from qkernels.measure import preprocessing
    from qkernels.measure.images import load_pictures
    from qkernels.measure.job import Job, run_job
    from qkernels.models import sample_images
    from qkernels.report.summary import print_summary
    from qkernels.report.write import write_report

    interrupts.check()
    options.use(isa)
    directory = images or (sample_images() if model is None else None)
    how = preprocessing.of_model(read_model(model)) if model and directory else None
    job = Job(model, load_pictures(directory, how) if directory else [], threads, repeats)
    with options.progress_bar() as bar:
        task = bar.add_task("", total=1.0)
        found = run_job(job, lambda what, done: bar.update(task, description=what, completed=done))
    # never over a whole report
    target = out if found.interrupted is None else out / "partial"
    written = write_report(found, target)
    console = Console()
    # a pipe has no width of its own: room for the whole table
    print_summary(found, console if console.is_terminal else Console(width=160))
    for path in written.values():
        click.echo(path)
    if found.interrupted is not None:
        raise click.Abort(f"partial results are in {target}")
