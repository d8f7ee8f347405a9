/* The definition of the affine maps of 16-bit and 32-bit integers. */
#include "quantize_wide.h"
#include <math.h>

void qk_quantize_f32u16_scalar(const float *x, uint16_t *q, size_t n, const float *scale, const int32_t *zero_point,
                               size_t step, uint16_t flip) {
    for (size_t i = 0; i < n; i++) {
        const float v = x[i] / scale[i * step];
        const int32_t z = zero_point[i * step];
        /* clamping first keeps the sum inside 0..65535 */
        const float rounded = rintf(fminf(fmaxf(isnan(v) ? 0.0f : v, (float)-z), (float)(65535 - z)));
        q[i] = (uint16_t)((int32_t)rounded + z) ^ flip;
    }
}

void qk_dequantize_u16f32_scalar(const uint16_t *q, float *x, size_t n, const float *scale, const int32_t *zero_point,
                                 size_t step, uint16_t flip) {
    for (size_t i = 0; i < n; i++) x[i] = scale[i * step] * (float)((int32_t)(q[i] ^ flip) - zero_point[i * step]);
}

void qk_dequantize_s32f32_scalar(const int32_t *q, float *x, size_t n, const float *scale, size_t step) {
    for (size_t i = 0; i < n; i++) x[i] = scale[i * step] * (float)q[i];
}
