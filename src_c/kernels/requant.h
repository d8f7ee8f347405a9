/* The last step of every integer kernel: from an int32 accumulator to a byte.
 *
 *   q = clamp(round_half_even(float32(acc) * multiplier) + zero_point, lo, hi)
 *
 * An activation stands between the product and the rounding, in float32, an operation a rounding (Howard et al. 2019):
 *
 *   v = float32(acc) * multiplier       in the real units of the activation's input
 *   hard swish     v * min(max(v + 3, 0), 6) * activation_scale       activation_scale = 1 / (6 * the output's scale)
 *   hard sigmoid       min(max(v + 3, 0), 6) * activation_scale
 *
 * Kernels write uint8. For int8 output the caller adds 128 to zero_point, lo and hi and sets flip = 0x80: the byte
 * pattern of an int8 is that of the uint8 128 above it with the sign bit flipped.
 *
 * Overflow: |product| may reach infinity. vcvtps2dq turns everything from 2^31 upwards into INT32_MIN, so kernels bound
 * the product from above by `hi_float` (exact: hi - zero_point is a small integer, and clamping to an integer commutes
 * with rounding). From below INT32_MIN saturates rightly by itself. Where weights and bias leave no room for such a
 * product, as in every real network, the caller says so with `bounded`, and kernels spare themselves that step.
 */
#ifndef QK_KERNELS_REQUANT_H
#define QK_KERNELS_REQUANT_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

enum { QK_NO_ACTIVATION = 0, QK_HARD_SWISH = 1, QK_HARD_SIGMOID = 2 };

struct qk_requant {
    float hi_float;     /* hi - zero_point */
    float lo_float;     /* lo - zero_point */
    int32_t zero_point; /* 0..255 */
    uint8_t lo, hi;     /* 0..255, lo <= hi */
    uint8_t flip;       /* 0, or 0x80 for int8 output */
    uint8_t bounded;    /* |acc * multiplier| < 2^31 for whatever acc can be */
    uint8_t activation;
    float activation_scale;
};

/* The definition, from the product on. A NaN, of infinity times zero, becomes `lo`. */
static inline float qk_activate(float v, const struct qk_requant *r) {
    if (r->activation == QK_NO_ACTIVATION) return v;
    const float gate = fminf(fmaxf(v + 3.0f, 0.0f), 6.0f);
    return (r->activation == QK_HARD_SWISH ? v * gate : gate) * r->activation_scale;
}
static inline uint8_t qk_round_to_byte(float v, const struct qk_requant *r) {
    return (uint8_t)((int32_t)rintf(fminf(fmaxf(v, r->lo_float), r->hi_float)) + r->zero_point) ^ r->flip;
}

/* `bounded` for sums of `taps` products of a uint8 and a weight of at most `largest`, with n biases and multipliers. */
static inline uint8_t qk_is_bounded(size_t taps, int32_t largest, size_t n, const int32_t *bias, const float *multiplier) {
    const double int32_end = 2147483648.0;
    for (size_t i = 0; i < n; i++) {
        double acc = (double)taps * 255 * largest + (bias[i] < 0 ? -(double)bias[i] : bias[i]);
        if (acc > int32_end) acc = int32_end; /* sums wrap round */
        const double product = acc * (multiplier[i] < 0 ? -multiplier[i] : multiplier[i]);
        if (!(product < int32_end / 2)) return 0; /* half: a margin for float32's rounding */
    }
    return 1;
}

/* How much of the epilogue is needed. Vector kernels are compiled once for each form and take the smallest that is exact:
 *   PLAIN    bounded, and the bytes' whole range from zero point 0, as after a ReLU: the packs' saturation is the clamp
 *   BOUNDED  no product leaves int32
 *   ANY      activations are computed and products are bounded from above first
 *   WORDS    no requantization: int32 as they are, of matrix products */
enum form { PLAIN, BOUNDED, ANY, WORDS, N_FORMS };

static inline enum form form_of(const struct qk_requant *r) {
    if (!r->bounded || r->activation != QK_NO_ACTIVATION) return ANY;
    return r->zero_point == 0 && r->lo == 0 && r->hi == 255 && r->flip == 0 ? PLAIN : BOUNDED;
}

#endif
