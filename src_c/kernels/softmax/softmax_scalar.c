#include "softmax.h"
#include <math.h>
#include <stdint.h>
#include <string.h>

static uint32_t bits_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static float exp_of(float x) {
    const float rounded = x * QK_EXP_LOG2_E + QK_EXP_ROUND, n = rounded - QK_EXP_ROUND;
    const float r = x - n * QK_EXP_LN2_HIGH - n * QK_EXP_LN2_LOW;
    float p = 1.0f / 5040;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    const uint32_t exponent = (bits_of(rounded) - bits_of(QK_EXP_ROUND) + 127) << 23; /* the bits of 2^n */
    float power;
    memcpy(&power, &exponent, sizeof power);
    return x < QK_EXP_LOWEST ? 0.0f : p * power;
}

void qk_softmax_row_scalar(const float *x, float *y, size_t n) {
    float highest = x[0];
    for (size_t i = 1; i < n; i++) highest = x[i] > highest ? x[i] : highest;
    double sums[QK_SOFTMAX_STRIPES] = {0};
    for (size_t i = 0; i < n; i++) {
        y[i] = exp_of(x[i] - highest);
        sums[i % QK_SOFTMAX_STRIPES] += y[i];
    }
    for (size_t step = QK_SOFTMAX_STRIPES / 2; step; step /= 2)
        for (size_t i = 0; i < step; i++) sums[i] += sums[i + step];
    const float scale = (float)(1 / sums[0]);
    for (size_t i = 0; i < n; i++) y[i] = isnan(scale) ? NAN : y[i] * scale;
}
