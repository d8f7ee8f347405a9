"""Every engine that runs single operations. Each module has `prepare(work, threads) -> Prepared`."""

from __future__ import annotations

from .base import Peer

NATIVE = Peer("qkernels", "native", ("qkernels",))
PEERS = {peer.name: peer for peer in (
    Peer("openvino", "openvino", ("openvino",)),
    Peer("onednn", "onednn", ("onednn",)),
    Peer("onnxruntime", "onnxruntime", ("onnxruntime", "onnx")),
    Peer("litert", "litert", ("ai-edge-litert",)),
    Peer("numkong", "numkong", ("numkong",)),
    Peer("pytorch", "pytorch", ("torch",)),
    Peer("numpy", "numpy", ("numpy", "threadpoolctl")),
    Peer("copy", "copy", ("numpy",)),
    Peer("peak", "peak", ("qkernels",)),
)}
"""`copy` and `peak` are no engines but what the machine allows: the same bytes copied, the same products at its peak."""
