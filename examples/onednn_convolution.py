"""A convolution of oneDNN through its C API. The numbers are those of dnnl_types.h, version 3."""

import ctypes
import os

import numpy as np

from qkernels.engines import onednn
from qkernels.engines.base import Unsupported

CPU, IN_ORDER, FORWARD_INFERENCE, DIRECT, RELU, ANY_LAYOUT, WEIGHTS_DESCRIPTION = 1, 1, 96, 1, 0x20, 1, 131
TYPES = {"float32": 3, "int32": 4, "int8": 5, "uint8": 6}
SRC, DST, WEIGHTS, BIAS, SCALES = 1, 17, 33, 41, 4096
EACH_OUTPUT_CHANNEL = 1                           # a mask: bit 0, the first dimension of the weights


class Argument(ctypes.Structure):
    _fields_ = [("number", ctypes.c_int), ("memory", ctypes.c_void_p)]


class Convolution:
    """3x3 of stride 1 and padding 1, on one CPU: the process keeps to it from then on. A call returns the output.

    x           (batch, height, width, channels_in) uint8
    weights     (3, 3, channels_in, channels_out) int8
    multiplier  (channels_out,) float32 and `bias` like it, in steps of the output: uint8 with ReLU; None, both: int32 sums
    Raises ImportError where oneDNN is not installed, Unsupported where it has no engine for the CPU.
    """

    def __init__(self, x, weights, bias=None, multiplier=None):
        # oneDNN's wheel asks OpenCL for the CPU: its runtime lies beside it, where OpenCL's loader does not look
        os.environ.setdefault("OCL_ICD_FILENAMES", str(onednn.directory() / "libintelocl.so"))
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
        self.library, self.engine, self.stream = onednn.library(1), ctypes.c_void_p(), ctypes.c_void_p()
        self.library.dnnl_primitive_desc_query_md.restype = ctypes.c_void_p
        self.library.dnnl_memory_desc_get_size.restype = ctypes.c_size_t
        if status := self.library.dnnl_engine_create(ctypes.byref(self.engine), CPU, ctypes.c_size_t(0)):
            raise Unsupported(f"oneDNN: no engine for the CPU, status {status}")
        self.call("stream_create", ctypes.byref(self.stream), self.engine, IN_ORDER)
        fused = multiplier is not None
        self.result = np.empty((*x.shape[:3], weights.shape[3]), np.uint8 if fused else np.int32)
        # oneDNN counts dimensions as (batch, channels, height, width) and (out, in, height, width), whatever the strides
        source, kernel, result = x.transpose(0, 3, 1, 2), weights.transpose(3, 2, 0, 1), self.result.transpose(0, 3, 1, 2)
        description = self.create(
            "convolution_forward_primitive_desc_create", self.engine, FORWARD_INFERENCE, DIRECT, self.describe(source),
            self.create("memory_desc_create_with_tag", 4, longs(kernel.shape), TYPES["int8"], ANY_LAYOUT),
            self.describe(bias) if fused else None, self.describe(result),
            longs((1, 1)), longs((0, 0)), longs((1, 1)), longs((1, 1)),  # strides, dilations, padding before and behind
            self.requantized_with_relu() if fused else None)
        self.primitive = self.create("primitive_create", description)
        layout = ctypes.c_void_p(self.library.dnnl_primitive_desc_query_md(description, WEIGHTS_DESCRIPTION, 0))
        packed = np.empty(self.library.dnnl_memory_desc_get_size(layout), np.uint8)
        memories = {SRC: self.memory(source), WEIGHTS: self.memory(packed, layout), DST: self.memory(result)}
        reorder = self.create("reorder_primitive_desc_create", self.describe(kernel), self.engine, layout, self.engine, None)
        self.execute(self.create("primitive_create", reorder), {SRC: self.memory(kernel), DST: memories[WEIGHTS]})
        if fused:
            memories |= {BIAS: self.memory(bias), SCALES | WEIGHTS: self.memory(multiplier)}
        self.memories = memories
        self.kept = x, weights, bias, multiplier, packed  # oneDNN has their addresses only

    def __call__(self):
        self.execute(self.primitive, self.memories)
        return self.result

    def requantized_with_relu(self):
        attributes, operations = self.create("primitive_attr_create"), self.create("post_ops_create")
        self.call("primitive_attr_set_scales_mask", attributes, WEIGHTS, EACH_OUTPUT_CHANNEL)
        self.call("post_ops_append_eltwise", operations, RELU, ctypes.c_float(0), ctypes.c_float(0))
        self.call("primitive_attr_set_post_ops", attributes, operations)
        return attributes

    def execute(self, primitive, memories):
        arguments = (Argument * len(memories))(*(Argument(number, memory.value) for number, memory in memories.items()))
        self.call("primitive_execute", primitive, self.stream, len(arguments), arguments)
        self.call("stream_wait", self.stream)

    def describe(self, array):
        strides = longs(stride // array.itemsize for stride in array.strides)
        return self.create("memory_desc_create_with_strides", array.ndim, longs(array.shape), TYPES[array.dtype.name], strides)

    def memory(self, array, description=None):
        return self.create("memory_create", description or self.describe(array), self.engine,
                           ctypes.c_void_p(array.ctypes.data))

    def create(self, name, *given):
        made = ctypes.c_void_p()
        self.call(name, ctypes.byref(made), *given)
        return made

    def call(self, name, *given):
        if status := self.library[f"dnnl_{name}"](*given):
            raise RuntimeError(f"oneDNN: status {status} of dnnl_{name}")


def longs(values):
    return (ctypes.c_int64 * 12)(*values)         # dnnl_dims_t
