/* The definition of the matrix product: natural column order, no interleaving of rows (kr 1). */
#include "gemm.h"

enum { MR = 4, NR = 4 };

static void run(size_t m, size_t n, const void *a, size_t a_stride, const struct qk_gemm_panel *panel,
                const struct qk_gemm_epilogue *epilogue, void *c, size_t c_stride) {
    const uint8_t *rows = a;
    const int16_t *b = panel->b;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            uint32_t sum = (uint32_t)epilogue->bias[j]; /* unsigned: the sum is defined modulo 2^32 */
            for (size_t p = 0; p < panel->k; p++) sum += (uint32_t)(rows[i * a_stride + p] * b[p * NR + j]);
            const int32_t acc = (int32_t)sum;
            uint8_t *row = (uint8_t *)c + i * c_stride;
            if (epilogue->out == QK_GEMM_OUT_S32) ((int32_t *)row)[j] = acc;
            else if (epilogue->out == QK_GEMM_OUT_F32) ((float *)row)[j] = (float)acc * epilogue->multiplier[j];
            else
                row[j] = qk_round_to_byte(qk_activate((float)acc * epilogue->multiplier[j], &epilogue->requant),
                                          &epilogue->requant);
        }
}

static const uint8_t natural_order[NR] = {0, 1, 2, 3};

const struct qk_gemm_kernel qk_gemm_u8s8_4x4_scalar = {
    .name = "gemm_u8s8_4x4_scalar",
    .run = run,
    .mr = MR, .nr = NR, .kr = 1,
    .element_bytes = 2,
    .column_order = natural_order,
};
