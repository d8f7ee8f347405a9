/* 7 rows x 64 columns: 28 accumulators, 2 registers of B, 2 broadcasts of A; the other vectors of B are memory operands.
 * Seven rows because 28 dot products cover their own latency many times over and 12544, 3136, 784, 196 and 49, the pixels
 * of MobileNet's layers, are multiples of seven; 64 columns because every channel count but the first is one of 64.
 *
 * Below K = 128 four rows are better: the epilogue is a larger part there, and 16 accumulators leave registers for its
 * multipliers, which would cost as many loads again.
 */
#include "gemm_avx512vnni.h"

enum { NR = 64, FULL_MR = 7, SHORT_K = 128, SHORT_MR = 4 };

struct constants {
    __m512 multiplier[4];
    struct bounds bounds;
};

ALWAYS_INLINE struct constants make_constants(const struct qk_gemm_epilogue *e) {
    const float *m = e->multiplier;
    return (struct constants){{_mm512_load_ps(m), _mm512_load_ps(m + 16), _mm512_load_ps(m + 32), _mm512_load_ps(m + 48)},
                              make_bounds(&e->requant)};
}

ALWAYS_INLINE void store_bytes(__m512i q0, __m512i q1, __m512i q2, __m512i q3, size_t n, const struct constants *k,
                               enum form form, uint8_t *c) {
    const struct bounds *b = &k->bounds;
    const __m512i low = to_words(scale_and_round(q0, k->multiplier[0], b, form),
                                 scale_and_round(q1, k->multiplier[1], b, form), b, form);
    const __m512i high = to_words(scale_and_round(q2, k->multiplier[2], b, form),
                                  scale_and_round(q3, k->multiplier[3], b, form), b, form);
    const __m512i bytes = to_bytes(low, high, b, form);
    if (n >= NR) _mm512_storeu_si512(c, bytes);
    else _mm512_mask_storeu_epi8(c, first_bytes(n), bytes);
}

/* 32-bit elements: transposes 4 vectors of 4 lanes, undoing column_order: the lane l of q[j] goes to lane j of vector l. */
ALWAYS_INLINE void store_words(__m512i q0, __m512i q1, __m512i q2, __m512i q3, size_t n, uint8_t *c) {
    const __m512i t0 = _mm512_shuffle_i32x4(q0, q1, 0x44), t1 = _mm512_shuffle_i32x4(q2, q3, 0x44);
    const __m512i t2 = _mm512_shuffle_i32x4(q0, q1, 0xee), t3 = _mm512_shuffle_i32x4(q2, q3, 0xee);
    const __m512i columns[4] = {_mm512_shuffle_i32x4(t0, t1, 0x88), _mm512_shuffle_i32x4(t0, t1, 0xdd),
                                _mm512_shuffle_i32x4(t2, t3, 0x88), _mm512_shuffle_i32x4(t2, t3, 0xdd)};
    for (size_t j = 0; j * 16 < n; j++) {
        if (n >= 16 * j + 16) _mm512_storeu_si512(c + 64 * j, columns[j]);
        else _mm512_mask_storeu_epi32(c + 64 * j, first_words(n - 16 * j), columns[j]);
    }
}

static __attribute__((noinline)) void store_any(__m512i q0, __m512i q1, __m512i q2, __m512i q3, size_t n,
                                                const struct qk_gemm_epilogue *e, uint8_t *c) {
    if (e->out == QK_GEMM_OUT_U8) {
        const struct constants k = make_constants(e);
        store_bytes(q0, q1, q2, q3, n, &k, ANY, c);
    } else {
        store_words(word(q0, e, 0), word(q1, e, 16), word(q2, e, 32), word(q3, e, 48), n, c);
    }
    _mm256_zeroupper(); /* the compiler does not, after vector arguments, and legacy SSE code is slow until it is done */
}

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

static void run(size_t m, size_t n, size_t k, const void *a, size_t a_stride, const void *b,
                const struct qk_gemm_epilogue *epilogue, void *c, size_t c_stride) {
    static strip_fn *const strips[N_FORMS][FULL_MR] = {
        [PLAIN] = {plain_1, plain_2, plain_3, plain_4, plain_5, plain_6, plain_7},
        [BOUNDED] = {bounded_1, bounded_2, bounded_3, bounded_4, bounded_5, bounded_6, bounded_7},
        [ANY] = {any_1, any_2, any_3, any_4, any_5, any_6, any_7},
        [WORDS] = {words_1, words_2, words_3, words_4, words_5, words_6, words_7},
    };
    run_strips(strips[strip_of(epilogue, k)], qk_gemm_cut_rows(m, k < SHORT_K ? SHORT_MR : FULL_MR), n, k,
               a, a_stride, b, epilogue, c, c_stride);
}

/* Position 16 * j + 4 * l + e holds column 16 * l + 4 * j + e: two rounds of packing then leave natural order. */
#define LANE(l, j) 16 * l + 4 * j, 16 * l + 4 * j + 1, 16 * l + 4 * j + 2, 16 * l + 4 * j + 3
#define VECTOR(j) LANE(0, j), LANE(1, j), LANE(2, j), LANE(3, j)
static const uint8_t column_order[NR] = {VECTOR(0), VECTOR(1), VECTOR(2), VECTOR(3)};

const struct qk_gemm_kernel qk_gemm_u8s8_7x64_avx512vnni = {
    .name = "gemm_u8s8_7x64_avx512vnni",
    .run = run,
    .mr = FULL_MR, .nr = NR, .kr = 4,
    .element_bytes = 1,
    .column_order = column_order,
};
