"""Average pooling and softmax against OpenVINO.

Options as of `qkernels bench pool`.
"""

import sys

from qkernels.cli import main

main(["bench", "pool", *sys.argv[1:]])
