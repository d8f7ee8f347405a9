"""Depthwise 3x3 against OpenVINO and ONNX Runtime.

Options as of `qkernels bench depthwise`.
"""

import sys

from qkernels.cli import main

main(["bench", "depthwise", *sys.argv[1:]])
