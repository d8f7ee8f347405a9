"""The importer's state: the nodes made so far, the value of every operator read, and how values become nodes."""

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from . import epilogue, ir
from .errors import UnsupportedModelError
from .values import F64, Accumulator, Constant, Mapped, Quantization, Tensor, Value, nhwc, order_is_moot

if TYPE_CHECKING:
    import openvino


class Builder:
    """Collects nodes while a model's operators are read in topological order.

    `known` are the operator types that an error lists. Every method that takes `op` raises UnsupportedModelError
    naming it.
    """

    def __init__(self, known: Iterable[str]) -> None:
        self.known = tuple(known)
        self.nodes: dict[str, ir.Node] = {}
        self.outputs: list[str] = []
        self._values: dict[str, Value] = {}

    def graph(self) -> ir.Graph:
        inputs = tuple(name for name, node in self.nodes.items() if isinstance(node, ir.Input))
        return ir.Graph(tuple(self.nodes.values()), inputs, tuple(self.outputs))

    def fail(self, op: "openvino.Node", reason: str) -> NoReturn:
        raise UnsupportedModelError(reason, operator=op.get_type_name(), node=op.friendly_name, known=self.known)

    # values ---------------------------------------------------------------------------------------------------------

    def set_value(self, op: "openvino.Node", value: Value) -> None:
        self._values[op.get_name()] = value

    def value(self, op: "openvino.Node", index: int) -> Value:
        """What input `index` of `op` is."""
        return self._values[op.input_value(index).get_node().get_name()]

    def constant(self, op: "openvino.Node", index: int) -> Constant:
        value = self.value(op, index)
        if not isinstance(value, Constant):
            self.fail(op, f"input {index} must be a constant")
        return value

    def integers(self, op: "openvino.Node", index: int) -> tuple[int, ...]:
        return tuple(int(i) for i in self.constant(op, index).data.ravel())

    def tensor(self, op: "openvino.Node", index: int) -> Tensor:
        """Input `index` as a finished tensor: what is still an accumulator becomes float32."""
        value = self.value(op, index)
        if isinstance(value, Constant):
            self.fail(op, f"input {index} is a constant, expected an activation")
        if isinstance(value, Mapped):
            self.fail(op, f"reads {value.source!r}, which must be followed by a FakeQuantize")
        return self.close_float(op, value) if isinstance(value, Accumulator) else value

    def quantized(self, op: "openvino.Node", index: int) -> tuple[Tensor, Quantization]:
        value = self.value(op, index)
        if not isinstance(value, Tensor) or value.quantization is None:
            self.fail(op, f"input {index} is not quantized: a FakeQuantize must come before it")
        return value, value.quantization

    def per_channel(self, op: "openvino.Node", constant: Constant, value: Tensor | Accumulator | Mapped) -> F64:
        """A constant that broadcasts against `value` in the model: float64 of length 1 or channels."""
        rank = len(value.shape)
        axis = 1 if value.channels_first else rank - 1
        data = constant.real()
        if data.ndim > rank or data.size == 0:
            self.fail(op, f"a constant of shape {data.shape} against {rank} axes")
        shape = (1,) * (rank - data.ndim) + data.shape
        if any(n != 1 for i, n in enumerate(shape) if i != axis) or shape[axis] not in (1, value.shape[-1]):
            self.fail(op, f"a constant of shape {data.shape} varies along more than the channels (axis {axis})")
        flat = data.ravel()
        return flat[:1] if (flat == flat[0]).all() else flat

    # nodes ----------------------------------------------------------------------------------------------------------

    def add(self, op: "openvino.Node", node: ir.Node) -> Tensor:
        """Appends `node`, whose inputs are there already, and returns its output."""
        if node.name in self.nodes:
            self.fail(op, f"{node.name!r} would have to be computed twice: its result is used in two ways")
        self.nodes[node.name] = node
        quantization = None
        if node.scale is not None and node.output_zero_point is not None:
            quantization = Quantization(node.scale, node.output_zero_point)
        return Tensor(node.name, node.shape, node.channels_first, quantization)

    def close_float(self, op: "openvino.Node", acc: Accumulator) -> Tensor:
        """Finishes an accumulator without a FakeQuantize behind it: float32."""
        if acc.bounded or acc.activation or acc.weights is None:
            self.fail(op, f"reads {acc.source!r}, which must be followed by a FakeQuantize")
        return self.add(op, replace(acc.node, **self._folded(op, acc, 1.0, quantized=False), dtype="float32",
                                    source_output=acc.source, channels_first=acc.channels_first, fused=acc.fused))

    def close_quantized(self, op: "openvino.Node", acc: Accumulator, quantization: Quantization) -> Tensor:
        """Finishes an accumulator with the FakeQuantize `op`: uint8."""
        try:
            lo, hi = epilogue.bounds(acc.lower, acc.upper, quantization.scale, quantization.zero_point)
        except ValueError as error:
            self.fail(op, str(error))
        if acc.activation and not quantization.per_tensor:
            self.fail(op, "its ranges differ between channels, behind an activation")
        unit = quantization.scale.astype(np.float64)
        folded = self._folded(op, acc, unit, quantized=True)
        if acc.activation:      # it takes real numbers, the bias is as fine as the output asks for
            folded |= {"multiplier": (folded["multiplier"] * unit).astype(np.float32), "activation": acc.activation}
        return self.add(op, replace(acc.node, **folded, dtype="uint8", lo=lo, hi=hi, zero_point=int(quantization.zero_point[0]),
                                    scale=quantization.scale, output_zero_point=quantization.zero_point,
                                    source_output=op.friendly_name, channels_first=acc.channels_first,
                                    fused=(*acc.fused, op.friendly_name)))

    def _folded(self, op: "openvino.Node", acc: Accumulator, unit: F64 | float, *, quantized: bool) -> dict[str, Any]:
        """Weights, bias and multiplier of the accumulator's node for an output in units of `unit`."""
        # in float32 step by step, as TFLite's kernels have it: a last bit decides ties
        scale = acc.scale.astype(np.float32) / np.asarray(unit, np.float32)
        factor, offset = np.broadcast_arrays(scale.astype(np.float64), acc.offset / unit)
        if not isinstance(acc.node, ir.Product) or acc.weights is None:
            if factor.size != acc.node.multiplier.size or (offset != 0).any():
                self.fail(op, f"{acc.node.name!r} can only be scaled per tensor")
            return {"multiplier": factor.astype(np.float32)}
        try:
            weights, bias, multiplier = epilogue.fold(acc.weights, factor, offset, quantized=quantized)
        except ValueError as error:
            self.fail(op, f"{acc.node.name!r}: {error}")
        return {"weights": weights, "bias": bias, "multiplier": multiplier}

    def add_output(self, op: "openvino.Node", x: Tensor) -> None:
        made_by = self._made_by(x.node)
        if isinstance(self.nodes[made_by], ir.Input):
            self.fail(op, f"is the input {made_by!r} itself: nothing is computed")
        if made_by in map(self._made_by, self.outputs):
            self.fail(op, f"the output of {made_by!r} is a result already")
        self.outputs.append(x.node)

    def _made_by(self, name: str) -> str:
        """The node that wrote the elements of node `name`: a Reshape writes none."""
        while isinstance(self.nodes[name], ir.Reshape):
            name = self.nodes[name].inputs[0]
        return name

    def source(self, x: Tensor) -> str:
        """The model's operator whose output `x` is."""
        return x.absorbed[-1] if x.absorbed else self.nodes[x.node].source_output

    def name_quantization(self, op: "openvino.Node", x: Tensor, quantization: Quantization) -> Tensor:
        """An input of bytes whose meaning `op` declares."""
        node = self.nodes[x.node]
        if not isinstance(node, ir.Input) or node.source_output != node.name:
            self.fail(op, "quantizes anew what is quantized already")
        self.nodes[x.node] = replace(node, scale=quantization.scale, output_zero_point=quantization.zero_point,
                                     fused=(*x.absorbed, op.friendly_name), source_output=op.friendly_name,
                                     channels_first=x.channels_first)
        return replace(x, quantization=quantization, absorbed=())

    # layout ---------------------------------------------------------------------------------------------------------

    def reshape(self, op: "openvino.Node", x: Tensor, shape: tuple[int, ...], *, channels_first: bool = False,
                name: str | None = None) -> Tensor:
        """`x`, in the model's order of elements, as `shape` (NHWC when the result is to be `channels_first`)."""
        fused = () if name else (op.friendly_name,)
        if not shape:
            self.fail(op, "leaves a number without axes")
        if x.channels_first and not channels_first and not order_is_moot(x.shape):
            x = self._transposed(op, x, (x.shape[0], x.shape[3], x.shape[1], x.shape[2]), channels_first=False)
        if channels_first and not x.channels_first and not order_is_moot(shape):
            return self._transposed(op, x, shape, channels_first=True)
        if x.quantization and not x.quantization.per_tensor and x.shape[-1] != shape[-1]:
            self.fail(op, "takes the channels apart that are quantized one by one")
        if x.shape == shape:
            return replace(x, channels_first=channels_first, absorbed=x.absorbed + fused)
        q = x.quantization
        return self.add(op, ir.Reshape(
            name=name or op.friendly_name, inputs=(x.node,), shape=shape, dtype="uint8" if q else "float32",
            fused=x.absorbed, source_output=op.friendly_name if not name else self.source(x),
            channels_first=channels_first, scale=q.scale if q else None, output_zero_point=q.zero_point if q else None))

    def _transposed(self, op: "openvino.Node", x: Tensor, shape: tuple[int, ...], *, channels_first: bool) -> Tensor:
        """`x` in the other order of an image's axes, in memory."""
        if x.quantization and not x.quantization.per_tensor:
            self.fail(op, "reads NCHW as NHWC, or the other way round, of a tensor whose channels are quantized one by one")
        name = f"{x.node}/{'nhwc' if channels_first else 'nchw'}"
        if name in self.nodes:      # another operator has asked for it
            return Tensor(name, shape, channels_first, x.quantization)
        node, q = self.nodes[x.node], x.quantization
        return self.add(op, ir.Transpose(
            name=name, inputs=(x.node,), shape=shape, dtype=node.dtype, fused=x.absorbed, source_output=self.source(x),
            channels_first=channels_first, scale=q.scale if q else None, output_zero_point=q.zero_point if q else None))

    def as_images(self, op: "openvino.Node", x: Tensor) -> Tensor:
        """`x` as the NHWC tensor behind the NCHW one that OpenVINO's convolutions and poolings read."""
        if len(x.shape) != 4:
            self.fail(op, f"input of {len(x.shape)} axes, expected 4")
        return x if x.channels_first else self.reshape(op, x, nhwc(x.shape), channels_first=True,
                                                       name=f"{op.friendly_name}/nhwc")
