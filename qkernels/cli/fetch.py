"""qkernels fetch: published models."""

from __future__ import annotations

import click

from . import interrupts, options


@click.command()
@click.argument("name")
def fetch(name: str) -> None:
    """Download the model NAME as TensorFlow published it, and print the path of its .tflite, for `qkernels report`.

    NAME: mobilenet-v1 or mobilenet-v2 (1.0/224, quantized), mobilenet_v1_{1.0,0.75,0.5,0.25}_{224,192,160,128} or
    mobilenet_v2_1.0_224, both also with _quant. A download that broke off is continued; what is in the user's cache
    is not downloaded again.
    """
    from qkernels.fetch import fetch as fetch_archive
    from qkernels.fetch import named

    interrupts.check()
    try:
        archive = named(name)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="NAME") from error
    with options.progress_bar() as bar:
        task = bar.add_task(archive.file, total=None)
        found = fetch_archive(archive, progress=lambda done, total: bar.update(task, completed=done, total=total))
    if found.recorded:
        click.echo(f"{archive.file}: no checksum of it is known here; SHA-256 {found.recorded} is recorded and expected from "
                   "now on", err=True)
    click.echo(found.path)
