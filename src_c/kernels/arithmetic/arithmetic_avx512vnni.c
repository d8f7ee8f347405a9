/* 64 elements at a time; the last ones under a mask, which the loop spares itself: masked stores of bytes are slow.
 *
 * A byte below the high half of 2^23 as a float is 2^23 + the byte: unpacked with that half, bytes become floats, and one
 * subtraction takes the 2^23 and the zero point off, exactly. Unpacking twice and packing twice leaves natural order.
 */
#include "../requant_avx512vnni.h"
#include "arithmetic.h"

struct constants {
    __m512 offset_a, offset_b, scale_a, scale_b; /* offset: 2^23 + zero point */
    struct bounds bounds;
};

ALWAYS_INLINE struct constants make_constants(const struct qk_arithmetic *p) {
    const float two_23 = 8388608.0f;
    return (struct constants){_mm512_set1_ps(two_23 + (float)p->zero_a), _mm512_set1_ps(two_23 + (float)p->zero_b),
                              _mm512_set1_ps(p->scale_a), _mm512_set1_ps(p->scale_b), make_bounds(&p->requant)};
}

struct quad { __m512 q0, q1, q2, q3; };

/* Elements less their zero point. */
ALWAYS_INLINE struct quad widen(__m512i bytes, __m512 offset) {
    const __m512i zero = _mm512_setzero_si512(), high = _mm512_set1_epi16(0x4b00);
    const __m512i low8 = _mm512_unpacklo_epi8(bytes, zero), high8 = _mm512_unpackhi_epi8(bytes, zero);
#define LESS(words, half) _mm512_sub_ps(_mm512_castsi512_ps(_mm512_unpack##half##_epi16(words, high)), offset)
    return (struct quad){LESS(low8, lo), LESS(low8, hi), LESS(high8, lo), LESS(high8, hi)};
#undef LESS
}

ALWAYS_INLINE __m512i round_quarter(__m512 v, const struct bounds *b, enum form form) {
    return _mm512_cvtps_epi32(form == ANY ? _mm512_min_ps(b->hi_float, v) : v);
}

ALWAYS_INLINE __m512i add_quarter(__m512 a, __m512 b, const struct constants *k, enum form form) {
    const __m512 v = _mm512_add_ps(_mm512_mul_ps(a, k->scale_a), _mm512_mul_ps(b, k->scale_b));
    return round_quarter(v, &k->bounds, form);
}

/* The product of the integers is exact in float32 too. */
ALWAYS_INLINE __m512i multiply_quarter(__m512 a, __m512 b, const struct constants *k, enum form form) {
    return round_quarter(_mm512_mul_ps(_mm512_mul_ps(a, b), k->scale_a), &k->bounds, form);
}

typedef void form_fn(const uint8_t *a, const uint8_t *b, uint8_t *out, size_t n, const struct qk_arithmetic *p);

#define DEFINE(name, quarter, form)                                                                                    \
    ALWAYS_INLINE __m512i name##_64(__m512i a, __m512i b, const struct constants *k) {                                 \
        const struct quad x = widen(a, k->offset_a), y = widen(b, k->offset_b);                                        \
        const struct bounds *bounds = &k->bounds;                                                                      \
        const __m512i low = to_words(quarter(x.q0, y.q0, k, form), quarter(x.q1, y.q1, k, form), bounds, form);        \
        const __m512i high = to_words(quarter(x.q2, y.q2, k, form), quarter(x.q3, y.q3, k, form), bounds, form);       \
        return to_bytes(low, high, bounds, form);                                                                      \
    }                                                                                                                  \
    static void name(const uint8_t *a, const uint8_t *b, uint8_t *out, size_t n, const struct qk_arithmetic *p) {      \
        const struct constants k = make_constants(p);                                                                  \
        size_t i = 0;                                                                                                  \
        for (; i + 64 <= n; i += 64)                                                                                   \
            _mm512_storeu_si512(out + i, name##_64(_mm512_loadu_si512(a + i), _mm512_loadu_si512(b + i), &k));         \
        if (i == n) return;                                                                                            \
        const __mmask64 mask = first_bytes(n - i);                                                                     \
        const __m512i bytes = name##_64(_mm512_maskz_loadu_epi8(mask, a + i), _mm512_maskz_loadu_epi8(mask, b + i), &k); \
        _mm512_mask_storeu_epi8(out + i, mask, bytes);                                                                 \
    }
#define FORMS(name, quarter)                                                                                           \
    DEFINE(name##_plain, quarter, PLAIN)                                                                               \
    DEFINE(name##_bounded, quarter, BOUNDED)                                                                           \
    DEFINE(name##_any, quarter, ANY)                                                                                   \
    static form_fn *const name##_forms[N_FORMS] = {[PLAIN] = name##_plain, [BOUNDED] = name##_bounded, [ANY] = name##_any};
FORMS(add, add_quarter)
FORMS(multiply, multiply_quarter)

void qk_add_u8_avx512vnni(const uint8_t *a, const uint8_t *b, uint8_t *out, size_t n, const struct qk_arithmetic *p) {
    add_forms[form_of(&p->requant)](a, b, out, n, p);
}

void qk_multiply_u8_avx512vnni(const uint8_t *a, const uint8_t *b, uint8_t *out, size_t n, const struct qk_arithmetic *p) {
    multiply_forms[form_of(&p->requant)](a, b, out, n, p);
}
