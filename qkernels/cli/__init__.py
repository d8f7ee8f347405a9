"""The command line: one file a command."""

import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from qkernels import __version__
from qkernels.extras import advice

from . import interrupts
from .accuracy import accuracy
from .bench import bench
from .fetch import fetch
from .info import info
from .quantize import quantize
from .report import report
from .run import run
from .sensitivity import sensitivity

INTERRUPTED = 130  # as a shell has it: 128 and the number of SIGINT


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="qkernels")
def cli() -> None:
    """int8 kernels for NumPy people, and a report that shows layer by layer what they are worth."""


cli.add_command(accuracy)
cli.add_command(bench)
cli.add_command(fetch)
cli.add_command(info)
cli.add_command(quantize)
cli.add_command(report)
cli.add_command(run)
cli.add_command(sensitivity)


def main(arguments: Sequence[str] | None = None) -> None:
    """`arguments` None: the process's own. Exit status 0 done, 1 the job failed (one line says what and where), 2 wrong
    usage, 130 interrupted (one line says where partial results are, if there are any)."""
    try:
        with interrupts.remembered():
            cli(arguments, standalone_mode=False)
    except click.UsageError as error:
        error.show()
        sys.exit(2)
    except click.Abort as interrupt:
        _exit_interrupted(*map(str, interrupt.args))
    except ModuleNotFoundError as error:
        sys.exit(f"qkernels: {advice(error)}")
    except (OSError, ValueError, TypeError, ImportError, MemoryError) as error:
        if isinstance(error, ImportError) and interrupts.came():
            _exit_interrupted()
        sys.exit(f"qkernels: {type(error).__name__}: {error}")


def _exit_interrupted(*what: str) -> NoReturn:
    print(": ".join(("qkernels: interrupted", *what)), file=sys.stderr)
    sys.exit(INTERRUPTED)
