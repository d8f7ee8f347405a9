#include "op.h"
#include <stdlib.h>
#include <string.h>

size_t qk_dtype_size(qk_dtype dtype) {
    if (dtype == QK_U16 || dtype == QK_S16) return 2;
    return dtype == QK_U8 || dtype == QK_S8 ? 1 : 4;
}

void *qk_aligned_alloc(size_t bytes) {
    if (bytes > SIZE_MAX - 64) return NULL;
    const size_t rounded = qk_round_up(bytes ? bytes : 1, 64);
    void *p = aligned_alloc(64, rounded);
    if (p) memset(p, 0, rounded);
    return p;
}

void qk_aligned_free(void *p) {
    free(p);
}

struct qk_requant qk_make_requant(qk_dtype dtype, int32_t zero_point, int32_t lo, int32_t hi) {
    const int32_t shift = dtype == QK_S8 ? 128 : 0;
    return (struct qk_requant){
        .hi_float = (float)(hi - zero_point),
        .lo_float = (float)(lo - zero_point),
        .zero_point = zero_point + shift,
        .lo = (uint8_t)(lo + shift),
        .hi = (uint8_t)(hi + shift),
        .flip = qk_flip(dtype),
    };
}

int qk_are_zero_points(const int32_t *zero_point, size_t n, qk_dtype dtype) {
    const int32_t least = dtype == QK_S8 ? -128 : dtype == QK_S16 ? -32768 : 0;
    const int32_t span = qk_is_byte(dtype) ? 255 : qk_dtype_size(dtype) == 2 ? 65535 : 0; /* int32 has none but 0 */
    int inside = 1;
    for (size_t i = 0; i < n; i++) inside &= zero_point[i] >= least && zero_point[i] <= least + span;
    return inside;
}

int qk_is_requantization(qk_dtype dtype, int32_t zero_point, int32_t lo, int32_t hi) {
    const int32_t values[] = {zero_point, lo, hi};
    return qk_is_byte(dtype) && lo <= hi && qk_are_zero_points(values, 3, dtype);
}

int qk_is_epilogue(const qk_epilogue *e) {
    if (e->dtype == QK_S32 || e->dtype == QK_F32) return e->activation == QK_ACTIVATION_NONE;
    return (unsigned)e->activation <= QK_ACTIVATION_HARD_SIGMOID && qk_is_requantization(e->dtype, e->zero_point, e->lo, e->hi);
}

int qk_is_weight(int value) {
    return value >= -255 && value <= 255;
}

void qk_op_destroy(qk_op *op) {
    if (op) op->destroy(op);
}

const char *qk_op_implementation(const qk_op *op) {
    return op->implementation;
}

struct qk_requant qk_epilogue_requant(const qk_epilogue *epilogue) {
    _Static_assert((int)QK_ACTIVATION_HARD_SWISH == QK_HARD_SWISH && (int)QK_ACTIVATION_HARD_SIGMOID == QK_HARD_SIGMOID,
                   "kernels number activations as the public header does");
    struct qk_requant requant = qk_make_requant(epilogue->dtype, epilogue->zero_point, epilogue->lo, epilogue->hi);
    requant.activation = (uint8_t)epilogue->activation;
    requant.activation_scale = epilogue->activation_scale;
    return requant;
}

size_t qk_op_inputs(const qk_op *op) {
    return op->n_inputs;
}

qk_status qk_op_run(const qk_op *op, const void *const *src, void *dst, size_t rows) {
    if (op->by_row && (qk_times(op->src_bytes[0], rows) == QK_TOO_MANY || qk_times(op->dst_bytes, rows) == QK_TOO_MANY))
        return QK_ERROR_ARGUMENT;
    const size_t threads = (size_t)qk_threads_enter();
    uint8_t *scratch = op->scratch_per_thread ? qk_aligned_alloc(qk_times(op->scratch_per_thread, threads)) : NULL;
    const qk_status status = scratch || !op->scratch_per_thread ? QK_OK : QK_ERROR_MEMORY;
    if (status == QK_OK) op->run(op, src, dst, rows, scratch);
    qk_aligned_free(scratch);
    qk_threads_leave();
    return status;
}
