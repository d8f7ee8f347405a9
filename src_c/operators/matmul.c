/* Blocking: rows of A in blocks that stay in the second-level cache; in a block, each panel of B meets every tile of rows
 * while it lies in the first-level cache. K is never split: a panel of 1024 x 64 still streams faster than it is used.
 */
#include "matmul.h"
#include <string.h>

/* A row of ones as the kernel reads it; NULL when there is no memory. */
static void *row_of_ones(const struct qk_gemm_kernel *kernel, size_t k) {
    uint8_t *ones = qk_aligned_alloc(k);
    if (!ones) return NULL;
    memset(ones, 1, k);
    if (!kernel->pack_a) return ones;
    void *packed = qk_aligned_alloc(qk_gemm_pack_a_stride(kernel, k));
    if (packed) kernel->pack_a(1, k, ones, k, packed);
    qk_aligned_free(ones);
    return packed;
}

/* Room for the panels, of which each knows its place afterwards. */
static qk_status lay_out(struct qk_matrix *matrix, const struct qk_gemm_weights *weights) {
    const struct qk_gemm_kernel *kernel = matrix->kernel;
    matrix->panel = qk_aligned_alloc(qk_times(matrix->panels, sizeof *matrix->panel));
    if (!matrix->panel) return QK_ERROR_MEMORY;
    size_t bytes = 0, groups = 0;
    for (size_t p = 0; p < matrix->panels; p++) {
        const size_t n_again = qk_gemm_find_again(kernel, matrix->k, p * kernel->nr, qk_matrix_panel_n(matrix, p), weights, NULL);
        matrix->panel[p] = (struct qk_gemm_panel){.k = matrix->k, .n_again = n_again};
        bytes += qk_gemm_panel_bytes(kernel, matrix->k, n_again);
        groups += n_again;
    }
    matrix->packed = qk_aligned_alloc(bytes);
    matrix->again = qk_aligned_alloc(groups * sizeof *matrix->again);
    if (!matrix->packed || !matrix->again) return QK_ERROR_MEMORY;
    int8_t *packed = matrix->packed;
    uint32_t *again = matrix->again;
    for (size_t p = 0; p < matrix->panels; p++) {
        struct qk_gemm_panel *panel = &matrix->panel[p];
        panel->b = packed, panel->again = again;
        qk_gemm_find_again(kernel, matrix->k, p * kernel->nr, qk_matrix_panel_n(matrix, p), weights, again);
        packed += qk_gemm_panel_bytes(kernel, matrix->k, panel->n_again), again += panel->n_again;
    }
    return QK_OK;
}

qk_status qk_matrix_pack(struct qk_matrix *matrix, const struct qk_kernels *kernels, size_t k, size_t n,
                         const struct qk_gemm_weights *weights) {
    const struct qk_gemm_kernel *wide = kernels->gemm, *narrow = kernels->gemm_narrow;
    const struct qk_gemm_kernel *kernel = qk_round_up(n, narrow->nr) < qk_round_up(n, wide->nr) ? narrow : wide;
    *matrix = (struct qk_matrix){0};
    if (k > QK_TOO_MANY / (4 * kernel->nr * kernel->kr * kernel->element_bytes)) return QK_ERROR_MEMORY; /* a panel's size wraps */
    *matrix = (struct qk_matrix){.kernel = kernel, .k = k, .n = n, .panels = (n + kernel->nr - 1) / kernel->nr,
                                 .largest = weights->element_bytes == 2 ? 255 : 128};
    matrix->column_sums = qk_aligned_alloc(matrix->panels * kernel->nr * sizeof(int32_t));
    void *ones = row_of_ones(kernel, k);
    int32_t *zeros = qk_aligned_alloc(kernel->nr * sizeof *zeros);
    qk_status status = lay_out(matrix, weights);
    if (!matrix->column_sums || !ones || !zeros) status = QK_ERROR_MEMORY;
    for (size_t p = 0; p < matrix->panels && status == QK_OK; p++) {
        const struct qk_gemm_panel *panel = &matrix->panel[p];
        const size_t first = p * kernel->nr, columns = qk_matrix_panel_n(matrix, p);
        qk_gemm_pack_panel(kernel, first, columns, weights, panel);
        /* a column's sum is its product with ones, which nothing computes faster than the kernel */
        const struct qk_gemm_epilogue epilogue = {.out = QK_GEMM_OUT_S32, .bias = zeros, .multiplier = (const float *)zeros};
        kernel->run(1, columns, ones, 0, panel, &epilogue, matrix->column_sums + first, 0);
    }
    qk_aligned_free(ones);
    qk_aligned_free(zeros);
    if (status != QK_OK) qk_matrix_free(matrix);
    return status;
}

