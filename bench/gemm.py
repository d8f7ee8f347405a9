"""Int8 matrix products against oneDNN, ONNX Runtime, NumKong, PyTorch, NumPy and the machine's peak.

Options as of `qkernels bench gemm`.
"""

import sys

from qkernels.cli import main

main(["bench", "gemm", *sys.argv[1:]])
