# The common case of a call: NumPy arrays that need no conversion, and plain numbers. Whatever else comes, right or wrong, these
# functions return None with nothing written, and the checks in Python, much longer, convert it or say what is the matter.

from cpython.long cimport PyLong_AsLongAndOverflow
from libc.math cimport isfinite

cdef tuple _FLOATS = (float, np.float64, np.float32)
cdef object _isfinite = np.isfinite
cdef object _UINT8 = np.uint8, _INT8 = np.int8, _UINT8_DTYPE = np.dtype(np.uint8), _INT8_DTYPE = np.dtype(np.int8)


cdef inline int byte_type(dtype):
    """The number of uint8 or int8, -1 for another dtype or spelling."""
    if dtype is _UINT8 or dtype is _UINT8_DTYPE:
        return cnp.NPY_UINT8
    return cnp.NPY_INT8 if dtype is _INT8 or dtype is _INT8_DTYPE else -1


cdef inline bint is_array(value, int type_number):
    return (cnp.PyArray_CheckExact(value) and cnp.PyArray_TYPE(<cnp.ndarray>value) == type_number
            and cnp.PyArray_ISCARRAY_RO(<cnp.ndarray>value))


cdef inline bint is_row(value, int type_number, cnp.npy_intp n):
    return (is_array(value, type_number) and cnp.PyArray_NDIM(<cnp.ndarray>value) == 1
            and cnp.PyArray_DIM(<cnp.ndarray>value, 0) == n)


cdef inline bint is_integer(value, int type_number, int32_t *found) except -1:
    """An int in the range of the type."""
    cdef int overflow = 0
    cdef long least = -128 if type_number == cnp.NPY_INT8 else 0, number
    if type(value) is not int:
        return False
    number = PyLong_AsLongAndOverflow(value, &overflow)
    found[0] = <int32_t>number
    return not overflow and least <= number <= least + 255


cdef inline bint is_float(value, float *found) except -1:
    """A number that is finite in float32."""
    if type(value) not in _FLOATS:
        return False
    found[0] = <float><double>value
    return isfinite(found[0])


cdef inline bint are_bounds(lo, hi, int type_number, int32_t *low, int32_t *high) except -1:
    low[0] = -128 if type_number == cnp.NPY_INT8 else 0
    high[0] = low[0] + 255
    return ((lo is None or is_integer(lo, type_number, low)) and (hi is None or is_integer(hi, type_number, high))
            and low[0] <= high[0])


cdef destination(out, int type_number, int dimensions, cnp.npy_intp *shape, cnp.ndarray source):
    """`out`, or a new array where it is None."""
    cdef cnp.ndarray array
    cdef int i
    if out is None:
        return cnp.PyArray_EMPTY(dimensions, shape, type_number, 0)
    if not is_array(out, type_number):
        return None
    array = out
    if not cnp.PyArray_ISWRITEABLE(array) or cnp.PyArray_NDIM(array) != dimensions:
        return None
    for i in range(dimensions):
        if cnp.PyArray_DIM(array, i) != shape[i]:
            return None
    if (cnp.PyArray_BYTES(array) < cnp.PyArray_BYTES(source) + cnp.PyArray_NBYTES(source)
            and cnp.PyArray_BYTES(source) < cnp.PyArray_BYTES(array) + cnp.PyArray_NBYTES(array)):
        return None
    return array


cdef inline qk_dtype dtype_of(int type_number):
    return (QK_U8 if type_number == cnp.NPY_UINT8 else QK_S8 if type_number == cnp.NPY_INT8 else
            QK_S32 if type_number == cnp.NPY_INT32 else QK_F32)


cdef affine_common(cnp.ndarray source, int target, int quantized, scale, zero_point, out, what):
    """Either direction; `quantized` is the type on that side."""
    cdef qk_affine m
    cdef float step
    cdef int32_t point
    cdef qk_status status
    if not is_float(scale, &step) or step <= 0 or not is_integer(zero_point, quantized, &point):
        return None
    result = destination(out, target, cnp.PyArray_NDIM(source), cnp.PyArray_DIMS(source), source)
    if result is None:
        return None
    m.outer, m.channels, m.inner = 1, 1, cnp.PyArray_SIZE(source)
    m.scale, m.zero_point, m.dtype = &step, &point, dtype_of(quantized)
    cdef const void *src = cnp.PyArray_DATA(source)
    cdef void *dst = address(result)
    with nogil:
        status = qk_dequantize(src, <float *>dst, &m) if target == cnp.NPY_FLOAT32 else qk_quantize(<const float *>src, dst, &m)
    raise_for(status, what)
    return result


