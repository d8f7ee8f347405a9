"""The table of bad input: every row, the calls that they are rows of, and which arguments there are."""

import inspect

import click

import qkernels as qk
from qkernels.cli import cli

from . import arrays, commands, models, products, quantization

CALLS = arrays.CALLS | products.CALLS | quantization.CALLS | models.CALLS
OUTPUTS = arrays.OUTPUTS | products.OUTPUTS
ROWS = [*arrays.ROWS, *products.ROWS, *quantization.ROWS, *models.ROWS]
COMMAND_ROWS = commands.ROWS


def public_arguments():
    """{function: [argument, ...]} of everything in `qkernels.__all__` that is called; exceptions are raised, not called."""
    found = {}
    for name in qk.__all__:
        thing = getattr(qk, name)
        if isinstance(thing, type) and issubclass(thing, Exception):
            continue
        found[name] = thing
        if isinstance(thing, type):
            found |= {f"{name}.{method}": getattr(thing, method) for method in vars(thing)
                      if (method == "__call__" or not method.startswith("_")) and inspect.isroutine(getattr(thing, method))}
    return {name: [p for p in inspect.signature(thing).parameters if p != "self"] for name, thing in found.items()}


def command_parameters():
    """{command: [parameter, ...]}"""
    return {name: [parameter.name for parameter in command.params] for name, command in cli.commands.items()
            if isinstance(command, click.Command)}
