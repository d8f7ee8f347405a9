"""Makes MobileNet V1 1.0/224 in FP32 as an OpenVINO model: FP32.npz OUT.xml.

FP32.npz as for make_embedded_model.py. The network is the embedded model's before quantization: float32 (1, 224, 224, 3)
in -1..1 -> probabilities (1, 1001).
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import openvino
from numpy.typing import NDArray
from openvino import opset13 as o

NAMES = ("conv0", *(f"{kind}{i}" for i in range(1, 14) for kind in ("dw", "pw")))
HALVING = {"conv0", "dw2", "dw4", "dw6", "dw12"}


def named(node: openvino.Node, name: str) -> openvino.Node:
    node.friendly_name = name
    return node


def layer(x: openvino.Node, arrays: Mapping[str, NDArray[np.float32]], name: str) -> openvino.Node:
    """Convolution and bias, TensorFlow's 'SAME' padding."""
    weights = arrays[f"{name}.weight"]
    stride = [2, 2] if name in HALVING else [1, 1]
    convolve, weights = ((o.group_convolution, weights[:, np.newaxis]) if name.startswith("dw")
                         else (o.convolution, weights))
    constant = named(o.constant(np.ascontiguousarray(weights)), f"{name}/weights")
    y = named(convolve(x, constant, stride, [0, 0], [0, 0], [1, 1], auto_pad="same_upper"), name)
    return named(o.add(y, arrays[f"{name}.bias"].reshape(1, -1, 1, 1)), f"{name}/bias")


def build(arrays: Mapping[str, NDArray[np.float32]]) -> openvino.Model:
    parameter = o.parameter([1, 224, 224, 3], np.float32, name="image")
    x = named(o.transpose(parameter, np.array([0, 3, 1, 2], np.int64)), "image/nchw")
    for name in NAMES:
        x = named(o.clamp(layer(x, arrays, name), 0.0, 6.0), f"{name}/relu6")
    x = named(o.avg_pool(x, [1, 1], [0, 0], [0, 0], [7, 7], True, "floor", "valid"), "pool")
    x = named(o.reshape(layer(x, arrays, "logits"), np.array([1, 1001], np.int64), False), "logits/flat")
    x = named(o.softmax(x, 1), "softmax")
    parameter.output(0).set_names({"image"})
    x.output(0).set_names({"probabilities"})
    return openvino.Model([named(o.result(x), "result")], [parameter], "mobilenet_v1_1.0_224")


def read(path: Path) -> openvino.Model:
    """The model from FP32.npz."""
    with np.load(path) as file:
        return build({name: file[name] for name in file.files})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("fp32", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    openvino.save_model(read(arguments.fp32), arguments.out, compress_to_fp16=False)


if __name__ == "__main__":
    main()
