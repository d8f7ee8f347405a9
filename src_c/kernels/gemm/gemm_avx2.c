/* 6 rows x 16 columns: 12 accumulators, 2 registers of B, 1 broadcast of A, 1 product: all 16 of AVX2.
 * Products are 16-bit pairs summed to 32 bits (vpmaddwd), hence exact; the 8-bit form, vpmaddubsw, saturates its sums of
 * two and is no use for operands that fill their range. A and B are widened to 16 bits when packed.
 */
#include "gemm.h"
#include "gemm_rows.h"
#include <immintrin.h>
#include <string.h>

#define ALWAYS_INLINE static inline __attribute__((always_inline))

enum { NR = 16, FULL_MR = 6 };
typedef void tile_rows_fn(size_t n, size_t k, const uint8_t *a, size_t a_stride, const int16_t *b,
                          const struct qk_gemm_epilogue *e, void *c, size_t c_stride);

ALWAYS_INLINE __m256i load(const void *p) {
    return _mm256_load_si256(p);
}

ALWAYS_INLINE __m256i broadcast_pair(const uint8_t *p) {
    int32_t pair;
    memcpy(&pair, p, sizeof pair);
    return _mm256_set1_epi32(pair);
}

/* Undoes column_order. */
static __attribute__((noinline)) void store_words(__m256i q0, __m256i q1, size_t n, const struct qk_gemm_epilogue *e,
                                                  void *c) {
    if (e->out == QK_GEMM_OUT_F32) {
        q0 = _mm256_castps_si256(_mm256_mul_ps(_mm256_cvtepi32_ps(q0), _mm256_load_ps(e->multiplier)));
        q1 = _mm256_castps_si256(_mm256_mul_ps(_mm256_cvtepi32_ps(q1), _mm256_load_ps(e->multiplier + 8)));
    }
    uint32_t words[NR];
    _mm256_storeu_si256((__m256i *)words, _mm256_permute2x128_si256(q0, q1, 0x20));
    _mm256_storeu_si256((__m256i *)(words + 8), _mm256_permute2x128_si256(q0, q1, 0x31));
    memcpy(c, words, n * sizeof *words);
    _mm256_zeroupper(); /* the compiler does not, after vector arguments, and legacy SSE code is slow until it is done */
}

ALWAYS_INLINE __m256i scale_and_round(__m256i acc, const float *multiplier, __m256 hi) {
    const __m256 v = _mm256_mul_ps(_mm256_cvtepi32_ps(acc), _mm256_load_ps(multiplier));
    return _mm256_cvtps_epi32(_mm256_min_ps(v, hi));
}

ALWAYS_INLINE void store_bytes(__m256i q0, __m256i q1, size_t n, const struct qk_gemm_epilogue *e, uint8_t *c) {
    const __m256 hi = _mm256_set1_ps(e->requant.hi_float);
    q0 = scale_and_round(q0, e->multiplier, hi);
    q1 = scale_and_round(q1, e->multiplier + 8, hi);
    __m256i words = _mm256_packs_epi32(q0, q1);
    words = _mm256_adds_epi16(words, _mm256_set1_epi16((int16_t)e->requant.zero_point));
    __m128i bytes = _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    bytes = _mm_max_epu8(bytes, _mm_set1_epi8((char)e->requant.lo));
    bytes = _mm_xor_si128(bytes, _mm_set1_epi8((char)e->requant.flip));
    if (n >= NR) {
        _mm_storeu_si128((__m128i *)c, bytes);
    } else {
        uint8_t buffer[NR];
        _mm_storeu_si128((__m128i *)buffer, bytes);
        memcpy(c, buffer, n);
    }
}

#define MR 1
#include "gemm_avx2.inc"
#define MR 2
#include "gemm_avx2.inc"
#define MR 3
#include "gemm_avx2.inc"
#define MR 4
#include "gemm_avx2.inc"
#define MR 5
#include "gemm_avx2.inc"
#define MR 6
#include "gemm_avx2.inc"

static void run(size_t m, size_t n, size_t k, const void *a, size_t a_stride, const void *b,
                const struct qk_gemm_epilogue *epilogue, void *c, size_t c_stride) {
    static tile_rows_fn *const heights[FULL_MR] = {tile_1, tile_2, tile_3, tile_4, tile_5, tile_6};
    const struct qk_gemm_cut cut = qk_gemm_cut_rows(m, FULL_MR);
    const uint8_t *rows = a;
    uint8_t *out = c;
    for (size_t t = 0; t < cut.tall + cut.rest; t++) {
        const size_t height = cut.height + (t < cut.tall);
        heights[height - 1](n, k, rows, a_stride, b, epilogue, out, c_stride);
        rows += height * a_stride;
        out += height * c_stride;
    }
}

static void pack_a(size_t m, size_t k, const uint8_t *a, size_t a_stride, void *packed) {
    const size_t padded = (k + 1) / 2 * 2;
    for (size_t i = 0; i < m; i++) {
        const uint8_t *from = a + i * a_stride;
        uint16_t *to = (uint16_t *)packed + i * padded;
        size_t p = 0;
        for (; p + 16 <= k; p += 16)
            _mm256_storeu_si256((__m256i *)(to + p), _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)(from + p))));
        for (; p < k; p++) to[p] = from[p];
        if (p < padded) to[p] = 0;
    }
}

/* Position 8 * j + 4 * l + e holds column 8 * l + 4 * j + e: packing then leaves natural order. */
#define LANE(l, j) 8 * l + 4 * j, 8 * l + 4 * j + 1, 8 * l + 4 * j + 2, 8 * l + 4 * j + 3
static const uint8_t column_order[NR] = {LANE(0, 0), LANE(1, 0), LANE(0, 1), LANE(1, 1)};

const struct qk_gemm_kernel qk_gemm_u8s8_6x16_avx2 = {
    .name = "gemm_u8s8_6x16_avx2",
    .run = run,
    .pack_a = pack_a,
    .mr = FULL_MR, .nr = NR, .kr = 2,
    .element_bytes = 2,
    .column_order = column_order,
};
