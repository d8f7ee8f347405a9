/* The definition of the element-wise kernels. */
#include "quantize.h"
#include <math.h>

/* clamp(rint(v) + zero_point, 0, 255); a NaN becomes `zero_point`. Clamping first keeps the sum inside an int. */
static uint8_t round_and_clamp(float v, int32_t zero_point) {
    if (isnan(v)) v = 0.0f;
    const float rounded = rintf(fminf(fmaxf(v, (float)-zero_point), (float)(255 - zero_point)));
    return (uint8_t)((int32_t)rounded + zero_point);
}

void qk_quantize_f32u8_scalar(const float *x, uint8_t *q, size_t n, float scale, int32_t zero_point, uint8_t flip,
                              int stream) {
    (void)stream;
    for (size_t i = 0; i < n; i++) q[i] = round_and_clamp(x[i] / scale, zero_point) ^ flip;
}

void qk_quantize_channels_f32u8_scalar(const float *x, uint8_t *q, size_t n, const float *scale,
                                       const int32_t *zero_point, uint8_t flip) {
    for (size_t i = 0; i < n; i++) q[i] = round_and_clamp(x[i] / scale[i], zero_point[i]) ^ flip;
}

void qk_dequantize_u8f32_scalar(const uint8_t *q, float *x, size_t n, float scale, int32_t zero_point, uint8_t flip,
                                int stream) {
    (void)stream;
    for (size_t i = 0; i < n; i++) x[i] = scale * (float)((int32_t)(q[i] ^ flip) - zero_point);
}

void qk_dequantize_channels_u8f32_scalar(const uint8_t *q, float *x, size_t n, const float *scale,
                                         const int32_t *zero_point, uint8_t flip) {
    for (size_t i = 0; i < n; i++) x[i] = scale[i] * (float)((int32_t)(q[i] ^ flip) - zero_point[i]);
}

void qk_requantize_s32u8_scalar(const int32_t *acc, uint8_t *q, size_t n, float multiplier, const struct qk_requant *r) {
    for (size_t i = 0; i < n; i++) q[i] = qk_round_to_byte((float)acc[i] * multiplier, r);
}

void qk_requantize_channels_s32u8_scalar(const int32_t *acc, uint8_t *q, size_t n, const float *multiplier,
                                         const struct qk_requant *r) {
    for (size_t i = 0; i < n; i++) q[i] = qk_round_to_byte((float)acc[i] * multiplier[i], r);
}

void qk_minmax_f32_scalar(const float *x, size_t n, float *lo, float *hi) {
    for (size_t i = 0; i < n; i++) {
        if (x[i] < *lo) *lo = x[i];
        if (x[i] > *hi) *hi = x[i];
    }
}
