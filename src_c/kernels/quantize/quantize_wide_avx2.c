/* Eight elements a step, the last ones through copies of eight. Scales and zero points that all share are widened once. */
#include "../inline.h"
#include "quantize_wide.h"
#include <immintrin.h>
#include <string.h>

enum { STEP = 8 };

ALWAYS_INLINE __m256 load_floats(const float *x, size_t n) {
    float buffer[STEP] = {1, 1, 1, 1, 1, 1, 1, 1};
    if (n < STEP) memcpy(buffer, x, n * sizeof *x);
    return _mm256_loadu_ps(n < STEP ? buffer : x);
}

ALWAYS_INLINE __m256i load_ints(const int32_t *x, size_t n) {
    int32_t buffer[STEP] = {0};
    if (n < STEP) memcpy(buffer, x, n * sizeof *x);
    return _mm256_loadu_si256((const __m256i *)(n < STEP ? buffer : x));
}

ALWAYS_INLINE void store_floats(float *x, size_t n, __m256 v) {
    float buffer[STEP];
    _mm256_storeu_ps(n < STEP ? buffer : x, v);
    if (n < STEP) memcpy(x, buffer, n * sizeof *x);
}

/* NaN -> 0 before rounding; bounds of the rounded value that keep the sum with the zero point inside 0..65535 */
ALWAYS_INLINE void quantize8(const float *x, uint16_t *q, size_t n, __m256 scale, __m256i zero_point, uint16_t flip) {
    const __m256 v = _mm256_div_ps(load_floats(x, n), scale);
    const __m256 number = _mm256_and_ps(v, _mm256_cmp_ps(v, v, _CMP_ORD_Q));
    const __m256 lo = _mm256_cvtepi32_ps(_mm256_sub_epi32(_mm256_setzero_si256(), zero_point));
    const __m256 hi = _mm256_cvtepi32_ps(_mm256_sub_epi32(_mm256_set1_epi32(65535), zero_point));
    const __m256i rounded = _mm256_cvtps_epi32(_mm256_min_ps(_mm256_max_ps(number, lo), hi));
    const __m256i sum = _mm256_add_epi32(rounded, zero_point);
    const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
    uint16_t buffer[STEP];
    _mm_storeu_si128((__m128i *)(n < STEP ? buffer : q), _mm_xor_si128(words, _mm_set1_epi16((short)flip)));
    if (n < STEP) memcpy(q, buffer, n * sizeof *q);
}

ALWAYS_INLINE void dequantize8(const uint16_t *q, float *x, size_t n, __m256 scale, __m256i zero_point, uint16_t flip) {
    uint16_t buffer[STEP] = {0};
    if (n < STEP) memcpy(buffer, q, n * sizeof *q);
    const __m128i words = _mm_loadu_si128((const __m128i *)(n < STEP ? buffer : q));
    const __m256i v = _mm256_cvtepu16_epi32(_mm_xor_si128(words, _mm_set1_epi16((short)flip)));
    store_floats(x, n, _mm256_mul_ps(scale, _mm256_cvtepi32_ps(_mm256_sub_epi32(v, zero_point))));
}

void qk_quantize_f32u16_avx2(const float *x, uint16_t *q, size_t n, const float *scale, const int32_t *zero_point,
                             size_t step, uint16_t flip) {
    if (step) {
        for (size_t i = 0; i < n; i += STEP)
            quantize8(x + i, q + i, n - i, load_floats(scale + i, n - i), load_ints(zero_point + i, n - i), flip);
        return;
    }
    const __m256 s = _mm256_set1_ps(scale[0]);
    const __m256i z = _mm256_set1_epi32(zero_point[0]);
    for (size_t i = 0; i < n; i += STEP) quantize8(x + i, q + i, n - i, s, z, flip);
}

void qk_dequantize_u16f32_avx2(const uint16_t *q, float *x, size_t n, const float *scale, const int32_t *zero_point,
                               size_t step, uint16_t flip) {
    if (step) {
        for (size_t i = 0; i < n; i += STEP)
            dequantize8(q + i, x + i, n - i, load_floats(scale + i, n - i), load_ints(zero_point + i, n - i), flip);
        return;
    }
    const __m256 s = _mm256_set1_ps(scale[0]);
    const __m256i z = _mm256_set1_epi32(zero_point[0]);
    for (size_t i = 0; i < n; i += STEP) dequantize8(q + i, x + i, n - i, s, z, flip);
}

void qk_dequantize_s32f32_avx2(const int32_t *q, float *x, size_t n, const float *scale, size_t step) {
    for (size_t i = 0; i < n; i += STEP) {
        const __m256 s = step ? load_floats(scale + i, n - i) : _mm256_set1_ps(scale[0]);
        store_floats(x + i, n - i, _mm256_mul_ps(s, _mm256_cvtepi32_ps(load_ints(q + i, n - i))));
    }
}
