#include "gemm.h"
#include <string.h>

static size_t packed_index(const struct qk_gemm_kernel *kernel, size_t row, size_t position) {
    return (row / kernel->kr * kernel->nr + position) * kernel->kr + row % kernel->kr;
}

/* A whole group of VNNI's layout, in one word for speed. */
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

/* In the order of the panel, so that it is written once from end to end and rows of B are read as they lie. */
void qk_gemm_pack_panel(const struct qk_gemm_kernel *kernel, size_t k, size_t n, const uint8_t *b, ptrdiff_t stride_k,
                        ptrdiff_t stride_n, uint8_t flip, void *panel) {
    const size_t nr = kernel->nr, kr = kernel->kr, bytes = kernel->element_bytes;
    const uint8_t *const order = kernel->column_order;
    memset(panel, 0, qk_gemm_panel_bytes(kernel, k));
    for (size_t row = 0; row < k; row += kr) {
        const size_t rows = k - row < kr ? k - row : kr;
        for (size_t j = 0; j < nr; j++) {
            if (order[j] >= n) continue;
            const uint8_t *from = b + (ptrdiff_t)row * stride_k + order[j] * stride_n;
            int8_t *to = (int8_t *)panel + (row * nr + j * kr) * bytes;
            if (rows == 4 && bytes == 1) {
                pack_four(from, stride_k, flip, to);
                continue;
            }
            for (size_t r = 0; r < rows; r++) {
                const int8_t value = (int8_t)(from[(ptrdiff_t)r * stride_k] ^ flip);
                if (bytes == 1) to[r] = value;
                else ((int16_t *)to)[r] = value;
            }
        }
    }
}

int32_t qk_gemm_unpack(const struct qk_gemm_kernel *kernel, size_t k, const void *panels, size_t row, size_t column) {
    const uint8_t *panel = (const uint8_t *)panels + column / kernel->nr * qk_gemm_panel_bytes(kernel, k);
    size_t j = 0;
    while (kernel->column_order[j] != column % kernel->nr) j++;
    const size_t at = packed_index(kernel, row, j);
    return kernel->element_bytes == 1 ? ((const int8_t *)panel)[at] : ((const int16_t *)panel)[at];
}
