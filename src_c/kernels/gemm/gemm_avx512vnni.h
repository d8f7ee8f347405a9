/* What the AVX-512 VNNI tiles share: loads, dot products, and the step from accumulators to 32-bit elements of C. */
#ifndef QK_GEMM_AVX512VNNI_H
#define QK_GEMM_AVX512VNNI_H

#include "../requant_avx512vnni.h"
#include "gemm.h"
#include "gemm_rows.h"
#include <immintrin.h>
#include <string.h>

#define LOAD(p) _mm512_load_si512(p)

/* The last operand is read by the instruction itself: a register for it would be the 33rd. */
#define DOT_FROM_MEMORY(acc, x, p)                                                                                     \
    __asm__("vpdpbusd %2, %1, %0" : "+v"(acc) : "v"(x), "m"(*(const __m512i *)(p)))

/* The form of strip that computes it; ANY also where K leaves a remainder. */
static inline enum form strip_of(const struct qk_gemm_epilogue *e, size_t k) {
    if (k == 0 || k % 4 != 0 || e->out == QK_GEMM_OUT_F32) return ANY;
    return e->out == QK_GEMM_OUT_S32 ? WORDS : form_of(&e->requant);
}

/* `tiles` tiles of one height, one below the other */
typedef void strip_fn(size_t tiles, size_t n, const uint8_t *a, size_t a_stride, const struct qk_gemm_panel *panel,
                      const struct qk_gemm_epilogue *e, uint8_t *c, size_t c_stride);

ALWAYS_INLINE __m512i broadcast4(const uint8_t *p) {
    int32_t word;
    memcpy(&word, p, sizeof word);
    return _mm512_set1_epi32(word);
}

/* what is left of a row, fewer than 4 bytes, and zeros; masked bytes are not read */
ALWAYS_INLINE __m512i broadcast_rest(const uint8_t *p, __mmask16 rest) {
    return _mm512_broadcastd_epi32(_mm_maskz_loadu_epi8(rest, p));
}

/* acc, or float32(acc) * multiplier, as 32 bits */
ALWAYS_INLINE __m512i word(__m512i acc, const struct qk_gemm_epilogue *e, size_t at) {
    if (e->out == QK_GEMM_OUT_S32) return acc;
    return _mm512_castps_si512(_mm512_mul_ps(_mm512_cvtepi32_ps(acc), _mm512_load_ps(e->multiplier + at)));
}

static inline __mmask16 first_words(size_t n) {
    return n >= 16 ? (__mmask16)0xffff : (__mmask16)((1u << n) - 1);
}

/* The rows of a block in strips of two heights. `strips[height - 1]` */
static inline void run_strips(strip_fn *const *strips, struct qk_gemm_cut cut, size_t n, const uint8_t *a, size_t a_stride,
                              const struct qk_gemm_panel *panel, const struct qk_gemm_epilogue *e, uint8_t *c,
                              size_t c_stride) {
    const size_t rows = cut.tall * (cut.height + 1);
    if (cut.tall) strips[cut.height](cut.tall, n, a, a_stride, panel, e, c, c_stride);
    strips[cut.height - 1](cut.rest, n, a + rows * a_stride, a_stride, panel, e, c + rows * c_stride, c_stride);
}

#endif
