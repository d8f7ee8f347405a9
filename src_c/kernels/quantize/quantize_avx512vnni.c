/* Whole vectors of 64 bytes on the quantized side, the rest 16 elements a step under a mask. The step from float to byte is
 * written once; what differs between the kernels is where a vector's scale and zero point come from.
 */
#include "../inline.h"
#include "quantize.h"
#include <immintrin.h>

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

static void quantize_exactly(const float *x, uint8_t *q, size_t n, float scale, int32_t zero_point, uint8_t flip) {
    const __m512 s = _mm512_set1_ps(scale);
    const __m512i z = _mm512_set1_epi32(zero_point);
    for (size_t i = 0; i < n; i += 16) {
        const __mmask16 mask = first(n - i);
        store16(q + i, mask, quantize16(_mm512_maskz_loadu_ps(mask, x + i), s, z), flip);
    }
}

/* Four vectors of int32 as bytes, zero point added, in natural order. */
ALWAYS_INLINE __m512i to_bytes(__m512i v0, __m512i v1, __m512i v2, __m512i v3, __m512i zero_point) {
    const __m512i low = _mm512_add_epi16(_mm512_packs_epi32(v0, v1), zero_point);
    const __m512i high = _mm512_add_epi16(_mm512_packs_epi32(v2, v3), zero_point);
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    return _mm512_permutexvar_epi32(order, _mm512_packus_epi16(low, high));
}

ALWAYS_INLINE void store64(uint8_t *q, __m512i bytes, int stream) {
    if (stream) _mm512_stream_si512((void *)q, bytes);
    else _mm512_storeu_si512(q, bytes);
}

/* elements up to where q is aligned, which streaming stores ask for */
ALWAYS_INLINE size_t head(const void *q, size_t element, size_t n) {
    const size_t bytes = (64 - (uintptr_t)q % 64) % 64 / element;
    return bytes < n ? bytes : n;
}

/* A division costs six cycles a vector, a product one. x is multiplied by two numbers a little below and a little above
 * 1 / scale, further from it than all roundings together: rint is monotonic, so where both products round to the same
 * integer, so does the quotient. Where they do not, one time in 10^4, the quotient is near a tie (or x is NaN, or far out
 * of range: `below` sends a NaN to the upper bound, `above` to INT32_MIN), and the 64 elements are divided.
 */
ALWAYS_INLINE void quantize_whole(const float *x, uint8_t *q, size_t n, float scale, int32_t zero_point, uint8_t flip,
                                  int stream) {
    const float margin = 0x1p-21f, reciprocal = 1.0f / scale;
    const __m512 smaller = _mm512_set1_ps(reciprocal * (1 - margin)), larger = _mm512_set1_ps(reciprocal * (1 + margin));
    const __m512 high = _mm512_set1_ps(512.0f); /* any bound above 255: the packs saturate */
    const __m512i z = _mm512_set1_epi16((int16_t)zero_point), f = _mm512_set1_epi8((char)flip);
    for (size_t i = 0; i < n; i += 64) {
        __m512i below[4], above[4];
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++) {
            const __m512 v = _mm512_loadu_ps(x + i + 16 * j);
            below[j] = _mm512_cvtps_epi32(_mm512_min_ps(_mm512_mul_ps(v, smaller), high));
            above[j] = _mm512_cvtps_epi32(_mm512_mul_ps(v, larger));
        }
        const __m512i bytes = to_bytes(below[0], below[1], below[2], below[3], z);
        const __m512i others = to_bytes(above[0], above[1], above[2], above[3], z);
        if (__builtin_expect(_mm512_cmpneq_epi8_mask(bytes, others) != 0, 0))
            quantize_exactly(x + i, q + i, 64, scale, zero_point, flip);
        else store64(q + i, _mm512_xor_si512(bytes, f), stream);
    }
    if (stream) _mm_sfence();
}

void qk_quantize_f32u8_avx512vnni(const float *x, uint8_t *q, size_t n, float scale, int32_t zero_point, uint8_t flip,
                                  int stream) {
    const int reciprocal_is_normal = scale > 0x1p-100f && scale < 0x1p100f;
    const size_t first_part = stream ? head(q, 1, n) : 0, whole = reciprocal_is_normal ? (n - first_part) / 64 * 64 : 0;
    quantize_exactly(x, q, first_part, scale, zero_point, flip);
    if (stream) quantize_whole(x + first_part, q + first_part, whole, scale, zero_point, flip, 1);
    else quantize_whole(x, q, whole, scale, zero_point, flip, 0);
    const size_t done = first_part + whole;
    quantize_exactly(x + done, q + done, n - done, scale, zero_point, flip);
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

static void dequantize_any(const uint8_t *q, float *x, size_t n, float scale, int32_t zero_point, uint8_t flip) {
    const __m512 s = _mm512_set1_ps(scale);
    const __m512i z = _mm512_set1_epi32(zero_point);
    for (size_t i = 0; i < n; i += 16) {
        const __mmask16 mask = first(n - i);
        _mm512_mask_storeu_ps(x + i, mask, dequantize16(q + i, mask, s, z, flip));
    }
}

ALWAYS_INLINE void dequantize_whole(const uint8_t *q, float *x, size_t n, float scale, int32_t zero_point, uint8_t flip,
                                    int stream) {
    const __m512 s = _mm512_set1_ps(scale);
    const __m512i z = _mm512_set1_epi32(zero_point);
    const __m128i f = _mm_set1_epi8((char)flip);
    for (size_t i = 0; i < n; i += 16) {
        const __m512i v = _mm512_cvtepu8_epi32(_mm_xor_si128(_mm_loadu_si128((const __m128i *)(q + i)), f));
        const __m512 real = _mm512_mul_ps(s, _mm512_cvtepi32_ps(_mm512_sub_epi32(v, z)));
        if (stream) _mm512_stream_ps(x + i, real);
        else _mm512_storeu_ps(x + i, real);
    }
    if (stream) _mm_sfence();
}

void qk_dequantize_u8f32_avx512vnni(const uint8_t *q, float *x, size_t n, float scale, int32_t zero_point, uint8_t flip,
                                    int stream) {
    const int aligned = (uintptr_t)x % sizeof *x == 0; /* else no vector of x ever starts on a cache line */
    const size_t first_part = stream && aligned ? head(x, sizeof *x, n) : 0, whole = (n - first_part) / 16 * 16;
    dequantize_any(q, x, first_part, scale, zero_point, flip);
    if (stream && aligned) dequantize_whole(q + first_part, x + first_part, whole, scale, zero_point, flip, 1);
    else dequantize_whole(q, x, whole, scale, zero_point, flip, 0);
    const size_t done = first_part + whole;
    dequantize_any(q + done, x + done, n - done, scale, zero_point, flip);
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
