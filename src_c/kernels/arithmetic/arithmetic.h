/* Contract of the sum and the product of two quantized arrays, n elements of each, in float32 without fused operations:
 *
 *   add        v = float32(a - zero_a) * scale_a + float32(b - zero_b) * scale_b      three roundings
 *   multiply   v = float32((a - zero_a) * (b - zero_b)) * scale_a                     one
 *   out = clamp(round_half_even(v) + zero_point, lo, hi)
 *
 * Where infinities make v a NaN, out is lo, as in requant.h. Kernels' minimum with `hi_float` has v as its second operand for it.
 */
#ifndef QK_KERNELS_ARITHMETIC_H
#define QK_KERNELS_ARITHMETIC_H

#include "../requant.h"

struct qk_arithmetic {
    int32_t zero_a, zero_b; /* 0..255 */
    float scale_a, scale_b; /* in steps of the output; scale_b is add's alone */
    struct qk_requant requant;
};

typedef void qk_arithmetic_fn(const uint8_t *a, const uint8_t *b, uint8_t *out, size_t n, const struct qk_arithmetic *p);

qk_arithmetic_fn qk_add_u8_scalar, qk_add_u8_avx2, qk_add_u8_avx512vnni;
qk_arithmetic_fn qk_multiply_u8_scalar, qk_multiply_u8_avx2, qk_multiply_u8_avx512vnni;

#endif