def quantize_common(x, scale, zero_point, dtype, out):
    cdef int quantized = byte_type(dtype)
    if quantized < 0 or not is_array(x, cnp.NPY_FLOAT32):
        return None
    return affine_common(x, quantized, quantized, scale, zero_point, out, "quantize")


def dequantize_common(q, scale, zero_point, out):
    if not is_array(q, cnp.NPY_UINT8) and not is_array(q, cnp.NPY_INT8):
        return None
    return affine_common(q, cnp.NPY_FLOAT32, cnp.PyArray_TYPE(<cnp.ndarray>q), scale, zero_point, out, "dequantize")


def requantize_common(acc, multiplier, zero_point, dtype, lo, hi, out):
    cdef qk_requantize_map m
    cdef float factor
    cdef int target = byte_type(dtype)
    cdef qk_status status
    if (target < 0 or not is_array(acc, cnp.NPY_INT32) or not is_float(multiplier, &factor)
            or not is_integer(zero_point, target, &m.zero_point) or not are_bounds(lo, hi, target, &m.lo, &m.hi)):
        return None
    cdef cnp.ndarray source = acc
    result = destination(out, target, cnp.PyArray_NDIM(source), cnp.PyArray_DIMS(source), source)
    if result is None:
        return None
    m.outer, m.channels, m.inner = 1, 1, cnp.PyArray_SIZE(source)
    m.multiplier, m.dtype = &factor, dtype_of(target)
    cdef const int32_t *src = <const int32_t *>cnp.PyArray_DATA(source)
    cdef void *dst = address(result)
    with nogil:
        status = qk_requantize(src, dst, &m)
    raise_for(status, "requantize")
    return result


def linear_common(Weights weights, a, a_zero_point, bias, multiplier, zero_point, dtype, lo, hi, out):
    """`multiplier` None: the int32 sums, and what follows it but `out` is not looked at."""
    cdef qk_epilogue e
    cdef cnp.npy_intp shape[cnp.NPY_MAXDIMS]
    cdef int32_t point
    cdef float factor
    cdef int target = cnp.NPY_INT32, last, i
    cdef qk_status status
    if not is_array(a, cnp.NPY_UINT8) and not is_array(a, cnp.NPY_INT8):
        return None
    cdef cnp.ndarray source = a
    last = cnp.PyArray_NDIM(source) - 1
    if (last < 0 or cnp.PyArray_DIM(source, last) != weights.k
            or not is_integer(a_zero_point, cnp.PyArray_TYPE(source), &point)
            or not (bias is None or is_row(bias, cnp.NPY_INT32, weights.n))):
        return None
    if multiplier is not None:
        target = byte_type(dtype)
        if (target < 0 or not weights.are_plain or not is_integer(zero_point, target, &e.zero_point)
                or not are_bounds(lo, hi, target, &e.lo, &e.hi)):
            return None
        if is_float(multiplier, &factor):
            multiplier = np.full(weights.n, factor, np.float32)
        elif not is_row(multiplier, cnp.NPY_FLOAT32, weights.n) or not _isfinite(multiplier).all():
            return None
    for i in range(last):
        shape[i] = cnp.PyArray_DIM(source, i)
    shape[last] = weights.n
    result = destination(out, target, last + 1, shape, source)
    if result is None:
        return None
    e.dtype = dtype_of(target)
    e.activation, e.activation_scale = QK_ACTIVATION_NONE, 0
    e.bias = <const int32_t *>address(bias) if bias is not None else NULL
    e.multiplier = <const float *>address(multiplier) if multiplier is not None else NULL
    cdef size_t rows = cnp.PyArray_SIZE(source) // weights.k
    cdef qk_dtype a_dtype = dtype_of(cnp.PyArray_TYPE(source))
    cdef const void *src = cnp.PyArray_DATA(source)
    cdef void *dst = address(result)
    with nogil:
        status = qk_linear_run(weights.op, &e, point, a_dtype, src, rows, dst)
    raise_for(status, "linear")
    return result
