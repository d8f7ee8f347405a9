/* 6 rows x 16 columns: 12 accumulators, 2 registers of B, 1 broadcast of A, 1 product: all 16 of AVX2.
 * Products are 16-bit pairs summed to 32 bits (vpmaddwd), hence exact; the 8-bit form, vpmaddubsw, saturates its sums of
 * two and is no use for operands that fill their range. A and B are widened to 16 bits when packed.
 */
#include "../requant_avx2.h"
#include "gemm.h"
#include "gemm_rows.h"

enum { NR = 16, FULL_MR = 6 };

/* `tiles` tiles of one height, one below the other */
typedef void strip_fn(size_t tiles, size_t n, const uint8_t *a, size_t a_stride, const struct qk_gemm_panel *panel,
                      const struct qk_gemm_epilogue *e, uint8_t *c, size_t c_stride);

struct constants {
    const float *multiplier; /* in memory: as operands of the multiplications they take no registers */
    struct bounds bounds;
};

ALWAYS_INLINE struct constants make_constants(const struct qk_gemm_epilogue *e) {
    return (struct constants){e->multiplier, make_bounds(&e->requant)};
}

ALWAYS_INLINE __m256i load(const void *p) {
    return _mm256_load_si256(p);
}

ALWAYS_INLINE __m256i broadcast_pair(const uint8_t *p) {
    int32_t pair;
    memcpy(&pair, p, sizeof pair);
    return _mm256_set1_epi32(pair);
}

/* Two rows share the last pack and the permute. */
ALWAYS_INLINE void store_rows(__m256i p0, __m256i p1, __m256i q0, __m256i q1, size_t n, const struct constants *k,
                              enum form form, uint8_t *first, uint8_t *second) {
    const __m256i bytes = two_rows_to_bytes(p0, p1, q0, q1, k->multiplier, &k->bounds, form);
    store_16(first, _mm256_castsi256_si128(bytes), n);
    store_16(second, _mm256_extracti128_si256(bytes, 1), n);
}

ALWAYS_INLINE void store_row(__m256i q0, __m256i q1, size_t n, const struct constants *k, enum form form, uint8_t *c) {
    store_16(c, _mm256_castsi256_si128(two_rows_to_bytes(q0, q1, q0, q1, k->multiplier, &k->bounds, form)), n);
}

/* Undoes column_order. */
static __attribute__((noinline)) void store_words(__m256i q0, __m256i q1, size_t n, const struct qk_gemm_epilogue *e,
                                                  uint8_t *c) {
    if (e->out == QK_GEMM_OUT_F32) {
        q0 = _mm256_castps_si256(_mm256_mul_ps(_mm256_cvtepi32_ps(q0), _mm256_load_ps(e->multiplier)));
        q1 = _mm256_castps_si256(_mm256_mul_ps(_mm256_cvtepi32_ps(q1), _mm256_load_ps(e->multiplier + 8)));
    }
    uint32_t words[NR];
    _mm256_storeu_si256((__m256i *)words, _mm256_permute2x128_si256(q0, q1, 0x20));
    _mm256_storeu_si256((__m256i *)(words + 8), _mm256_permute2x128_si256(q0, q1, 0x31));
    memcpy(c, words, n < NR ? n * sizeof *words : sizeof words);
    _mm256_zeroupper(); /* the compiler does not, after vector arguments, and legacy SSE code is slow until it is done */
}

static __attribute__((noinline)) void store_any(__m256i q0, __m256i q1, size_t n, const struct qk_gemm_epilogue *e,
                                                uint8_t *c) {
    const struct constants k = make_constants(e);
    store_row(q0, q1, n, &k, ANY, c);
    _mm256_zeroupper();
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

static void run(size_t m, size_t n, const void *a, size_t a_stride, const struct qk_gemm_panel *panel,
                const struct qk_gemm_epilogue *epilogue, void *c, size_t c_stride) {
    static strip_fn *const strips[N_FORMS][FULL_MR] = {
        [PLAIN] = {plain_1, plain_2, plain_3, plain_4, plain_5, plain_6},
        [BOUNDED] = {bounded_1, bounded_2, bounded_3, bounded_4, bounded_5, bounded_6},
        [ANY] = {any_1, any_2, any_3, any_4, any_5, any_6},
    };
    const int fast = epilogue->out == QK_GEMM_OUT_U8 && panel->k > 0;
    strip_fn *const *by_height = strips[fast ? form_of(&epilogue->requant) : ANY];
    const struct qk_gemm_cut cut = qk_gemm_cut_rows(m, FULL_MR);
    const size_t rows = cut.tall * (cut.height + 1);
    const uint8_t *first = a;
    uint8_t *out = c;
    if (cut.tall) by_height[cut.height](cut.tall, n, first, a_stride, panel, epilogue, out, c_stride);
    by_height[cut.height - 1](cut.rest, n, first + rows * a_stride, a_stride, panel, epilogue, out + rows * c_stride, c_stride);
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
