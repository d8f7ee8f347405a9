"""`python -m qkernels` is `qkernels`."""

from qkernels.cli import main

main()