void qk_matrix_free(struct qk_matrix *matrix) {
    qk_aligned_free(matrix->panel);
    qk_aligned_free(matrix->packed);
    qk_aligned_free(matrix->again);
    qk_aligned_free(matrix->column_sums);
    *matrix = (struct qk_matrix){0};
}

size_t qk_columns_bytes(const struct qk_matrix *matrix) {
    return qk_round_up(matrix->panels * matrix->kernel->nr * sizeof(int32_t), 64);
}

void qk_columns_fill(struct qk_columns *columns, const struct qk_matrix *matrix, const qk_epilogue *epilogue,
                     int32_t input_zero_point_u8) {
    const size_t nr = matrix->kernel->nr, padded = matrix->panels * nr;
    for (size_t first = 0; first < padded; first += nr)
        for (size_t j = 0; j < nr; j++) {
            const size_t column = first + matrix->kernel->column_order[j], at = first + j;
            const int there = column < matrix->n;
            const uint32_t bias = there && epilogue->bias ? (uint32_t)epilogue->bias[column] : 0;
            const uint32_t sum = there ? (uint32_t)matrix->column_sums[column] : 0;
            columns->bias[at] = (int32_t)(bias - (uint32_t)input_zero_point_u8 * sum);
            columns->multiplier[at] = there && epilogue->dtype != QK_S32 ? epilogue->multiplier[column] : 0;
        }
    columns->bounded = epilogue->dtype != QK_S32 && qk_is_bounded(matrix->k, matrix->largest, padded, columns->bias, columns->multiplier);
}

qk_status qk_columns_make(struct qk_columns *columns, const struct qk_matrix *matrix, const qk_epilogue *epilogue,
                          int32_t input_zero_point_u8) {
    const size_t bytes = qk_columns_bytes(matrix);
    *columns = (struct qk_columns){qk_aligned_alloc(bytes), qk_aligned_alloc(bytes), 0};
    if (!columns->bias || !columns->multiplier) {
        qk_columns_free(columns);
        return QK_ERROR_MEMORY;
    }
    qk_columns_fill(columns, matrix, epilogue, input_zero_point_u8);
    return QK_OK;
}

void qk_columns_free(struct qk_columns *columns) {
    qk_aligned_free(columns->bias);
    qk_aligned_free(columns->multiplier);
    *columns = (struct qk_columns){0};
}

int qk_gemm_out(qk_dtype dtype) {
    return dtype == QK_S32 ? QK_GEMM_OUT_S32 : dtype == QK_F32 ? QK_GEMM_OUT_F32 : QK_GEMM_OUT_U8;
}

size_t qk_matmul_block_rows(const struct qk_matrix *matrix, size_t m) {
    const size_t wanted = matrix->k <= 128 ? 784 : 196;
    const size_t mr = matrix->kernel->mr;
    const size_t blocks = (m + wanted - 1) / wanted;
    return blocks ? qk_round_up((m + blocks - 1) / blocks, mr) : mr;
}

size_t qk_matmul_scratch(const struct qk_matrix *matrix) {
    if (!matrix->kernel->pack_a) return 0;
    return qk_round_up(qk_matmul_block_rows(matrix, SIZE_MAX / 2) * qk_gemm_pack_a_stride(matrix->kernel, matrix->k), 64);
}

