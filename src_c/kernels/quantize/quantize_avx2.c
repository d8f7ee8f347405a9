/* 8 elements a step; the last ones go through a copy of 8. */
#include "quantize.h"
#include <immintrin.h>
#include <string.h>

#define ALWAYS_INLINE static inline __attribute__((always_inline))

enum { STEP = 8 };

ALWAYS_INLINE __m256 load_floats(const float *x, size_t n, float fill) {
    if (n >= STEP) return _mm256_loadu_ps(x);
    float buffer[STEP] = {fill, fill, fill, fill, fill, fill, fill, fill};
    memcpy(buffer, x, n * sizeof *x);
    return _mm256_loadu_ps(buffer);
}

ALWAYS_INLINE __m256i load_ints(const int32_t *x, size_t n) {
    if (n >= STEP) return _mm256_loadu_si256((const __m256i *)x);
    int32_t buffer[STEP] = {0};
    memcpy(buffer, x, n * sizeof *x);
    return _mm256_loadu_si256((const __m256i *)buffer);
}

ALWAYS_INLINE __m256i load_bytes(const uint8_t *q, size_t n, uint8_t flip) {
    uint8_t buffer[STEP] = {0};
    if (n < STEP) memcpy(buffer, q, n);
    const __m128i bytes = _mm_loadl_epi64((const __m128i *)(n < STEP ? buffer : q));
    return _mm256_cvtepu8_epi32(_mm_xor_si128(bytes, _mm_set1_epi8((char)flip)));
}

/* of values inside 0..255 */
ALWAYS_INLINE void store_bytes(uint8_t *q, size_t n, __m256i v, uint8_t flip) {
    const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    const __m128i bytes = _mm_xor_si128(_mm_packus_epi16(words, words), _mm_set1_epi8((char)flip));
    if (n >= STEP) {
        _mm_storel_epi64((__m128i *)q, bytes);
        return;
    }
    uint8_t buffer[STEP];
    _mm_storel_epi64((__m128i *)buffer, bytes);
    memcpy(q, buffer, n);
}

ALWAYS_INLINE void store_floats(float *x, size_t n, __m256 v) {
    if (n >= STEP) {
        _mm256_storeu_ps(x, v);
        return;
    }
    float buffer[STEP];
    _mm256_storeu_ps(buffer, v);
    memcpy(x, buffer, n * sizeof *x);
}

ALWAYS_INLINE __m256i clamp_and_round(__m256 v, __m256 lo, __m256 hi) {
    return _mm256_cvtps_epi32(_mm256_min_ps(_mm256_max_ps(v, lo), hi));
}

ALWAYS_INLINE __m256i quantize8(__m256 x, __m256 scale, __m256i zero_point) {
    const __m256 v = _mm256_div_ps(x, scale);
    const __m256 number = _mm256_and_ps(v, _mm256_cmp_ps(v, v, _CMP_ORD_Q)); /* NaN -> 0 */
    const __m256 lo = _mm256_cvtepi32_ps(_mm256_sub_epi32(_mm256_setzero_si256(), zero_point));
    const __m256 hi = _mm256_cvtepi32_ps(_mm256_sub_epi32(_mm256_set1_epi32(255), zero_point));
    return _mm256_add_epi32(clamp_and_round(number, lo, hi), zero_point);
}

void qk_quantize_f32u8_avx2(const float *x, uint8_t *q, size_t n, float scale, int32_t zero_point, uint8_t flip,
                            int stream) {
    (void)stream;
    const __m256 s = _mm256_set1_ps(scale);
    const __m256i z = _mm256_set1_epi32(zero_point);
    for (size_t i = 0; i < n; i += STEP)
        store_bytes(q + i, n - i, quantize8(load_floats(x + i, n - i, 0.0f), s, z), flip);
}

void qk_quantize_channels_f32u8_avx2(const float *x, uint8_t *q, size_t n, const float *scale, const int32_t *zero_point,
                                     uint8_t flip) {
    for (size_t i = 0; i < n; i += STEP) {
        const __m256 s = load_floats(scale + i, n - i, 1.0f);
        const __m256i z = load_ints(zero_point + i, n - i);
        store_bytes(q + i, n - i, quantize8(load_floats(x + i, n - i, 0.0f), s, z), flip);
    }
}

void qk_dequantize_u8f32_avx2(const uint8_t *q, float *x, size_t n, float scale, int32_t zero_point, uint8_t flip,
                              int stream) {
    (void)stream;
    const __m256 s = _mm256_set1_ps(scale);
    const __m256i z = _mm256_set1_epi32(zero_point);
    for (size_t i = 0; i < n; i += STEP) {
        const __m256i v = _mm256_sub_epi32(load_bytes(q + i, n - i, flip), z);
        store_floats(x + i, n - i, _mm256_mul_ps(s, _mm256_cvtepi32_ps(v)));
    }
}

void qk_dequantize_channels_u8f32_avx2(const uint8_t *q, float *x, size_t n, const float *scale,
                                       const int32_t *zero_point, uint8_t flip) {
    for (size_t i = 0; i < n; i += STEP) {
        const __m256i v = _mm256_sub_epi32(load_bytes(q + i, n - i, flip), load_ints(zero_point + i, n - i));
        store_floats(x + i, n - i, _mm256_mul_ps(load_floats(scale + i, n - i, 0.0f), _mm256_cvtepi32_ps(v)));
    }
}

ALWAYS_INLINE __m256i requantize8(__m256i acc, __m256 multiplier, const struct qk_requant *r) {
    const __m256 v = _mm256_mul_ps(_mm256_cvtepi32_ps(acc), multiplier);
    const __m256i rounded = clamp_and_round(v, _mm256_set1_ps(r->lo_float), _mm256_set1_ps(r->hi_float));
    return _mm256_add_epi32(rounded, _mm256_set1_epi32(r->zero_point));
}

void qk_requantize_s32u8_avx2(const int32_t *acc, uint8_t *q, size_t n, float multiplier, const struct qk_requant *r) {
    const __m256 m = _mm256_set1_ps(multiplier);
    for (size_t i = 0; i < n; i += STEP)
        store_bytes(q + i, n - i, requantize8(load_ints(acc + i, n - i), m, r), r->flip);
}

void qk_requantize_channels_s32u8_avx2(const int32_t *acc, uint8_t *q, size_t n, const float *multiplier,
                                       const struct qk_requant *r) {
    for (size_t i = 0; i < n; i += STEP) {
        const __m256 m = load_floats(multiplier + i, n - i, 0.0f);
        store_bytes(q + i, n - i, requantize8(load_ints(acc + i, n - i), m, r), r->flip);
    }
}

void qk_minmax_f32_avx2(const float *x, size_t n, float *lo, float *hi) {
    __m256 low = _mm256_set1_ps(*lo), high = _mm256_set1_ps(*hi);
    for (size_t i = 0; i < n; i += STEP) {
        /* min and max return their second operand on NaN */
        const __m256 v = load_floats(x + i, n - i, n ? x[0] : 0.0f);
        low = _mm256_min_ps(v, low);
        high = _mm256_max_ps(v, high);
    }
    float lows[STEP], highs[STEP];
    _mm256_storeu_ps(lows, low);
    _mm256_storeu_ps(highs, high);
    for (int j = 0; j < STEP; j++) {
        if (lows[j] < *lo) *lo = lows[j];
        if (highs[j] > *hi) *hi = highs[j];
    }
}
