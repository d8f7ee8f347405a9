/* Softmax over the last axis in float32, the maximum subtracted. The exponential is written out here and the sum runs in
 * double in a fixed order, so that the result depends neither on the instruction set, nor on threads, nor on the C library.
 */
#include "op.h"
#include <string.h>

struct softmax {
    qk_op op;
    size_t rows, columns;
};

/* e^x for x <= 0, to about one unit in the last place: x = n ln 2 + r, e^x = 2^n e^r with the Taylor series of e^r to the
 * seventh power, |r| <= ln 2 / 2. What would lie below the normal numbers is 0: subnormals are slow and mean nothing here.
 */
static inline float exp_of(float x) {
    const float log2_e = 1.44269504f, ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
    const float lowest = -87.0f;
    const float to_integer = 12582912.0f; /* 1.5 * 2^23: adding it leaves no room for a fraction */
    const float n = x * log2_e + to_integer - to_integer;
    const float r = x - n * ln2_high - n * ln2_low;
    float p = 1.0f / 5040;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    const int32_t exponent = (int32_t)((uint32_t)((int32_t)(x < lowest ? lowest : n) + 127) << 23); /* the bits of 2^n */
    float power;
    memcpy(&power, &exponent, sizeof power);
    return x < lowest ? 0.0f : p * power;
}

static void run(const qk_op *op, const void *src, void *dst, size_t rows, uint8_t *scratch) {
    const struct softmax *s = (const struct softmax *)op;
    (void)rows, (void)scratch;
    for (size_t i = 0; i < s->rows; i++) {
        const float *x = (const float *)src + i * s->columns;
        float *y = (float *)dst + i * s->columns;
        float highest = x[0];
        for (size_t j = 1; j < s->columns; j++) highest = x[j] > highest ? x[j] : highest;
        double sum = 0;
        for (size_t j = 0; j < s->columns; j++) {
            y[j] = exp_of(x[j] - highest);
            sum += y[j];
        }
        const float scale = (float)(1 / sum);
        for (size_t j = 0; j < s->columns; j++) y[j] *= scale;
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
