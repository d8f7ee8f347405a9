/* The matrix product as other operators use it: packed weights and the loops over tiles. */
#ifndef QK_MATMUL_H
#define QK_MATMUL_H

#include "op.h"

struct qk_matrix {
    const struct qk_gemm_kernel *kernel;
    size_t k, n, panels;
    struct qk_gemm_panel *panel; /* `panels` of them, in `packed` and `again` */
    int8_t *packed;
    uint32_t *again;
    int32_t *column_sums; /* sum over k of W[k, n]; what the input's zero point is multiplied with */
    int32_t largest;      /* no weight is larger in magnitude */
};

/* QK_ERROR_MEMORY leaves `matrix` empty. */
qk_status qk_matrix_pack(struct qk_matrix *matrix, const struct qk_kernels *kernels, size_t k, size_t n,
                         const struct qk_gemm_weights *weights);
void qk_matrix_free(struct qk_matrix *matrix);
/* columns of panel p */
static inline size_t qk_matrix_panel_n(const struct qk_matrix *matrix, size_t p) {
    return qk_min(matrix->kernel->nr, matrix->n - p * matrix->kernel->nr);
}

/* Bias and multiplier of the epilogue in panel order, the input's zero point folded in. */
struct qk_columns {
    int32_t *bias;
    float *multiplier;
    uint8_t bounded; /* see requant.h */
};
qk_status qk_columns_make(struct qk_columns *columns, const struct qk_matrix *matrix, const qk_epilogue *epilogue,
                          int32_t input_zero_point_u8);
void qk_columns_free(struct qk_columns *columns);
/* The same into memory of the caller: qk_columns_bytes for the bias and as much for the multiplier, 64-byte aligned. */
size_t qk_columns_bytes(const struct qk_matrix *matrix);
void qk_columns_fill(struct qk_columns *columns, const struct qk_matrix *matrix, const qk_epilogue *epilogue,
                     int32_t input_zero_point_u8);
int qk_gemm_out(qk_dtype dtype);

/* Scratch that one thread needs for the rows it works on. */
size_t qk_matmul_scratch(const struct qk_matrix *matrix);

/* C = A x W with the epilogue, on all threads. `scratch` has qk_matmul_scratch bytes a thread. */
void qk_matmul(const struct qk_matrix *matrix, const struct qk_columns *columns, const struct qk_requant *requant, int out,
               const uint8_t *a, size_t a_stride, size_t m, uint8_t *c, size_t c_stride, uint8_t *scratch);
/* The same for a block of rows on the calling thread, panels [first, last). */
void qk_matmul_block(const struct qk_matrix *matrix, const struct qk_columns *columns, const struct qk_requant *requant,
                     int out, const uint8_t *a, size_t a_stride, size_t m, uint8_t *c, size_t c_stride, size_t first,
                     size_t last, uint8_t *scratch);
/* Rows of A that a block takes, so that they stay in cache while panels pass by. */
size_t qk_matmul_block_rows(const struct qk_matrix *matrix, size_t m);

#endif
