"""Options that commands share."""

import click

import qkernels


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
