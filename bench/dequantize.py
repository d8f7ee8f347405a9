"""Uint8 to float32 against ONNX Runtime, OpenVINO, NumPy and a copy of the same bytes.

Options as of `qkernels bench dequantize`.
"""

import sys

from qkernels.cli import main

main(["bench", "dequantize", *sys.argv[1:]])
