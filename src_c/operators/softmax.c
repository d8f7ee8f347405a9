/* Softmax over the last axis in float32, the maximum subtracted. The sum runs in double in a fixed order, so that the result
 * depends neither on the instruction set nor on threads. */
#include "op.h"
#include <math.h>

struct softmax {
    qk_op op;
    size_t rows, columns;
};

static void run(const qk_op *op, const void *src, void *dst, size_t rows, uint8_t *scratch) {
    const struct softmax *s = (const struct softmax *)op;
    (void)rows, (void)scratch;
    for (size_t i = 0; i < s->rows; i++) {
        const float *x = (const float *)src + i * s->columns;
        float *y = (float *)dst + i * s->columns;
        float highest = x[0];
        for (size_t j = 1; j < s->columns; j++) highest = fmaxf(highest, x[j]);
        double sum = 0;
        for (size_t j = 0; j < s->columns; j++) sum += y[j] = expf(x[j] - highest);
        for (size_t j = 0; j < s->columns; j++) y[j] = (float)(y[j] / sum);
    }
}

static void destroy(qk_op *op) {
    qk_aligned_free(op);
}

qk_status qk_softmax_create(size_t rows, size_t columns, qk_op **op) {
    if (rows == 0 || columns == 0) return QK_ERROR_ARGUMENT;
    struct softmax *s = qk_aligned_alloc(sizeof *s);
    if (!s) return QK_ERROR_MEMORY;
    *s = (struct softmax){{"softmax_f32", 0, run, destroy}, rows, columns};
    *op = &s->op;
    return QK_OK;
}
