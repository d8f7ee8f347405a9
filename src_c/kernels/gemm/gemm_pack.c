#include "gemm.h"
#include <string.h>

static int clamp_int8(int value) {
    return value < -128 ? -128 : value > 127 ? 127 : value;
}

static int weight(const struct qk_gemm_weights *w, size_t row, size_t column) {
    const void *at = qk_gemm_weights_at(w, row, column);
    return w->element_bytes == 2 ? *(const int16_t *)at : (int8_t)(*(const uint8_t *)at ^ w->flip);
}

/* What the element of the `round`-th group with this row holds of a weight: all of it in int16 elements, else what is left
 * of it after the groups before. */
static int part(const struct qk_gemm_kernel *kernel, int value, size_t round) {
    if (kernel->element_bytes == 2) return round ? 0 : value;
    for (; round; round--) value -= clamp_int8(value);
    return clamp_int8(value);
}

static size_t rows_of_group(const struct qk_gemm_kernel *kernel, size_t k, size_t group) {
    const size_t rows = k - group * kernel->kr;
    return rows < kernel->kr ? rows : kernel->kr;
}

static int is_empty(const struct qk_gemm_kernel *kernel, size_t k, size_t first, size_t n, const struct qk_gemm_weights *w,
                    size_t group, size_t round) {
    for (size_t r = 0; r < rows_of_group(kernel, k, group); r++)
        for (size_t j = 0; j < n; j++)
            if (part(kernel, weight(w, group * kernel->kr + r, first + j), round)) return 0;
    return 1;
}

size_t qk_gemm_find_again(const struct qk_gemm_kernel *kernel, size_t k, size_t first, size_t n,
                          const struct qk_gemm_weights *w, uint32_t *again) {
    size_t found = 0;
    if (w->element_bytes == 1 || kernel->element_bytes == 2) return 0; /* each weight fits its element */
    for (size_t group = 0; group * kernel->kr < k; group++)
        for (size_t round = 1; !is_empty(kernel, k, first, n, w, group, round); round++, found++)
            if (again) again[found] = (uint32_t)group;
    return found;
}

/* Four bytes of a column in one word, for speed. */
static inline void pack_four(const uint8_t *from, ptrdiff_t stride, uint8_t flip, int8_t *to) {
    uint32_t word;
    if (stride == 1) {
        memcpy(&word, from, sizeof word);
    } else {
        const uint8_t four[] = {from[0], from[stride], from[2 * stride], from[3 * stride]};
        memcpy(&word, four, sizeof word);
    }
    word ^= flip * 0x01010101u;
    memcpy(to, &word, sizeof word);
}

static void pack_group(const struct qk_gemm_kernel *kernel, size_t k, size_t first, size_t n, const struct qk_gemm_weights *w,
                       size_t group, size_t round, int8_t *to) {
    const size_t kr = kernel->kr, bytes = kernel->element_bytes, row = group * kr;
    const size_t rows = rows_of_group(kernel, k, group);
    for (size_t j = 0; j < kernel->nr; j++, to += kr * bytes) {
        const size_t column = kernel->column_order[j];
        if (column >= n) continue;
        if (rows == 4 && bytes == 1 && w->element_bytes == 1) {
            pack_four(qk_gemm_weights_at(w, row, first + column), w->stride_k, w->flip, to);
            continue;
        }
        for (size_t r = 0; r < rows; r++) {
            const int value = part(kernel, weight(w, row + r, first + column), round);
            if (bytes == 1) to[r] = (int8_t)value;
            else ((int16_t *)to)[r] = (int16_t)value;
        }
    }
}

/* In the order of the panel, so that it is written once from end to end and rows of B are read as they lie. */
void qk_gemm_pack_panel(const struct qk_gemm_kernel *kernel, size_t first, size_t n, const struct qk_gemm_weights *weights,
                        const struct qk_gemm_panel *panel) {
    const size_t k = panel->k, group_bytes = kernel->nr * kernel->kr * kernel->element_bytes;
    int8_t *to = (int8_t *)panel->b;
    memset(to, 0, qk_gemm_panel_bytes(kernel, k, panel->n_again));
    for (size_t group = 0; group * kernel->kr < k; group++, to += group_bytes)
        pack_group(kernel, k, first, n, weights, group, 0, to);
    for (size_t i = 0, round = 1; i < panel->n_again; i++, to += group_bytes) {
        round = i > 0 && panel->again[i] == panel->again[i - 1] ? round + 1 : 1;
        pack_group(kernel, k, first, n, weights, panel->again[i], round, to);
    }
}

static int element(const struct qk_gemm_kernel *kernel, const struct qk_gemm_panel *panel, size_t group, size_t position,
                   size_t r) {
    const size_t at = (group * kernel->nr + position) * kernel->kr + r;
    return kernel->element_bytes == 1 ? ((const int8_t *)panel->b)[at] : ((const int16_t *)panel->b)[at];
}

int32_t qk_gemm_unpack(const struct qk_gemm_kernel *kernel, const struct qk_gemm_panel *panel, size_t row, size_t column) {
    size_t j = 0;
    while (kernel->column_order[j] != column) j++;
    const size_t group = row / kernel->kr, r = row % kernel->kr, groups = qk_gemm_padded_k(kernel, panel->k) / kernel->kr;
    int32_t sum = element(kernel, panel, group, j, r);
    for (size_t i = 0; i < panel->n_again; i++)
        if (panel->again[i] == group) sum += element(kernel, panel, groups + i, j, r);
    return sum;
}
