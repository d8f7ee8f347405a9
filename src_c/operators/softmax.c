/* Softmax over the last axis in float32. */
#include "op.h"

struct softmax {
    qk_op op;
    qk_softmax_row_fn *row;
    size_t rows, columns;
};

static void run(const qk_op *op, const void *const *src, void *dst, size_t rows, uint8_t *scratch) {
    const struct softmax *s = (const struct softmax *)op;
    (void)rows, (void)scratch;
    for (size_t i = 0; i < s->rows; i++) s->row((const float *)src[0] + i * s->columns, (float *)dst + i * s->columns, s->columns);
}

static void destroy(qk_op *op) {
    qk_aligned_free(op);
}

qk_status qk_softmax_create(size_t rows, size_t columns, qk_op **op) {
    const size_t bytes = qk_times(qk_times(rows, columns), sizeof(float));
    if (bytes == 0 || bytes == QK_TOO_MANY) return QK_ERROR_ARGUMENT;
    struct softmax *s = qk_aligned_alloc(sizeof *s);
    if (!s) return QK_ERROR_MEMORY;
    *s = (struct softmax){{.implementation = "softmax_f32", .run = run, .destroy = destroy, .n_inputs = 1, .src_bytes = {bytes},
                           .dst_bytes = bytes}, qk_current_kernels()->softmax_row, rows, columns};
    *op = &s->op;
    return QK_OK;
}
