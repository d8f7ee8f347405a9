"""The benchmarks by name, and which peers have such an operation. Light to import: the command line asks."""

NETWORK = "network"
MODELS = "models"
PEERS_OF = {
    "quantize": ("openvino", "onnxruntime", "numpy", "copy"),
    "dequantize": ("openvino", "onnxruntime", "numpy", "copy"),
    "gemm": ("onednn", "onnxruntime", "numkong", "pytorch", "numpy", "peak"),
    "conv": ("openvino", "onnxruntime", "peak"),
    "depthwise": ("openvino", "onnxruntime"),
    "pool": ("openvino",),
    NETWORK: ("openvino", "onnxruntime", "litert"),
    MODELS: ("openvino", "litert"),
}
