/* 16 elements a step. The loads, stores and the step from float to byte are written once; what differs between the kernels
 * is where a vector's scale and zero point come from.
 */
#include "quantize.h"
#include <immintrin.h>

#define ALWAYS_INLINE static inline __attribute__((always_inline))

ALWAYS_INLINE __m512i to_int(__m512 v, __m512 lo, __m512 hi) {
    return _mm512_cvtps_epi32(_mm512_min_ps(_mm512_max_ps(v, lo), hi));
}

ALWAYS_INLINE __mmask16 first(size_t n) {
    return n >= 16 ? (__mmask16)0xffff : (__mmask16)((1u << n) - 1);
}

/* NaN -> 0 before rounding */
ALWAYS_INLINE __m512 without_nan(__m512 v) {
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(v, v, _CMP_ORD_Q), v);
}

/* bounds of rint(x / scale) that keep the sum with the zero point inside 0..255 */
ALWAYS_INLINE __m512i quantize16(__m512 x, __m512 scale, __m512i zero_point) {
    const __m512 lo = _mm512_cvtepi32_ps(_mm512_sub_epi32(_mm512_setzero_si512(), zero_point));
    const __m512 hi = _mm512_cvtepi32_ps(_mm512_sub_epi32(_mm512_set1_epi32(255), zero_point));
    return _mm512_add_epi32(to_int(without_nan(_mm512_div_ps(x, scale)), lo, hi), zero_point);
}

ALWAYS_INLINE void store16(uint8_t *q, __mmask16 mask, __m512i v, uint8_t flip) {
    const __m128i bytes = _mm_xor_si128(_mm512_cvtepi32_epi8(v), _mm_set1_epi8((char)flip));
    if (mask == 0xffff) _mm_storeu_si128((__m128i *)q, bytes);
    else _mm_mask_storeu_epi8(q, mask, bytes);
}

void qk_quantize_f32u8_avx512vnni(const float *x, uint8_t *q, size_t n, float scale, int32_t zero_point, uint8_t flip) {
    const __m512 s = _mm512_set1_ps(scale);
    const __m512i z = _mm512_set1_epi32(zero_point);
    for (size_t i = 0; i < n; i += 16) {
        const __mmask16 mask = first(n - i);
        store16(q + i, mask, quantize16(_mm512_maskz_loadu_ps(mask, x + i), s, z), flip);
    }
}

void qk_quantize_channels_f32u8_avx512vnni(const float *x, uint8_t *q, size_t n, const float *scale,
                                           const int32_t *zero_point, uint8_t flip) {
    for (size_t i = 0; i < n; i += 16) {
        const __mmask16 mask = first(n - i);
        const __m512 s = _mm512_mask_loadu_ps(_mm512_set1_ps(1.0f), mask, scale + i);
        const __m512i z = _mm512_maskz_loadu_epi32(mask, zero_point + i);
        store16(q + i, mask, quantize16(_mm512_maskz_loadu_ps(mask, x + i), s, z), flip);
    }
}

ALWAYS_INLINE __m512 dequantize16(const uint8_t *q, __mmask16 mask, __m512 scale, __m512i zero_point, uint8_t flip) {
    const __m128i bytes = _mm_xor_si128(_mm_maskz_loadu_epi8(mask, q), _mm_set1_epi8((char)flip));
    return _mm512_mul_ps(scale, _mm512_cvtepi32_ps(_mm512_sub_epi32(_mm512_cvtepu8_epi32(bytes), zero_point)));
}

void qk_dequantize_u8f32_avx512vnni(const uint8_t *q, float *x, size_t n, float scale, int32_t zero_point, uint8_t flip) {
    const __m512 s = _mm512_set1_ps(scale);
    const __m512i z = _mm512_set1_epi32(zero_point);
    for (size_t i = 0; i < n; i += 16) {
        const __mmask16 mask = first(n - i);
        _mm512_mask_storeu_ps(x + i, mask, dequantize16(q + i, mask, s, z, flip));
    }
}

void qk_dequantize_channels_u8f32_avx512vnni(const uint8_t *q, float *x, size_t n, const float *scale,
                                             const int32_t *zero_point, uint8_t flip) {
    for (size_t i = 0; i < n; i += 16) {
        const __mmask16 mask = first(n - i);
        const __m512 s = _mm512_maskz_loadu_ps(mask, scale + i);
        const __m512i z = _mm512_maskz_loadu_epi32(mask, zero_point + i);
        _mm512_mask_storeu_ps(x + i, mask, dequantize16(q + i, mask, s, z, flip));
    }
}

ALWAYS_INLINE __m512i requantize16(__m512i acc, __m512 multiplier, const struct qk_requant *r) {
    const __m512 v = _mm512_mul_ps(_mm512_cvtepi32_ps(acc), multiplier);
    const __m512i rounded = to_int(v, _mm512_set1_ps(r->lo_float), _mm512_set1_ps(r->hi_float));
    return _mm512_add_epi32(rounded, _mm512_set1_epi32(r->zero_point));
}

void qk_requantize_s32u8_avx512vnni(const int32_t *acc, uint8_t *q, size_t n, float multiplier,
                                    const struct qk_requant *r) {
    const __m512 m = _mm512_set1_ps(multiplier);
    for (size_t i = 0; i < n; i += 16) {
        const __mmask16 mask = first(n - i);
        store16(q + i, mask, requantize16(_mm512_maskz_loadu_epi32(mask, acc + i), m, r), r->flip);
    }
}

void qk_requantize_channels_s32u8_avx512vnni(const int32_t *acc, uint8_t *q, size_t n, const float *multiplier,
                                             const struct qk_requant *r) {
    for (size_t i = 0; i < n; i += 16) {
        const __mmask16 mask = first(n - i);
        const __m512 m = _mm512_maskz_loadu_ps(mask, multiplier + i);
        store16(q + i, mask, requantize16(_mm512_maskz_loadu_epi32(mask, acc + i), m, r), r->flip);
    }
}

void qk_minmax_f32_avx512vnni(const float *x, size_t n, float *lo, float *hi) {
    __m512 low = _mm512_set1_ps(*lo), high = _mm512_set1_ps(*hi);
    for (size_t i = 0; i < n; i += 16) {
        const __m512 v = _mm512_maskz_loadu_ps(first(n - i), x + i);
        const __mmask16 number = _mm512_mask_cmp_ps_mask(first(n - i), v, v, _CMP_ORD_Q);
        low = _mm512_mask_min_ps(low, number, low, v);
        high = _mm512_mask_max_ps(high, number, high, v);
    }
    *lo = _mm512_reduce_min_ps(low);
    *hi = _mm512_reduce_max_ps(high);
}
