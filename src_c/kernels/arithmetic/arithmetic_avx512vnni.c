/* 64 elements at a time, 16 to a vector; the last ones under a mask. */
#include "../requant_avx512vnni.h"
#include "arithmetic.h"

struct constants {
    __m512i zero_a, zero_b;
    __m512 scale_a, scale_b;
    struct bounds bounds;
};

ALWAYS_INLINE struct constants make_constants(const struct qk_arithmetic *p) {
    return (struct constants){_mm512_set1_epi32(p->zero_a), _mm512_set1_epi32(p->zero_b), _mm512_set1_ps(p->scale_a),
                              _mm512_set1_ps(p->scale_b), make_bounds(&p->requant)};
}

/* 16 elements less their zero point */
ALWAYS_INLINE __m512i widen(__m512i bytes, int quarter, __m512i zero) {
    const __m128i q = quarter == 0   ? _mm512_castsi512_si128(bytes)
                      : quarter == 1 ? _mm512_extracti32x4_epi32(bytes, 1)
                      : quarter == 2 ? _mm512_extracti32x4_epi32(bytes, 2)
                                     : _mm512_extracti32x4_epi32(bytes, 3);
    return _mm512_sub_epi32(_mm512_cvtepu8_epi32(q), zero);
}

ALWAYS_INLINE __m512i add_quarter(__m512i a, __m512i b, int quarter, const struct constants *k) {
    const __m512 first = _mm512_mul_ps(_mm512_cvtepi32_ps(widen(a, quarter, k->zero_a)), k->scale_a);
    const __m512 second = _mm512_mul_ps(_mm512_cvtepi32_ps(widen(b, quarter, k->zero_b)), k->scale_b);
    return _mm512_cvtps_epi32(_mm512_min_ps(k->bounds.hi_float, _mm512_add_ps(first, second)));
}

ALWAYS_INLINE __m512i multiply_quarter(__m512i a, __m512i b, int quarter, const struct constants *k) {
    /* exact in float32 too, and a product of floats takes one operation where one of 32-bit integers takes two */
    const __m512 x = _mm512_cvtepi32_ps(widen(a, quarter, k->zero_a)), y = _mm512_cvtepi32_ps(widen(b, quarter, k->zero_b));
    const __m512 v = _mm512_mul_ps(_mm512_mul_ps(x, y), k->scale_a);
    return _mm512_cvtps_epi32(_mm512_min_ps(k->bounds.hi_float, v));
}

/* Packing twice leaves four of each vector in turn; this is natural order again. */
ALWAYS_INLINE __m512i to_natural(__m512i q0, __m512i q1, __m512i q2, __m512i q3, const struct bounds *b) {
    const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    return _mm512_permutexvar_epi32(order, to_bytes(to_words(q0, q1, b, ANY), to_words(q2, q3, b, ANY), b, ANY));
}

#define EACH_64(quarter)                                                                                               \
    const struct constants k = make_constants(p);                                                                      \
    for (size_t i = 0; i < n; i += 64) {                                                                               \
        const __mmask64 mask = first_bytes(n - i);                                                                     \
        const __m512i x = _mm512_maskz_loadu_epi8(mask, a + i), y = _mm512_maskz_loadu_epi8(mask, b + i);              \
        const __m512i bytes = to_natural(quarter(x, y, 0, &k), quarter(x, y, 1, &k), quarter(x, y, 2, &k),             \
                                         quarter(x, y, 3, &k), &k.bounds);                                             \
        _mm512_mask_storeu_epi8(out + i, mask, bytes);                                                                 \
    }

void qk_add_u8_avx512vnni(const uint8_t *a, const uint8_t *b, uint8_t *out, size_t n, const struct qk_arithmetic *p) {
    EACH_64(add_quarter)
}

void qk_multiply_u8_avx512vnni(const uint8_t *a, const uint8_t *b, uint8_t *out, size_t n, const struct qk_arithmetic *p) {
    EACH_64(multiply_quarter)
}
