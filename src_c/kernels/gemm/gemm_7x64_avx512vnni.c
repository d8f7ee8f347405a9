/* 7 rows x 64 columns: 28 accumulators, 3 registers of B, 1 broadcast of A; the fourth vector of B is a memory operand.
 * Seven rows because 28 dot products cover their own latency many times over and 12544, 3136, 784, 196 and 49, the pixels
 * of MobileNet's layers, are multiples of seven; 64 columns because every channel count but the first is one of 64.
 */
#include "gemm_avx512vnni.h"

enum { NR = 64 };
typedef void tile_rows_fn(size_t n, size_t k, const uint8_t *a, size_t a_stride, const int8_t *b,
                          const struct qk_gemm_epilogue *e, void *c, size_t c_stride);

/* Transposes 4 vectors of 4 lanes, undoing column_order: the lane l of q[j] goes to lane j of vector l. */
static __attribute__((noinline)) void store_words(__m512i q0, __m512i q1, __m512i q2, __m512i q3, size_t n,
                                                  const struct qk_gemm_epilogue *e, void *c) {
    q0 = finish_word(q0, e, 0), q1 = finish_word(q1, e, 16), q2 = finish_word(q2, e, 32), q3 = finish_word(q3, e, 48);
    const __m512i t0 = _mm512_shuffle_i32x4(q0, q1, 0x44), t1 = _mm512_shuffle_i32x4(q2, q3, 0x44);
    const __m512i t2 = _mm512_shuffle_i32x4(q0, q1, 0xee), t3 = _mm512_shuffle_i32x4(q2, q3, 0xee);
    const __m512i columns[4] = {_mm512_shuffle_i32x4(t0, t1, 0x88), _mm512_shuffle_i32x4(t0, t1, 0xdd),
                                _mm512_shuffle_i32x4(t2, t3, 0x88), _mm512_shuffle_i32x4(t2, t3, 0xdd)};
    for (size_t j = 0; j * 16 < n; j++) _mm512_mask_storeu_epi32((int32_t *)c + 16 * j, first_words(n - 16 * j), columns[j]);
    _mm256_zeroupper(); /* the compiler does not, after vector arguments, and legacy SSE code is slow until it is done */
}

ALWAYS_INLINE void store_bytes(__m512i q0, __m512i q1, __m512i q2, __m512i q3, size_t n,
                               const struct qk_gemm_epilogue *e, uint8_t *c) {
    const __m512 hi = _mm512_set1_ps(e->requant.hi_float);
    const __m512i zero_point = _mm512_set1_epi16((int16_t)e->requant.zero_point);
    q0 = scale_and_round(q0, e->multiplier, hi);
    q1 = scale_and_round(q1, e->multiplier + 16, hi);
    q2 = scale_and_round(q2, e->multiplier + 32, hi);
    q3 = scale_and_round(q3, e->multiplier + 48, hi);
    const __m512i low = _mm512_adds_epi16(_mm512_packs_epi32(q0, q1), zero_point);
    const __m512i high = _mm512_adds_epi16(_mm512_packs_epi32(q2, q3), zero_point);
    __m512i bytes = _mm512_max_epu8(_mm512_packus_epi16(low, high), _mm512_set1_epi8((char)e->requant.lo));
    bytes = _mm512_xor_si512(bytes, _mm512_set1_epi8((char)e->requant.flip));
    if (n >= NR) _mm512_storeu_si512(c, bytes);
    else _mm512_mask_storeu_epi8(c, first_bytes(n), bytes);
}

#define TILE tile_
#define NV 4
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

static void tile(size_t m, size_t n, size_t k, const void *a, size_t a_stride, const void *b,
                 const struct qk_gemm_epilogue *epilogue, void *c, size_t c_stride) {
    static tile_rows_fn *const heights[] = {tile_1, tile_2, tile_3, tile_4, tile_5, tile_6, tile_7};
    heights[m - 1](n, k, a, a_stride, b, epilogue, c, c_stride);
}

/* Position 16 * j + 4 * l + e holds column 16 * l + 4 * j + e: two rounds of packing then leave natural order. */
#define LANE(l, j) 16 * l + 4 * j, 16 * l + 4 * j + 1, 16 * l + 4 * j + 2, 16 * l + 4 * j + 3
#define VECTOR(j) LANE(0, j), LANE(1, j), LANE(2, j), LANE(3, j)
static const uint8_t column_order[NR] = {VECTOR(0), VECTOR(1), VECTOR(2), VECTOR(3)};

const struct qk_gemm_kernel qk_gemm_u8s8_7x64_avx512vnni = {
    .name = "gemm_u8s8_7x64_avx512vnni",
    .tile = tile,
    .mr = 7, .nr = NR, .kr = 4,
    .element_bytes = 1,
    .column_order = column_order,
};
