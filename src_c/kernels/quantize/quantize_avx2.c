/* Whole vectors of 32 bytes on the quantized side; what is left goes 8 elements a step, the last ones through a copy of 8. */
#include "../inline.h"
#include "quantize.h"
#include <immintrin.h>
#include <string.h>

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

static void quantize_exactly(const float *x, uint8_t *q, size_t n, float scale, int32_t zero_point, uint8_t flip) {
    const __m256 s = _mm256_set1_ps(scale);
    const __m256i z = _mm256_set1_epi32(zero_point);
    for (size_t i = 0; i < n; i += STEP)
        store_bytes(q + i, n - i, quantize8(load_floats(x + i, n - i, 0.0f), s, z), flip);
}

/* Four vectors of int32 as bytes, zero point added, in the order of packs: 4 of each vector in each lane of 128 bits. */
ALWAYS_INLINE __m256i to_bytes(__m256i v0, __m256i v1, __m256i v2, __m256i v3, __m256i zero_point) {
    const __m256i low = _mm256_add_epi16(_mm256_packs_epi32(v0, v1), zero_point);
    const __m256i high = _mm256_add_epi16(_mm256_packs_epi32(v2, v3), zero_point);
    return _mm256_packus_epi16(low, high);
}

/* elements up to where p is aligned, which streaming stores ask for */
ALWAYS_INLINE size_t head(const void *p, size_t element, size_t n) {
    const size_t bytes = (32 - (uintptr_t)p % 32) % 32 / element;
    return bytes < n ? bytes : n;
}

/* A division costs five cycles a vector, a product half a one. x is multiplied by two numbers a little below and a little
 * above 1 / scale, further from it than all roundings together: rint is monotonic, so where both products round to the same
 * integer, so does the quotient. Where they do not, one time in 10^4, the quotient is near a tie (or x is NaN, or far out of
 * range: `below` sends a NaN to the upper bound, `above` to INT32_MIN), and the 32 elements are divided.
 */
ALWAYS_INLINE void quantize_whole(const float *x, uint8_t *q, size_t n, float scale, int32_t zero_point, uint8_t flip,
                                  int stream) {
    const float margin = 0x1p-21f, reciprocal = 1.0f / scale;
    const __m256 smaller = _mm256_set1_ps(reciprocal * (1 - margin)), larger = _mm256_set1_ps(reciprocal * (1 + margin));
    const __m256 high = _mm256_set1_ps(512.0f); /* any bound above 255: the packs saturate */
    const __m256i z = _mm256_set1_epi16((int16_t)zero_point), f = _mm256_set1_epi8((char)flip);
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    for (size_t i = 0; i < n; i += 32) {
        __m256i below[4], above[4];
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++) {
            const __m256 v = _mm256_loadu_ps(x + i + 8 * j);
            below[j] = _mm256_cvtps_epi32(_mm256_min_ps(_mm256_mul_ps(v, smaller), high));
            above[j] = _mm256_cvtps_epi32(_mm256_mul_ps(v, larger));
        }
        const __m256i bytes = to_bytes(below[0], below[1], below[2], below[3], z);
        const __m256i others = to_bytes(above[0], above[1], above[2], above[3], z);
        if (__builtin_expect(_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, others)) != -1, 0)) {
            quantize_exactly(x + i, q + i, 32, scale, zero_point, flip);
            continue;
        }
        const __m256i ordered = _mm256_xor_si256(_mm256_permutevar8x32_epi32(bytes, order), f);
        if (stream) _mm256_stream_si256((__m256i *)(q + i), ordered);
        else _mm256_storeu_si256((__m256i *)(q + i), ordered);
    }
    if (stream) _mm_sfence();
}

void qk_quantize_f32u8_avx2(const float *x, uint8_t *q, size_t n, float scale, int32_t zero_point, uint8_t flip,
                            int stream) {
    const int reciprocal_is_normal = scale > 0x1p-100f && scale < 0x1p100f;
    const size_t first_part = stream ? head(q, 1, n) : 0, whole = reciprocal_is_normal ? (n - first_part) / 32 * 32 : 0;
    quantize_exactly(x, q, first_part, scale, zero_point, flip);
    if (stream) quantize_whole(x + first_part, q + first_part, whole, scale, zero_point, flip, 1);
    else quantize_whole(x, q, whole, scale, zero_point, flip, 0);
    const size_t done = first_part + whole;
    quantize_exactly(x + done, q + done, n - done, scale, zero_point, flip);
}

void qk_quantize_channels_f32u8_avx2(const float *x, uint8_t *q, size_t n, const float *scale, const int32_t *zero_point,
                                     uint8_t flip) {
    for (size_t i = 0; i < n; i += STEP) {
        const __m256 s = load_floats(scale + i, n - i, 1.0f);
        const __m256i z = load_ints(zero_point + i, n - i);
        store_bytes(q + i, n - i, quantize8(load_floats(x + i, n - i, 0.0f), s, z), flip);
    }
}

ALWAYS_INLINE __m256 dequantize8(const uint8_t *q, size_t n, __m256 scale, __m256i zero_point, uint8_t flip) {
    return _mm256_mul_ps(scale, _mm256_cvtepi32_ps(_mm256_sub_epi32(load_bytes(q, n, flip), zero_point)));
}

/* `stream`: x is aligned */
ALWAYS_INLINE void dequantize(const uint8_t *q, float *x, size_t n, float scale, int32_t zero_point, uint8_t flip, int stream) {
    const __m256 s = _mm256_set1_ps(scale);
    const __m256i z = _mm256_set1_epi32(zero_point);
    size_t i = 0;
    for (; i + STEP <= n; i += STEP) {
        const __m256 real = dequantize8(q + i, STEP, s, z, flip);
        if (stream) _mm256_stream_ps(x + i, real);
        else _mm256_storeu_ps(x + i, real);
    }
    if (i < n) store_floats(x + i, n - i, dequantize8(q + i, n - i, s, z, flip));
    if (stream) _mm_sfence();
}

void qk_dequantize_u8f32_avx2(const uint8_t *q, float *x, size_t n, float scale, int32_t zero_point, uint8_t flip,
                              int stream) {
    const int aligned = (uintptr_t)x % sizeof *x == 0; /* else no vector of x ever starts where a streaming store may */
    const size_t first_part = stream && aligned ? head(x, sizeof *x, n) : 0;
    dequantize(q, x, first_part, scale, zero_point, flip, 0);
    q += first_part, x += first_part, n -= first_part;
    if (stream && aligned) dequantize(q, x, n, scale, zero_point, flip, 1);
    else dequantize(q, x, n, scale, zero_point, flip, 0);
}

void qk_dequantize_channels_u8f32_avx2(const uint8_t *q, float *x, size_t n, const float *scale,
                                       const int32_t *zero_point, uint8_t flip) {
    for (size_t i = 0; i < n; i += STEP) {
        const __m256 s = load_floats(scale + i, n - i, 0.0f);
        store_floats(x + i, n - i, dequantize8(q + i, n - i, s, load_ints(zero_point + i, n - i), flip));
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
