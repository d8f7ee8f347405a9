/* The epilogue of requant.h in AVX-512: from int32 accumulators in registers to bytes.
 *
 * The clamp from above and the zero point are 16-bit operations that any port takes; a saturating add would take one of
 * the two that multiply.
 */
#ifndef QK_REQUANT_AVX512VNNI_H
#define QK_REQUANT_AVX512VNNI_H

#include "inline.h"
#include "requant.h"
#include <immintrin.h>

struct bounds {
    __m512 hi_float, activation_scale;
    int activation;
    __m512i hi, zero_point, lo, flip; /* 16-bit hi - zero_point and zero_point; bytes lo and flip */
};

ALWAYS_INLINE struct bounds make_bounds(const struct qk_requant *r) {
    return (struct bounds){_mm512_set1_ps(r->hi_float), _mm512_set1_ps(r->activation_scale), r->activation,
                           _mm512_set1_epi16((int16_t)(r->hi - r->zero_point)),
                           _mm512_set1_epi16((int16_t)r->zero_point), _mm512_set1_epi8((char)r->lo),
                           _mm512_set1_epi8((char)r->flip)};
}

ALWAYS_INLINE __m512 activate(__m512 v, const struct bounds *b) {
    if (b->activation == QK_NO_ACTIVATION) return v;
    const __m512 above = _mm512_max_ps(_mm512_add_ps(v, _mm512_set1_ps(3)), _mm512_setzero_ps());
    const __m512 gate = _mm512_min_ps(above, _mm512_set1_ps(6));
    return _mm512_mul_ps(b->activation == QK_HARD_SWISH ? _mm512_mul_ps(v, gate) : gate, b->activation_scale);
}

/* round_half_even of the activated float32(acc) * multiplier. The minimum's operands are in this order for NaN, infinity times
 * zero, to go on and become `lo`, as in the definition. */
ALWAYS_INLINE __m512i scale_and_round(__m512i acc, __m512 multiplier, const struct bounds *b, enum form form) {
    const __m512 v = _mm512_mul_ps(_mm512_cvtepi32_ps(acc), multiplier);
    return _mm512_cvtps_epi32(form == ANY ? _mm512_min_ps(b->hi_float, activate(v, b)) : v);
}

/* 16-bit, zero point added and clamped from above; lanes of 128 bits hold four of `low`, then four of `high` */
ALWAYS_INLINE __m512i to_words(__m512i low, __m512i high, const struct bounds *b, enum form form) {
    const __m512i words = _mm512_packs_epi32(low, high);
    return form == PLAIN ? words : _mm512_add_epi16(_mm512_min_epi16(words, b->hi), b->zero_point);
}

/* lanes of 128 bits hold eight of `low`, then eight of `high` */
ALWAYS_INLINE __m512i to_bytes(__m512i low, __m512i high, const struct bounds *b, enum form form) {
    const __m512i bytes = _mm512_packus_epi16(low, high);
    return form == PLAIN ? bytes : _mm512_xor_si512(_mm512_max_epu8(bytes, b->lo), b->flip);
}

static inline __mmask64 first_bytes(size_t n) {
    return n >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << n) - 1;
}

#endif
