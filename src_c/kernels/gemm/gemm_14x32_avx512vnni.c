/* 14 rows x 32 columns: 28 accumulators, 2 registers of B, 1 broadcast of A. For matrices of few columns, such as the
 * first convolution (32): the wide tile would compute as many again for nothing. Fourteen rows divide 12544.
 */
#include "gemm_avx512vnni.h"

enum { NR = 32 };
typedef void tile_rows_fn(size_t n, size_t k, const uint8_t *a, size_t a_stride, const int8_t *b,
                          const struct qk_gemm_epilogue *e, void *c, size_t c_stride);

/* Undoes column_order: lanes q0[0] q1[0] q0[1] q1[1] are the first 16 columns. */
static __attribute__((noinline)) void store_words(__m512i q0, __m512i q1, size_t n, const struct qk_gemm_epilogue *e,
                                                  void *c) {
    q0 = finish_word(q0, e, 0), q1 = finish_word(q1, e, 16);
    const __m512i first = _mm512_permutex2var_epi64(q0, _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11), q1);
    const __m512i second = _mm512_permutex2var_epi64(q0, _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15), q1);
    _mm512_mask_storeu_epi32(c, first_words(n), first);
    if (n > 16) _mm512_mask_storeu_epi32((int32_t *)c + 16, first_words(n - 16), second);
    _mm256_zeroupper(); /* the compiler does not, after vector arguments, and legacy SSE code is slow until it is done */
}

ALWAYS_INLINE void store_bytes(__m512i q0, __m512i q1, size_t n, const struct qk_gemm_epilogue *e, uint8_t *c) {
    const __m512 hi = _mm512_set1_ps(e->requant.hi_float);
    const __m512i zero_point = _mm512_set1_epi16((int16_t)e->requant.zero_point);
    q0 = scale_and_round(q0, e->multiplier, hi);
    q1 = scale_and_round(q1, e->multiplier + 16, hi);
    const __m512i words = _mm512_adds_epi16(_mm512_packs_epi32(q0, q1), zero_point);
    /* words are 0..255 after clamping from below, hi has clamped them from above: the low bytes are the result */
    __m256i bytes = _mm512_cvtepi16_epi8(_mm512_max_epi16(words, _mm512_set1_epi16(e->requant.lo)));
    bytes = _mm256_xor_si256(bytes, _mm256_set1_epi8((char)e->requant.flip));
    if (n >= NR) _mm256_storeu_si256((__m256i *)c, bytes);
    else _mm256_mask_storeu_epi8(c, (__mmask32)first_bytes(n), bytes);
}

#define TILE tile_
#define NV 2
#define MR 1
#include "gemm_avx512vnni.inc"
#define MR 2
#include "gemm_avx512vnni.inc"
#define MR 3
#include "gemm_avx512vnni.inc"
#define MR 4
#include "gemm_avx512vnni.inc"
#define MR 5
#include "gemm_avx512vnni.inc"
#define MR 6
#include "gemm_avx512vnni.inc"
#define MR 7
#include "gemm_avx512vnni.inc"
#define MR 8
#include "gemm_avx512vnni.inc"
#define MR 9
#include "gemm_avx512vnni.inc"
#define MR 10
#include "gemm_avx512vnni.inc"
#define MR 11
#include "gemm_avx512vnni.inc"
#define MR 12
#include "gemm_avx512vnni.inc"
#define MR 13
#include "gemm_avx512vnni.inc"
#define MR 14
#include "gemm_avx512vnni.inc"

static void tile(size_t m, size_t n, size_t k, const void *a, size_t a_stride, const void *b,
                 const struct qk_gemm_epilogue *epilogue, void *c, size_t c_stride) {
    static tile_rows_fn *const heights[] = {tile_1, tile_2, tile_3,  tile_4,  tile_5,  tile_6,  tile_7,
                                            tile_8, tile_9, tile_10, tile_11, tile_12, tile_13, tile_14};
    heights[m - 1](n, k, a, a_stride, b, epilogue, c, c_stride);
}

/* Position 16 * j + 4 * l + e holds column 8 * l + 4 * j + e: packing then leaves natural order. */
#define LANE(l, j) 8 * l + 4 * j, 8 * l + 4 * j + 1, 8 * l + 4 * j + 2, 8 * l + 4 * j + 3
#define VECTOR(j) LANE(0, j), LANE(1, j), LANE(2, j), LANE(3, j)
static const uint8_t column_order[NR] = {VECTOR(0), VECTOR(1)};

const struct qk_gemm_kernel qk_gemm_u8s8_14x32_avx512vnni = {
    .name = "gemm_u8s8_14x32_avx512vnni",
    .tile = tile,
    .mr = 14, .nr = NR, .kr = 4,
    .element_bytes = 1,
    .column_order = column_order,
};
