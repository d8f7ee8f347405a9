"""The first convolution, pointwise layers, logits and 3x3 against OpenVINO, ONNX Runtime and the machine's peak.

Options as of `qkernels bench conv`.
"""

import sys

from qkernels.cli import main

main(["bench", "conv", *sys.argv[1:]])
