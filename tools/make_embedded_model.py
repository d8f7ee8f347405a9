"""Makes the package's embedded model: FP32.npz NNCF.xml LABELS.txt OUTDIR.

FP32.npz holds MobileNet V1 1.0/224 with batch normalization folded: `conv0`, `dw1`, `pw1` ... `dw13`, `pw13`, `logits`,
each `.weight` (OIHW; depthwise O,1,3,3) and `.bias`. NNCF.xml is the same network quantized by NNCF: only the ranges of
its activations are taken. The weights are quantized here, symmetrically per output channel, and stored as int8.
Writes mobilenet_v1_1.0_224_int8.xml and .bin and imagenet_labels.txt; the same inputs give the same bytes.
"""

import argparse
from pathlib import Path

import numpy as np
import openvino
from numpy.typing import NDArray
from openvino import opset13 as o

NAME = "mobilenet_v1_1.0_224_int8"
# a depthwise layer of stride 2 halves the image: layers 2, 4, 6 and 12
HALVING = {"conv0", "dw2", "dw4", "dw6", "dw12"}


class Ranges:
    """(low, high) of the NNCF model's activations, in the model's order."""

    def __init__(self, model: openvino.Model) -> None:
        self._pairs = [
            tuple(op.input_value(i).get_node().data for i in (1, 2)) for op in model.get_ordered_ops()
            if op.get_type_name() == "FakeQuantize" and op.input_value(0).get_node().get_type_name() != "Constant"]
        if len(self._pairs) != 29:
            raise ValueError(f"NNCF.xml: {len(self._pairs)} quantized activations, expected 29")

    def quantize(self, x: openvino.Node, name: str) -> openvino.Node:
        """`x` behind a FakeQuantize with the next range."""
        low, high = self._pairs.pop(0)
        return named(o.fake_quantize(x, low, high, low, high, 256), name)


def named(node: openvino.Node, name: str) -> openvino.Node:
    node.friendly_name = name
    return node


def quantized_weights(weight: NDArray[np.float32], name: str, *, depthwise: bool) -> openvino.Node:
    """Constant int8 -> Convert -> Multiply by the scale of each output channel."""
    largest = np.abs(weight.astype(np.float64)).reshape(len(weight), -1).max(axis=1).reshape(-1, 1, 1, 1)
    scale = np.where(largest > 0, largest / 127, 1.0).astype(np.float32)
    q = np.clip(np.rint(weight / scale.astype(np.float64)), -127, 127).astype(np.int8)
    if depthwise:  # (channels, 1, 1, 3, 3): groups, outputs and inputs of a group
        q, scale = q[:, np.newaxis], scale[:, np.newaxis]
    stored = named(o.constant(q, np.int8), f"{name}/weights")
    return named(o.multiply(named(o.convert(stored, "f32"), f"{name}/weights/f32"), scale), f"{name}/weights/scaled")


def layer(x: openvino.Node, arrays: dict[str, NDArray[np.float32]], name: str) -> openvino.Node:
    """Convolution and bias, TensorFlow's 'SAME' padding."""
    stride = [2, 2] if name in HALVING else [1, 1]
    depthwise = name.startswith("dw")
    convolve = o.group_convolution if depthwise else o.convolution
    weights = quantized_weights(arrays[f"{name}.weight"], name, depthwise=depthwise)
    y = named(convolve(x, weights, stride, [0, 0], [0, 0], [1, 1], auto_pad="same_upper"), name)
    return named(o.add(y, arrays[f"{name}.bias"].reshape(1, -1, 1, 1)), f"{name}/bias")


def build(arrays: dict[str, NDArray[np.float32]], ranges: Ranges) -> openvino.Model:
    parameter = o.parameter([1, 224, 224, 3], np.float32, name="image")
    x = ranges.quantize(parameter, "image/quantized")
    x = named(o.transpose(x, np.array([0, 3, 1, 2], np.int64)), "image/nchw")
    for name in ["conv0", *(f"{kind}{i}" for i in range(1, 14) for kind in ("dw", "pw"))]:
        x = named(o.clamp(layer(x, arrays, name), 0.0, 6.0), f"{name}/relu6")
        x = ranges.quantize(x, f"{name}/quantized")
    x = named(o.avg_pool(x, [1, 1], [0, 0], [0, 0], [7, 7], True, "floor", "valid"), "pool")
    x = layer(ranges.quantize(x, "pool/quantized"), arrays, "logits")
    x = named(o.reshape(x, np.array([1, 1001], np.int64), False), "logits/flat")
    x = named(o.softmax(x, 1), "softmax")
    parameter.output(0).set_names({"image"})
    x.output(0).set_names({"probabilities"})
    return openvino.Model([named(o.result(x), "result")], [parameter], NAME)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for argument in ("fp32", "nncf", "labels", "outdir"):
        parser.add_argument(argument, type=Path)
    arguments = parser.parse_args()
    with np.load(arguments.fp32) as file:
        arrays = {name: file[name] for name in file.files}
    ranges = Ranges(openvino.Core().read_model(arguments.nncf))
    arguments.outdir.mkdir(parents=True, exist_ok=True)
    # without compression to float16: the scales and biases are part of what is tested
    openvino.save_model(build(arrays, ranges), arguments.outdir / f"{NAME}.xml", compress_to_fp16=False)
    labels = arguments.labels.read_text(encoding="utf-8").splitlines()
    if len(labels) != 1001:
        raise ValueError(f"LABELS.txt: {len(labels)} lines, expected 1001")
    (arguments.outdir / "imagenet_labels.txt").write_text("\n".join(labels) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
