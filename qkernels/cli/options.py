"""Options that commands share."""

from collections.abc import Callable
from typing import Any

import click

import qkernels

_PREPROCESSING = ("fit", "crop", "interpolation", "mean", "scale")


def use(isa: str | None) -> None:
    """Sets the instruction set; a usage error that lists what this CPU has."""
    if isa is None:
        return
    try:
        qkernels.use_isa(isa)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--isa") from error


isa = click.option("--isa", metavar="NAME", help="Instruction set; default: the best this CPU has.")
threads = click.option("--threads", type=click.IntRange(1, 256), default=1, show_default=True, help="Of each engine.")


def progress_bar() -> Any:
    """A bar on a terminal, nothing in a pipe: `rich.progress.Progress` on standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    return Progress(TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(),
                    console=console, disable=not console.is_terminal, transient=True)


def _triple(context: click.Context, option: click.Parameter, value: str | None) -> tuple[float, ...] | None:
    if value is None:
        return None
    try:
        parts = [float(part) for part in value.split(",")]
    except ValueError:
        parts = []
    if len(parts) not in (1, 3):
        raise click.BadParameter(f"expected one number or three with commas between, got {value!r}")
    return tuple(parts * (3 // len(parts)))


def preprocessing(command: Callable[..., None]) -> Callable[..., None]:
    """The options of how an image becomes an input; `given` makes them arguments of `preprocessing.of_model`."""
    for option in reversed((
            click.option("--fit", type=click.Choice(["crop", "stretch"]), help="Centred part of the image, or all of it."),
            click.option("--crop", type=click.FloatRange(0, 1, min_open=True),
                         help="Share of the largest centred part; default: 0.875."),
            click.option("--interpolation", type=click.Choice(["nearest", "bilinear", "bicubic", "lanczos"]),
                         help="Of the resizing; default: bilinear."),
            click.option("--mean", metavar="R,G,B", callback=_triple,
                         help="Taken from pixels of 0..255; default: the model's own, else 127.5."),
            click.option("--scale", metavar="R,G,B", callback=_triple,
                         help="Then divided by; default: the model's own, else 127.5."))):
        command = option(command)
    return command


def given(options: dict[str, Any]) -> dict[str, Any]:
    """Those of `preprocessing` among a command's options."""
    return {name: options[name] for name in _PREPROCESSING}


seed = click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the order of the images.")
