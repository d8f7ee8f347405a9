/* The saturation audit of a matrix product: panels of columns are the tasks, packed a block of k at a time. */
#include "op.h"
#include <stdatomic.h>

enum { COLUMNS = 64, PAIRS = 128 }; /* a panel's block takes 16 KB of the stack and stays in the first level of cache */

struct audit {
    const struct qk_kernels *kernels;
    const uint8_t *a;
    const int8_t *b;
    ptrdiff_t stride_k, stride_n;
    size_t m, k, n;
    _Atomic uint64_t count;
};

/* Zeros fill the last columns up. */
static void pack(const struct audit *s, size_t k, size_t pairs, size_t n, size_t columns, int8_t *packed) {
    for (size_t p = 0; p < 2 * pairs; p++)
        for (size_t j = 0; j < columns; j++) {
            const ptrdiff_t at = (ptrdiff_t)(k + p) * s->stride_k + (ptrdiff_t)(n + j) * s->stride_n;
            packed[2 * (p / 2 * columns + j) + p % 2] = n + j < s->n ? s->b[at] : 0;
        }
}

static void count_panel(void *context, size_t index, size_t thread) {
    struct audit *s = context;
    _Alignas(64) int8_t packed[2 * PAIRS * COLUMNS];
    const size_t n = index * COLUMNS, columns = qk_round_up(qk_min(COLUMNS, s->n - n), QK_SATURATION_COLUMNS);
    uint64_t count = 0;
    (void)thread;
    for (size_t k = 0; k + 1 < s->k; k += 2 * PAIRS) {
        const size_t pairs = qk_min(PAIRS, (s->k - k) / 2);
        pack(s, k, pairs, n, columns, packed);
        for (size_t i = 0; i < s->m; i++) count += s->kernels->count_saturations(s->a + i * s->k + k, packed, pairs, columns);
    }
    atomic_fetch_add(&s->count, count);
}

uint64_t qk_count_saturations(const uint8_t *a, size_t m, const int8_t *b, size_t k, size_t n, ptrdiff_t stride_k,
                              ptrdiff_t stride_n) {
    struct audit s = {qk_current_kernels(), a, b, stride_k, stride_n, m, k, n, 0};
    qk_parallel_for((n + COLUMNS - 1) / COLUMNS, count_panel, &s);
    return atomic_load(&s.count);
}
