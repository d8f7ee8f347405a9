/* What the AVX-512 VNNI tiles share: repetition of a statement for each row, and the step from accumulators to C. */
#ifndef QK_GEMM_AVX512VNNI_H
#define QK_GEMM_AVX512VNNI_H

#include "gemm.h"
#include "gemm_rows.h"
#include <immintrin.h>
#include <string.h>

#define LOAD(p) _mm512_load_si512(p)

/* The last operand is read by the instruction itself: a register for it would be the 33rd. */
#define DOT_FROM_MEMORY(acc, x, p)                                                                                     \
    __asm__("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(x), "m"(*(const __m512i *)(p)))

#define ALWAYS_INLINE static inline __attribute__((always_inline))

ALWAYS_INLINE __m512i broadcast4(const uint8_t *p) {
    int32_t word;
    memcpy(&word, p, sizeof word);
    return _mm512_set1_epi32(word);
}

/* fewer than 4 bytes left in the row: zeros stand for the rest */
static inline __m512i broadcast_part(const uint8_t *p, size_t bytes) {
    const uint32_t word = p[0] | (bytes > 1 ? p[1] << 8 : 0) | (bytes > 2 ? p[2] << 16 : 0);
    return _mm512_set1_epi32((int32_t)word);
}

/* float32(acc) * multiplier, bounded from above (see requant.h), rounded */
ALWAYS_INLINE __m512i scale_and_round(__m512i acc, const float *multiplier, __m512 hi) {
    const __m512 v = _mm512_mul_ps(_mm512_cvtepi32_ps(acc), _mm512_load_ps(multiplier));
    return _mm512_cvtps_epi32(_mm512_min_ps(v, hi));
}

/* acc, or its product with the multiplier, as 32-bit elements */
static inline __m512i finish_word(__m512i acc, const struct qk_gemm_epilogue *e, size_t at) {
    if (e->out == QK_GEMM_OUT_S32) return acc;
    return _mm512_castps_si512(_mm512_mul_ps(_mm512_cvtepi32_ps(acc), _mm512_load_ps(e->multiplier + at)));
}

static inline __mmask64 first_bytes(size_t n) {
    return n >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << n) - 1;
}
static inline __mmask16 first_words(size_t n) {
    return n >= 16 ? (__mmask16)0xffff : (__mmask16)((1u << n) - 1);
}

#endif
