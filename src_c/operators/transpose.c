/* Matrices transposed one by one: NCHW to NHWC is (channels, pixels) for each image, and back. A task is a range of columns. */
#include "op.h"

enum { COLUMNS = 1024 }; /* a task */

struct transpose {
    qk_op op;
    const struct qk_kernels *kernels;
    size_t matrices, rows, columns, element_bytes;
};

struct loop {
    const struct transpose *t;
    const uint8_t *src;
    uint8_t *dst;
    size_t tasks_a_matrix;
};

static void task(void *context, size_t index, size_t thread) {
    const struct loop *l = context;
    const struct transpose *t = l->t;
    (void)thread;
    const size_t matrix = index / l->tasks_a_matrix, first = index % l->tasks_a_matrix * COLUMNS;
    const size_t columns = qk_min(COLUMNS, t->columns - first), at = matrix * t->rows * t->columns;
    const void *src = l->src + (at + first) * t->element_bytes;
    void *dst = l->dst + (at + first * t->rows) * t->element_bytes;
    if (t->element_bytes == 1) t->kernels->transpose_u8(src, t->columns, dst, t->rows, t->rows, columns);
    else t->kernels->transpose_u32(src, t->columns, dst, t->rows, t->rows, columns);
}

static void run(const qk_op *op, const void *const *src, void *dst, size_t rows, uint8_t *scratch) {
    const struct transpose *t = (const struct transpose *)op;
    (void)rows, (void)scratch;
    struct loop l = {t, src[0], dst, (t->columns + COLUMNS - 1) / COLUMNS};
    qk_parallel_for(t->matrices * l.tasks_a_matrix, task, &l);
}

static void destroy(qk_op *op) {
    qk_aligned_free(op);
}

qk_status qk_transpose_create(size_t matrices, size_t rows, size_t columns, qk_dtype dtype, qk_op **op) {
    const size_t element_bytes = qk_dtype_size(dtype);
    const size_t bytes = qk_times(qk_times(matrices, rows), qk_times(columns, element_bytes));
    const int has_kernel = qk_is_byte(dtype) || dtype == QK_S32 || dtype == QK_F32;
    if (!has_kernel || bytes == 0 || bytes == QK_TOO_MANY) return QK_ERROR_ARGUMENT;
    struct transpose *t = qk_aligned_alloc(sizeof *t);
    if (!t) return QK_ERROR_MEMORY;
    t->op = (qk_op){.implementation = element_bytes == 1 ? "transpose_u8" : "transpose_u32", .run = run, .destroy = destroy,
                    .n_inputs = 1, .src_bytes = {bytes}, .dst_bytes = bytes};
    t->kernels = qk_current_kernels();
    t->matrices = matrices, t->rows = rows, t->columns = columns, t->element_bytes = element_bytes;
    *op = &t->op;
    return QK_OK;
}
