# The C API, src_c/qkernels.h, for Cython.

from libc.stdint cimport int8_t, int32_t, uint8_t, uint64_t

cdef extern from "qkernels.h" nogil:
    ctypedef enum qk_status:
        QK_OK
        QK_ERROR_MEMORY
        QK_ERROR_ARGUMENT
        QK_ERROR_UNSUPPORTED
    ctypedef enum qk_dtype:
        QK_U8
        QK_S8
        QK_S32
        QK_F32
        QK_U16
        QK_S16
    ctypedef struct qk_isa_info:
        const char *name
        int supported
        int current
    ctypedef struct qk_affine:
        size_t outer, channels, inner
        const float *scale
        const int32_t *zero_point
        qk_dtype dtype
    ctypedef struct qk_requantize_map:
        size_t outer, channels, inner
        const float *multiplier
        int32_t zero_point, lo, hi
        qk_dtype dtype
    ctypedef enum qk_activation:
        QK_ACTIVATION_NONE
        QK_ACTIVATION_HARD_SWISH
        QK_ACTIVATION_HARD_SIGMOID
    ctypedef struct qk_epilogue:
        qk_dtype dtype
        const int32_t *bias
        const float *multiplier
        int32_t zero_point, lo, hi
        qk_activation activation
        float activation_scale
    ctypedef struct qk_linear_desc:
        size_t k, n
        const void *weights
        ptrdiff_t stride_k, stride_n
        qk_dtype weights_dtype
        const int32_t *weights_zero_point
        int32_t input_zero_point
    ctypedef struct qk_conv2d_desc:
        size_t batch, height, width, channels_in, channels_out, groups
        size_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w
        size_t pad_top, pad_left, pad_bottom, pad_right
        const int32_t *input_zero_point
        const void *weights
        qk_dtype weights_dtype
    ctypedef struct qk_average_pool_desc:
        size_t batch, height, width, channels
        size_t kernel_h, kernel_w, stride_h, stride_w
        int32_t input_zero_point
        float multiplier
        int32_t zero_point, lo, hi
        qk_dtype dtype
        size_t pad_top, pad_left, pad_bottom, pad_right
        int exclude_pad
    ctypedef struct qk_max_pool_desc:
        size_t batch, height, width, channels
        size_t kernel_h, kernel_w, stride_h, stride_w
        size_t pad_top, pad_left, pad_bottom, pad_right
    ctypedef enum qk_operation:
        QK_ADD
        QK_MULTIPLY
    ctypedef struct qk_arithmetic_desc:
        qk_operation operation
        size_t images, pixels, channels
        int one_pixel_b
        int32_t zero_point_a, zero_point_b
        float scale_a, scale_b
        int32_t zero_point, lo, hi
        qk_dtype dtype
    ctypedef struct qk_op:
        pass
    ctypedef struct qk_plan:
        pass
    size_t qk_isa_list(qk_isa_info *, size_t)
    qk_status qk_use_isa(const char *)
    const char *qk_current_isa()
    int qk_cpus_allowed()
    double qk_cpu_quota(const char *)
    int qk_threads_available()
    void qk_set_num_threads(int)
    int qk_get_num_threads()
    qk_status qk_quantize(const float *, void *, const qk_affine *)
    qk_status qk_dequantize(const void *, float *, const qk_affine *)
    void qk_minmax(const float *, size_t, float *, float *)
    qk_status qk_requantize(const int32_t *, void *, const qk_requantize_map *)
    qk_status qk_linear_create(const qk_linear_desc *, const qk_epilogue *, qk_op **)
    qk_status qk_conv2d_create(const qk_conv2d_desc *, const qk_epilogue *, qk_op **)
    qk_status qk_average_pool_create(const qk_average_pool_desc *, qk_op **)
    qk_status qk_max_pool_create(const qk_max_pool_desc *, qk_op **)
    qk_status qk_quantize_create(const qk_affine *, qk_op **)
    qk_status qk_dequantize_create(const qk_affine *, qk_op **)
    qk_status qk_arithmetic_create(const qk_arithmetic_desc *, qk_op **)
    qk_status qk_table_create(size_t, const uint8_t *, qk_op **)
    qk_status qk_transpose_create(size_t, size_t, size_t, qk_dtype, qk_op **)
    qk_status qk_softmax_create(size_t, size_t, qk_op **)
    void qk_op_destroy(qk_op *)
    const char *qk_op_implementation(const qk_op *)
    qk_status qk_linear_run(const qk_op *, const qk_epilogue *, int32_t, qk_dtype, const void *, size_t, void *)
    uint64_t qk_count_saturations(const uint8_t *, size_t, const int8_t *, size_t, size_t, ptrdiff_t, ptrdiff_t)
    qk_status qk_plan_create(qk_plan **)
    void qk_plan_destroy(qk_plan *)
    qk_status qk_plan_add_tensor(qk_plan *, size_t, int *)
    size_t qk_op_inputs(const qk_op *)
    qk_status qk_plan_add_op(qk_plan *, qk_op *, size_t, const int *, int)
    qk_status qk_plan_finish(qk_plan *, const int *, size_t, const int *, size_t)
    size_t qk_plan_arena_bytes(const qk_plan *)
    qk_status qk_plan_run(qk_plan *, const void **, void **, uint64_t *)
    qk_status qk_plan_run_op(qk_plan *, size_t, const void *const *, void *, size_t, uint64_t *)
    uint64_t qk_clock_ns()
    double qk_measure_peak(double)
    double qk_measure_read_bandwidth(const void *, size_t, double)
