"""OpenVINO's CPU plugin as an engine, in its best configuration for one inference at a time.

Non-quantized parts run in float32 (INFERENCE_PRECISION_HINT): by default the plugin takes bfloat16 where the CPU has it, which
is neither the same work nor the same result.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray
from openvino import opset13

from qkernels.graph.import_openvino import openvino_reason
from qkernels.graph.single_layer import single_layer_model
from qkernels.measure.buffers import aligned_copy
from qkernels.measure.clock import time_calls, timed

from .base import Prepared, Sampler, Unsupported, python_calls
from .work import Dequantize, Gemm, Layer, Quantize, Work

_CORE = openvino.Core()


def _configuration(threads: int) -> dict[str, Any]:
    return {"PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1, "INFERENCE_NUM_THREADS": threads,
            "INFERENCE_PRECISION_HINT": "f32", "DYNAMIC_QUANTIZATION_GROUP_SIZE": 0}


class CompiledModel:
    """A compiled model with its request, its input bound once so that a run copies nothing.

    ValueError for a model that OpenVINO does not compile.
    """

    def __init__(self, model: openvino.Model, threads: int, **options: Any) -> None:
        try:
            self.compiled, self.compile_ms = timed(
                lambda: _CORE.compile_model(model, "CPU", {**_configuration(threads), **options}))
        except RuntimeError as error:
            raise ValueError(f"model: OpenVINO does not compile it: {openvino_reason(error)}") from error
        self.request = self.compiled.create_infer_request()

    def bind(self, *inputs: NDArray[Any]) -> None:
        """Makes `inputs` those of the model, in its own shapes."""
        self._inputs = [np.ascontiguousarray(x).reshape(tuple(port.shape))    # kept: a tensor holds an address only
                        for x, port in zip(inputs, self.compiled.inputs, strict=True)]
        for index, x in enumerate(self._inputs):
            self.request.set_input_tensor(index, openvino.Tensor(x, shared_memory=True))

    def infer(self) -> None:
        self.request.infer()

    def output(self) -> NDArray[Any]:
        """A copy of the first output."""
        return np.array(self.request.get_output_tensor(0).data)


@dataclass(frozen=True)
class Counter:
    """One executed node: the mean microseconds of OpenVINO's own counter, what implemented it, in which precision."""

    name: str
    kind: str
    implementation: str
    precision: str
    us: float


class OpenvinoEngine:
    """A model on the CPU plugin."""

    version = openvino.get_version()

    def __init__(self, model: openvino.Model, threads: int) -> None:
        self.ov_model, self.threads = model, threads
        self._compiled = CompiledModel(model, threads)
        self.compile_ms = self._compiled.compile_ms
        self._compiled.bind(*(np.zeros(tuple(port.shape), port.element_type.to_dtype()) for port in model.inputs))
        _, self.first_call_ms = timed(self._compiled.infer)
        self.precision = ", ".join(sorted({c for c in self._precisions()}))
        self.description = "PERFORMANCE_HINT=LATENCY, one stream, INFERENCE_PRECISION_HINT=f32"

    def _precisions(self) -> list[str]:
        """What the convolutions and products really run in, from the compiled graph."""
        runtime = self._compiled.compiled.get_runtime_model()
        found = []
        for op in runtime.get_ops():
            info = op.get_rt_info()
            if info["layerType"].astype(str) in ("Convolution", "FullyConnected", "MatMul"):
                found.append(info["runtimePrecision"].astype(str))
        return found

    def run(self, x: NDArray[Any]) -> NDArray[np.float32]:
        self._compiled.bind(x)
        self._compiled.infer()
        return self._compiled.output()

    def sampler(self, x: NDArray[Any]) -> Sampler:
        self._compiled.bind(x)
        return lambda repeats: time_calls(self._compiled.infer, repeats)

    def counters(self, x: NDArray[Any], repeats: int) -> list[Counter]:
        """Every executed node, from a compilation of its own: counting slows a run."""
        counted = CompiledModel(self.ov_model, self.threads, PERF_COUNT=True)
        counted.bind(x)
        for _ in range(repeats):
            counted.infer()
        return [Counter(p.node_name, p.node_type, *_split(p.exec_type), p.real_time.total_seconds() * 1e6)
                for p in counted.request.get_profiling_info() if p.status.name == "EXECUTED"]


