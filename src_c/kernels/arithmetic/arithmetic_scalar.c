/* The definition of the sum and the product of quantized arrays. */
#include "arithmetic.h"

void qk_add_u8_scalar(const uint8_t *a, const uint8_t *b, uint8_t *out, size_t n, const struct qk_arithmetic *p) {
    for (size_t i = 0; i < n; i++) {
        const float first = (float)(a[i] - p->zero_a) * p->scale_a;
        const float second = (float)(b[i] - p->zero_b) * p->scale_b;
        out[i] = qk_round_to_byte(first + second, &p->requant);
    }
}

void qk_multiply_u8_scalar(const uint8_t *a, const uint8_t *b, uint8_t *out, size_t n, const struct qk_arithmetic *p) {
    for (size_t i = 0; i < n; i++)
        out[i] = qk_round_to_byte((float)((a[i] - p->zero_a) * (b[i] - p->zero_b)) * p->scale_a, &p->requant);
}
