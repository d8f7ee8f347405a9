"""`python -m qkernels` is `qkernels`."""

import sys

from qkernels.extras import advice


def main() -> None:
    """The command line, or one line where the package that reads it is missing."""
    try:
        from qkernels import cli
    except ModuleNotFoundError as error:
        sys.exit(f"qkernels: {advice(error)}")
    cli.main()


if __name__ == "__main__":
    main()