void qk_matmul_block(const struct qk_matrix *matrix, const struct qk_columns *columns, const struct qk_requant *requant,
                     int out, const uint8_t *a, size_t a_stride, size_t m, uint8_t *c, size_t c_stride, size_t first,
                     size_t last, uint8_t *scratch) {
    const struct qk_gemm_kernel *kernel = matrix->kernel;
    const size_t out_bytes = out == QK_GEMM_OUT_U8 ? 1 : 4;
    if (kernel->pack_a && matrix->k) { /* rows of no length have no scratch */
        kernel->pack_a(m, matrix->k, a, a_stride, scratch);
        a = scratch;
        a_stride = qk_gemm_pack_a_stride(kernel, matrix->k);
    }
    struct qk_gemm_epilogue epilogue = {.out = out, .requant = *requant};
    epilogue.requant.bounded = columns->bounded;
    for (size_t p = first; p < last; p++) {
        epilogue.bias = columns->bias + p * kernel->nr;
        epilogue.multiplier = columns->multiplier + p * kernel->nr;
        kernel->run(m, qk_matrix_panel_n(matrix, p), a, a_stride, &matrix->panel[p], &epilogue, c + p * kernel->nr * out_bytes,
                    c_stride);
    }
}

struct loop {
    const struct qk_matrix *matrix;
    const struct qk_columns *columns;
    const struct qk_requant *requant;
    int out;
    const uint8_t *a;
    uint8_t *c, *scratch;
    size_t a_stride, c_stride, m, block_rows, panel_groups, scratch_per_thread;
};

static void task(void *context, size_t index, size_t thread) {
    const struct loop *l = context;
    const size_t block = index / l->panel_groups, group = index % l->panel_groups;
    const size_t from = block * l->block_rows, panels = l->matrix->panels;
    qk_matmul_block(l->matrix, l->columns, l->requant, l->out, l->a + from * l->a_stride, l->a_stride,
                    qk_min(l->block_rows, l->m - from), l->c + from * l->c_stride, l->c_stride,
                    group * panels / l->panel_groups, (group + 1) * panels / l->panel_groups,
                    l->scratch ? l->scratch + thread * l->scratch_per_thread : NULL);
}

/* Rows of a block such that each thread gets as many blocks as the others, if its tiles come out nearly even. A network's
 * threads then keep to their part of an image from layer to layer; split by columns, each would read the others' caches. */
static size_t shared_rows(const struct qk_matrix *matrix, size_t m, size_t block_rows, size_t threads) {
    const size_t mr = matrix->kernel->mr, tiles = (m + mr - 1) / mr, most = (tiles + threads - 1) / threads;
    if (threads == 1 || m == 0 || 20 * most * threads > 21 * tiles) return block_rows;
    const size_t blocks = qk_round_up((m + block_rows - 1) / block_rows, threads);
    return qk_round_up((m + blocks - 1) / blocks, mr);
}

void qk_matmul(const struct qk_matrix *matrix, const struct qk_columns *columns, const struct qk_requant *requant, int out,
               const uint8_t *a, size_t a_stride, size_t m, uint8_t *c, size_t c_stride, uint8_t *scratch) {
    const size_t threads = (size_t)qk_num_threads();
    struct loop l = {matrix, columns, requant, out, a, c, scratch, a_stride, c_stride, m, qk_matmul_block_rows(matrix, m), 1,
                     qk_matmul_scratch(matrix)};
    l.block_rows = shared_rows(matrix, m, l.block_rows, threads);
    const size_t blocks = (m + l.block_rows - 1) / l.block_rows;
    /* Four tasks a thread even out cores of unequal speed; columns are split where rows alone give too few. */
    if (threads > 1 && blocks < 4 * threads)
        l.panel_groups = qk_min(matrix->panels, (4 * threads + blocks - 1) / (blocks ? blocks : 1));
    qk_parallel_for(blocks * l.panel_groups, task, &l);
}
