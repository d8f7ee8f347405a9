/* The epilogue of requant.h in AVX2: from int32 accumulators in registers to bytes.
 */
#ifndef QK_REQUANT_AVX2_H
#define QK_REQUANT_AVX2_H

#include "inline.h"
#include "requant.h"
#include <immintrin.h>
#include <string.h>

struct bounds {
    __m256 hi_float, activation_scale;
    int activation;
    __m256i hi, zero_point, lo, flip; /* 16-bit hi - zero_point and zero_point; bytes lo and flip */
};

ALWAYS_INLINE struct bounds make_bounds(const struct qk_requant *r) {
    return (struct bounds){_mm256_set1_ps(r->hi_float), _mm256_set1_ps(r->activation_scale), r->activation,
                           _mm256_set1_epi16((int16_t)(r->hi - r->zero_point)),
                           _mm256_set1_epi16((int16_t)r->zero_point), _mm256_set1_epi8((char)r->lo),
                           _mm256_set1_epi8((char)r->flip)};
}

ALWAYS_INLINE __m256 activate(__m256 v, const struct bounds *b) {
    if (b->activation == QK_NO_ACTIVATION) return v;
    const __m256 above = _mm256_max_ps(_mm256_add_ps(v, _mm256_set1_ps(3)), _mm256_setzero_ps());
    const __m256 gate = _mm256_min_ps(above, _mm256_set1_ps(6));
    return _mm256_mul_ps(b->activation == QK_HARD_SWISH ? _mm256_mul_ps(v, gate) : gate, b->activation_scale);
}

/* round_half_even of the activated float32(acc) * multiplier. The minimum's operands are in this order for NaN, infinity times
 * zero, to go on and become `lo`, as in the definition. */
ALWAYS_INLINE __m256i scale_and_round(__m256i acc, __m256 multiplier, const struct bounds *b, enum form form) {
    const __m256 v = _mm256_mul_ps(_mm256_cvtepi32_ps(acc), multiplier);
    return _mm256_cvtps_epi32(form == ANY ? _mm256_min_ps(b->hi_float, activate(v, b)) : v);
}

/* 16-bit, zero point added and clamped from above; lanes of 128 bits hold four of `low`, then four of `high` */
ALWAYS_INLINE __m256i to_words(__m256i low, __m256i high, const struct bounds *b, enum form form) {
    const __m256i words = _mm256_packs_epi32(low, high);
    return form == PLAIN ? words : _mm256_add_epi16(_mm256_min_epi16(words, b->hi), b->zero_point);
}

/* lanes of 128 bits hold eight of `low`, then eight of `high` */
ALWAYS_INLINE __m256i to_bytes(__m256i low, __m256i high, const struct bounds *b, enum form form) {
    const __m256i bytes = _mm256_packus_epi16(low, high);
    return form == PLAIN ? bytes : _mm256_xor_si256(_mm256_max_epu8(bytes, b->lo), b->flip);
}

/* 16 columns of each of two rows, p and q, from column order (in each half four of every eight columns) to natural order:
 * the low half of the result is of p. */
ALWAYS_INLINE __m256i two_rows_to_bytes(__m256i p0, __m256i p1, __m256i q0, __m256i q1, const float *multiplier,
                                        const struct bounds *b, enum form form) {
    const __m256 m0 = _mm256_load_ps(multiplier), m1 = _mm256_load_ps(multiplier + 8);
    const __m256i p = to_words(scale_and_round(p0, m0, b, form), scale_and_round(p1, m1, b, form), b, form);
    const __m256i q = to_words(scale_and_round(q0, m0, b, form), scale_and_round(q1, m1, b, form), b, form);
    return _mm256_permute4x64_epi64(to_bytes(p, q, b, form), 0xd8);
}

/* The first n of 16 bytes, n > 0. */
ALWAYS_INLINE void store_16(uint8_t *to, __m128i bytes, size_t n) {
    if (__builtin_expect(n >= 16, 1)) {
        _mm_storeu_si128((__m128i *)to, bytes);
        return;
    }
    uint8_t buffer[16];
    _mm_storeu_si128((__m128i *)buffer, bytes);
    memcpy(to, buffer, n);
}

#endif
