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
    const size_t threads = (size_t)qk_threads_enter();
    uint8_t *scratch = op->scratch_per_thread ? qk_aligned_alloc(op->scratch_per_thread * threads) : NULL;
    const qk_status status = scratch || !op->scratch_per_thread ? QK_OK : QK_ERROR_MEMORY;
    if (status == QK_OK) op->run(op, src, dst, rows, scratch);
    qk_aligned_free(scratch);
    qk_threads_leave();
    return status;
}
