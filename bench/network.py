"""MobileNet V1 end to end, loading it, and what a call costs, against OpenVINO, ONNX Runtime and LiteRT.

Options as of `qkernels bench network`.
"""

import sys

from qkernels.cli import main

main(["bench", "network", *sys.argv[1:]])
