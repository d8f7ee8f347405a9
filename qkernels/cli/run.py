"""qkernels run: classify images."""

from __future__ import annotations

from pathlib import Path

import click

from . import interrupts, options


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="IMAGE...")
@options.threads
@options.isa
def run(model: Path, images: tuple[Path, ...], threads: int, isa: str | None) -> None:
    """The five likeliest classes of each IMAGE; MODEL a file, or `embedded`."""
    import qkernels
    from qkernels.graph.import_openvino import read_model
    from qkernels.measure import preprocessing
    from qkernels.measure.images import load_picture, real, top5
    from qkernels.models import embedded_model_path, imagenet_labels

    interrupts.check()
    options.use(isa)
    qkernels.set_num_threads(threads)
    source = read_model(embedded_model_path() if str(model) == "embedded" else model)
    loaded = qkernels.load_model(source)
    if len(loaded.input_shapes) != 1 or len(loaded.output_shapes) != 1:
        raise ValueError(f"{model}: expected one input and one output, got {len(loaded.input_shapes)} and "
                         f"{len(loaded.output_shapes)}")
    how = preprocessing.of_model(source)
    for path in images:
        probabilities = real(loaded(load_picture(path, how).x), loaded.graph[loaded.graph.outputs[0]])
        click.echo(path)
        for entry in top5(probabilities, imagenet_labels()):
            click.echo(f"  {entry.probability:7.2%}  {entry.label}")
