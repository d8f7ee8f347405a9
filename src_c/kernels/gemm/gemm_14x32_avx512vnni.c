/* 14 rows x 32 columns: 28 accumulators, 2 registers of B, 1 broadcast of A. For matrices of few columns, such as the
 * first convolution (32): the wide tile would compute as many again for nothing. Fourteen rows divide 12544.
 */
#include "gemm_avx512vnni.h"

enum { NR = 32, FULL_MR = 14 };

struct constants {
    __m512 multiplier[2];
    struct bounds bounds;
};

ALWAYS_INLINE struct constants make_constants(const struct qk_gemm_epilogue *e) {
    return (struct constants){{_mm512_load_ps(e->multiplier), _mm512_load_ps(e->multiplier + 16)}, make_bounds(&e->requant)};
}

ALWAYS_INLINE void store_bytes(__m512i q0, __m512i q1, size_t n, const struct constants *k, enum form form, uint8_t *c) {
    const struct bounds *b = &k->bounds;
    const __m512i words = to_words(scale_and_round(q0, k->multiplier[0], b, form),
                                   scale_and_round(q1, k->multiplier[1], b, form), b, form);
    /* both halves of each lane are the same: one of them, lane by lane */
    const __m512i bytes = _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 0, 2, 4, 6), to_bytes(words, words, b, form));
    if (n >= NR) _mm256_storeu_si256((__m256i *)c, _mm512_castsi512_si256(bytes));
    else _mm256_mask_storeu_epi8(c, (__mmask32)first_bytes(n), _mm512_castsi512_si256(bytes));
}

/* 32-bit elements: undoes column_order, lanes q0[0] q1[0] q0[1] q1[1] are the first 16 columns. */
ALWAYS_INLINE void store_words(__m512i q0, __m512i q1, size_t n, uint8_t *c) {
    const __m512i first = _mm512_permutex2var_epi64(q0, _mm512_setr_epi64(0, 1, 8, 9, 2, 3, 10, 11), q1);
    const __m512i second = _mm512_permutex2var_epi64(q0, _mm512_setr_epi64(4, 5, 12, 13, 6, 7, 14, 15), q1);
    _mm512_mask_storeu_epi32(c, first_words(n), first);
    if (n > 16) _mm512_mask_storeu_epi32(c + 64, first_words(n - 16), second);
}

static __attribute__((noinline)) void store_any(__m512i q0, __m512i q1, size_t n, const struct qk_gemm_epilogue *e,
                                                uint8_t *c) {
    if (e->out == QK_GEMM_OUT_U8) {
        const struct constants k = make_constants(e);
        store_bytes(q0, q1, n, &k, ANY, c);
    } else {
        store_words(word(q0, e, 0), word(q1, e, 16), n, c);
    }
    _mm256_zeroupper(); /* the compiler does not, after vector arguments, and legacy SSE code is slow until it is done */
}

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

static void run(size_t m, size_t n, size_t k, const void *a, size_t a_stride, const void *b,
                const struct qk_gemm_epilogue *epilogue, void *c, size_t c_stride) {
    static strip_fn *const strips[N_FORMS][FULL_MR] = {
        [PLAIN] = {plain_1, plain_2, plain_3, plain_4, plain_5, plain_6, plain_7, plain_8, plain_9, plain_10, plain_11,
                   plain_12, plain_13, plain_14},
        [BOUNDED] = {bounded_1, bounded_2, bounded_3, bounded_4, bounded_5, bounded_6, bounded_7, bounded_8, bounded_9,
                     bounded_10, bounded_11, bounded_12, bounded_13, bounded_14},
        [ANY] = {any_1, any_2, any_3, any_4, any_5, any_6, any_7, any_8, any_9, any_10, any_11, any_12, any_13, any_14},
        [WORDS] = {words_1, words_2, words_3, words_4, words_5, words_6, words_7, words_8, words_9, words_10, words_11,
                   words_12, words_13, words_14},
    };
    run_strips(strips[strip_of(epilogue, k)], qk_gemm_cut_rows(m, FULL_MR), n, k, a, a_stride, b, epilogue,
               c, c_stride);
}

/* Position 16 * j + 4 * l + e holds column 8 * l + 4 * j + e: packing then leaves natural order. */
#define LANE(l, j) 8 * l + 4 * j, 8 * l + 4 * j + 1, 8 * l + 4 * j + 2, 8 * l + 4 * j + 3
#define VECTOR(j) LANE(0, j), LANE(1, j), LANE(2, j), LANE(3, j)
static const uint8_t column_order[NR] = {VECTOR(0), VECTOR(1)};

const struct qk_gemm_kernel qk_gemm_u8s8_14x32_avx512vnni = {
    .name = "gemm_u8s8_14x32_avx512vnni",
    .run = run,
    .mr = FULL_MR, .nr = NR, .kr = 4,
    .element_bytes = 1,
    .column_order = column_order,
};