def _split(exec_type: str) -> tuple[str, str]:
    """'brgconv_avx512_u8' -> ('brgconv_avx512', 'u8')"""
    implementation, _, precision = exec_type.rpartition("_")
    return implementation, precision


def prepare(work: Work, threads: int) -> Prepared:
    """A single operation; the call without work is an inference of the trivial model."""
    if isinstance(work, Gemm):
        raise Unsupported("OpenVINO's products are the pointwise layers")
    single, empty = CompiledModel(_operation(work), threads), CompiledModel(trivial_model(), threads)
    sources = work.sources if isinstance(work, Layer) else (work.x if isinstance(work, Quantize) else work.q,)
    single.bind(*map(aligned_copy, sources))
    empty.bind(np.zeros((1, 16), np.uint8))
    # It multiplies by the inverse of the scale, and by scales in another order: a value on a tie moves by one step.
    quantized = isinstance(work, Quantize) or (isinstance(work, Layer) and work.node.dtype == "uint8")
    return python_calls(single.infer, empty.infer, single.output, tolerance=1 if quantized else 1e-4)


def _operation(work: Layer | Quantize | Dequantize) -> openvino.Model:
    if isinstance(work, Layer):
        return single_layer_model(work.ov_model, work.graph, work.node)
    scale, zero_point = np.float32(work.scale), np.float32(work.zero_point)
    if isinstance(work, Quantize):
        x = opset13.parameter(work.x.shape, np.float32)
        low, high = -zero_point * scale, (np.float32(255) - zero_point) * scale
        y = opset13.convert(opset13.fake_quantize(x, low, high, np.float32(0), np.float32(255), 256), "u8")
    else:
        x = opset13.parameter(work.q.shape, np.uint8)
        y = opset13.multiply(opset13.subtract(opset13.convert(x, "f32"), zero_point), scale)
    return openvino.Model([opset13.result(y)], [x], "conversion")


def _mapped(fake_quantize: openvino.Node) -> openvino.Output:
    """Its input, brought from its input range to its output range."""
    low, high, out_low, out_high = (fake_quantize.input_value(i).get_node().data.astype(np.float64) for i in range(1, 5))
    if np.array_equal(low, out_low) and np.array_equal(high, out_high):
        return fake_quantize.input_value(0)
    factor = (out_high - out_low) / (high - low)
    scaled = opset13.multiply(fake_quantize.input_value(0), factor.astype(np.float32))
    return opset13.add(scaled, (out_low - low * factor).astype(np.float32)).output(0)


def compile_model(source: Path | openvino.Model, threads: int) -> openvino.CompiledModel:
    """A model, read first where `source` is a file's path, compiled."""
    return _CORE.compile_model(str(source) if isinstance(source, Path) else source, "CPU", _configuration(threads))


def trivial_model() -> openvino.Model:
    """The least that can be inferred: its time is what a call costs."""
    x = opset13.parameter([1, 16], np.uint8)
    return openvino.Model([opset13.result(opset13.bitwise_not(x))], [x], "trivial")


def float_model(model: openvino.Model) -> openvino.Model:
    """The same network in float: every FakeQuantize of a computed tensor is passed by, or where it maps its range to another,
    the map alone is kept. Weights keep the values that their integers stand for, but as floats: the plugin would multiply with
    the integers otherwise.
    """
    clone = model.clone()
    for op in clone.get_ordered_ops():
        if op.get_type_name() == "Convert" and op.input_value(0).get_node().get_type_name() == "Constant":
            values = opset13.constant(op.input_value(0).get_node().data.astype(np.float32))
            for target in op.output(0).get_target_inputs():
                target.replace_source_output(values.output(0))
        if op.get_type_name() == "FakeQuantize" and op.input_value(0).get_node().get_type_name() != "Constant":
            source = _mapped(op)
            for target in op.output(0).get_target_inputs():
                target.replace_source_output(source)
    clone.validate_nodes_and_infer_types()
    return clone
