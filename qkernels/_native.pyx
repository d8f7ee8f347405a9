# cython: language_level=3, freethreading_compatible=True
"""NumPy buffers to C and back. Arguments have been checked; types and meanings are in _native.pyi."""

cimport numpy as cnp
from libc.stdint cimport int8_t, int32_t, uint8_t, uint64_t

from qkernels.capi cimport *

import math
import sys
import os

import cython
import numpy as np

cnp.import_array()

_DTYPES = {"uint8": QK_U8, "int8": QK_S8, "int32": QK_S32, "float32": QK_F32, "uint16": QK_U16, "int16": QK_S16}


cdef int raise_for(qk_status status, what) except -1:
    if status == QK_OK:
        return 0
    if status == QK_ERROR_MEMORY:
        raise MemoryError(f"{what}: out of memory")
    raise ValueError(f"{what}: sizes or types that the operation does not define")


cdef inline void *address(array):
    return cnp.PyArray_DATA(<cnp.ndarray?>array)


cdef qk_affine affine_map(shape, scale, zero_point, dtype):
    """`shape` is (outer, channels, inner)."""
    cdef qk_affine m
    m.outer, m.channels, m.inner = shape
    m.scale = <const float *>address(scale)
    m.zero_point = <const int32_t *>address(zero_point)
    m.dtype = _DTYPES[dtype]
    return m


_ACTIVATIONS = {"": QK_ACTIVATION_NONE, "hard_swish": QK_ACTIVATION_HARD_SWISH,
                "hard_sigmoid": QK_ACTIVATION_HARD_SIGMOID}


cdef qk_epilogue make_epilogue(bias, multiplier, int zero_point, int lo, int hi, dtype, activation="",
                               float activation_scale=0):
    cdef qk_epilogue e
    e.dtype = _DTYPES[dtype]
    e.bias = <const int32_t *>address(bias) if bias is not None else NULL
    e.multiplier = <const float *>address(multiplier) if multiplier is not None else NULL
    e.zero_point, e.lo, e.hi = zero_point, lo, hi
    e.activation, e.activation_scale = _ACTIVATIONS[activation], activation_scale
    return e


def quantize(x, q, shape, scale, zero_point, dtype):
    cdef qk_affine m = affine_map(shape, scale, zero_point, dtype)
    cdef const float *src = <const float *>address(x)
    cdef void *dst = address(q)
    cdef qk_status status
    with nogil:
        status = qk_quantize(src, dst, &m)
    raise_for(status, "quantize")


def dequantize(q, x, shape, scale, zero_point, dtype):
    cdef qk_affine m = affine_map(shape, scale, zero_point, dtype)
    cdef const void *src = address(q)
    cdef float *dst = <float *>address(x)
    cdef qk_status status
    with nogil:
        status = qk_dequantize(src, dst, &m)
    raise_for(status, "dequantize")


def requantize(acc, q, shape, multiplier, int zero_point, int lo, int hi, dtype):
    cdef qk_requantize_map m
    m.outer, m.channels, m.inner = shape
    m.multiplier = <const float *>address(multiplier)
    m.zero_point, m.lo, m.hi = zero_point, lo, hi
    m.dtype = _DTYPES[dtype]
    cdef const int32_t *src = <const int32_t *>address(acc)
    cdef void *dst = address(q)
    cdef qk_status status
    with nogil:
        status = qk_requantize(src, dst, &m)
    raise_for(status, "requantize")


def minmax(x):
    cdef const float *src = <const float *>address(x)
    cdef size_t n = x.size
    cdef float lo, hi
    with nogil:
        qk_minmax(src, n, &lo, &hi)
    return lo, hi


def count_saturations(a, b):
    cdef const uint8_t *left = <const uint8_t *>address(a)
    cdef const int8_t *right = <const int8_t *>address(b)
    cdef size_t m, k, n
    cdef ptrdiff_t stride_k, stride_n
    cdef uint64_t count
    m, (k, n), (stride_k, stride_n) = a.shape[0], b.shape, b.strides
    with nogil:
        count = qk_count_saturations(left, m, right, k, n, stride_k, stride_n)
    return count


cdef class Weights:
    """A (K, N) matrix packed for the instruction set in use."""
    cdef qk_op *op
    cdef cnp.npy_intp k, n
    cdef bint are_plain     # int8 with zero point 0, as a requantized product needs them

    def __cinit__(self, b, zero_point):
        cdef qk_linear_desc d
        self.k, self.n = d.k, d.n = b.shape
        self.are_plain = b.dtype == np.int8 and not zero_point.any()
        d.weights = address(b)
        d.stride_k, d.stride_n = b.strides
        d.weights_dtype = _DTYPES[b.dtype.name]
        d.weights_zero_point = <const int32_t *>address(zero_point)
        d.input_zero_point = 0
        cdef qk_epilogue e = make_epilogue(None, None, 0, 0, 0, "int32")
        raise_for(qk_linear_create(&d, &e, &self.op), "PackedWeights")

    def __dealloc__(self):
        if self.op:
            qk_op_destroy(self.op)

    @property
    def implementation(self):
        return qk_op_implementation(self.op).decode()

    def run(self, a, size_t m, c, int a_zero_point, bias, multiplier, int zero_point, int lo, int hi):
        cdef qk_epilogue e = make_epilogue(bias, multiplier, zero_point, lo, hi, c.dtype.name)
        cdef qk_dtype a_dtype = _DTYPES[a.dtype.name]
        cdef const void *src = address(a)
        cdef void *dst = address(c)
        cdef qk_status status
        with nogil:
            status = qk_linear_run(self.op, &e, a_zero_point, a_dtype, src, m, dst)
        raise_for(status, "linear")


include "common_case.pxi"
include "plan.pxi"


def isas():
    """(name, supported) of each set built in, weakest first."""
    cdef qk_isa_info found[16]
    n = qk_isa_list(found, 16)
    return [(found[i].name.decode(), bool(found[i].supported)) for i in range(n)]


def use_isa(name):
    supported = [isa for isa, has in isas() if has]
    if name not in supported:
        raise ValueError(f"name: expected an instruction set that this CPU has ({', '.join(supported)}), got {name!r}")
    qk_use_isa(name.encode())


def current_isa():
    return qk_current_isa().decode()


def threads_available():
    return qk_threads_available()


def cpus_allowed():
    return qk_cpus_allowed()


def cpu_quota(root=""):
    return qk_cpu_quota(os.fsencode(root))


def set_num_threads(int n):
    qk_set_num_threads(n)


def get_num_threads():
    return qk_get_num_threads()


def measure_peak(int milliseconds):
    cdef double found
    cdef double seconds = milliseconds / 1e3
    with nogil:
        found = qk_measure_peak(seconds)
    return found


def measure_read_bandwidth(buffer, int milliseconds):
    cdef const void *data = address(buffer)
    cdef size_t size = buffer.nbytes
    cdef double found
    cdef double seconds = milliseconds / 1e3
    with nogil:
        found = qk_measure_read_bandwidth(data, size, seconds)
    return found
