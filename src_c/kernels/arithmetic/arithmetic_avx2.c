/* 32 elements at a time, 8 to a vector; the last ones through a buffer. */
#include "../requant_avx2.h"
#include "arithmetic.h"

struct constants {
    __m256i zero_a, zero_b;
    __m256 scale_a, scale_b;
    struct bounds bounds;
};

ALWAYS_INLINE struct constants make_constants(const struct qk_arithmetic *p) {
    return (struct constants){_mm256_set1_epi32(p->zero_a), _mm256_set1_epi32(p->zero_b), _mm256_set1_ps(p->scale_a),
                              _mm256_set1_ps(p->scale_b), make_bounds(&p->requant)};
}

/* eight elements less their zero point */
ALWAYS_INLINE __m256 widen(const uint8_t *at, __m256i zero) {
    return _mm256_cvtepi32_ps(_mm256_sub_epi32(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)at)), zero));
}

ALWAYS_INLINE __m256i add_8(const uint8_t *a, const uint8_t *b, const struct constants *k) {
    const __m256 first = _mm256_mul_ps(widen(a, k->zero_a), k->scale_a), second = _mm256_mul_ps(widen(b, k->zero_b), k->scale_b);
    return _mm256_cvtps_epi32(_mm256_min_ps(k->bounds.hi_float, _mm256_add_ps(first, second)));
}

/* The product of the integers is exact in float32 too. */
ALWAYS_INLINE __m256i multiply_8(const uint8_t *a, const uint8_t *b, const struct constants *k) {
    const __m256 v = _mm256_mul_ps(_mm256_mul_ps(widen(a, k->zero_a), widen(b, k->zero_b)), k->scale_a);
    return _mm256_cvtps_epi32(_mm256_min_ps(k->bounds.hi_float, v));
}

/* Packing twice leaves four of each vector in turn; this is natural order again. */
ALWAYS_INLINE __m256i to_natural(__m256i q0, __m256i q1, __m256i q2, __m256i q3, const struct bounds *b) {
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    return _mm256_permutevar8x32_epi32(to_bytes(to_words(q0, q1, b, ANY), to_words(q2, q3, b, ANY), b, ANY), order);
}

#define ALL_32(eight, x, y)                                                                                            \
    to_natural(eight(x, y, &k), eight((x) + 8, (y) + 8, &k), eight((x) + 16, (y) + 16, &k),                            \
               eight((x) + 24, (y) + 24, &k), &k.bounds)

#define EACH_32(eight)                                                                                                 \
    const struct constants k = make_constants(p);                                                                      \
    size_t i = 0;                                                                                                      \
    for (; i + 32 <= n; i += 32) _mm256_storeu_si256((__m256i *)(out + i), ALL_32(eight, a + i, b + i));               \
    if (i == n) return;                                                                                                \
    uint8_t x[32] = {0}, y[32] = {0}, bytes[32];                                                                       \
    memcpy(x, a + i, n - i), memcpy(y, b + i, n - i);                                                                  \
    _mm256_storeu_si256((__m256i *)bytes, ALL_32(eight, x, y));                                                        \
    memcpy(out + i, bytes, n - i);

void qk_add_u8_avx2(const uint8_t *a, const uint8_t *b, uint8_t *out, size_t n, const struct qk_arithmetic *p) {
    EACH_32(add_8)
}

void qk_multiply_u8_avx2(const uint8_t *a, const uint8_t *b, uint8_t *out, size_t n, const struct qk_arithmetic *p) {
    EACH_32(multiply_8)
}
