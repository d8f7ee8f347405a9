"""MobileNet V2 and V3, ResNet-50 and, with --tflite, quantized TFLite files end to end, against OpenVINO and LiteRT.

Options as of `qkernels bench models`.
"""

import sys

from qkernels.cli import main

main(["bench", "models", *sys.argv[1:]])
