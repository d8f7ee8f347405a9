"""Float32 to uint8 against ONNX Runtime, OpenVINO, NumPy and a copy of the same bytes.

Options as of `qkernels bench quantize`.
"""

import sys

from qkernels.cli import main

main(["bench", "quantize", *sys.argv[1:]])
