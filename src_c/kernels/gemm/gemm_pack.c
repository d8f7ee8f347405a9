#include "gemm.h"
#include <string.h>

static size_t packed_index(const struct qk_gemm_kernel *kernel, size_t row, size_t position) {
    return (row / kernel->kr * kernel->nr + position) * kernel->kr + row % kernel->kr;
}

void qk_gemm_pack_panel(const struct qk_gemm_kernel *kernel, size_t k, size_t n, const uint8_t *b, ptrdiff_t stride_k,
                        ptrdiff_t stride_n, uint8_t flip, void *panel) {
    memset(panel, 0, qk_gemm_panel_bytes(kernel, k));
    for (size_t j = 0; j < kernel->nr; j++) {
        if (kernel->column_order[j] >= n) continue;
        const uint8_t *column = b + kernel->column_order[j] * stride_n;
        for (size_t row = 0; row < k; row++) {
            const int8_t value = (int8_t)(column[(ptrdiff_t)row * stride_k] ^ flip);
            const size_t at = packed_index(kernel, row, j);
            if (kernel->element_bytes == 1) ((int8_t *)panel)[at] = value;
            else ((int16_t *)panel)[at] = value;
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
