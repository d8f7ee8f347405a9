/* Matrix product with packed weights: the fully connected layer, and matmul and linear of the array functions. */
#include "matmul.h"
#include <string.h>

enum { SMALL = 1 << 14 }; /* bytes that a call may take from the stack */

struct linear {
    qk_op op;
    struct qk_matrix matrix;
    struct qk_columns columns;
    int32_t *weights_zero_point; /* less 128 for uint8 weights; NULL if all are 0 */
    qk_dtype dtype;
    int32_t input_zero_point;
    struct qk_requant requant;
};

static void destroy(qk_op *op) {
    struct linear *l = (struct linear *)op;
    qk_matrix_free(&l->matrix);
    qk_columns_free(&l->columns);
    qk_aligned_free(l->weights_zero_point);
    qk_aligned_free(l);
}

/* sum_k (a - za)(w - zw) = sum_k (a - za) w - zw (sum_k a - K za) */
static void subtract_weights_zero_point(const struct linear *l, const uint8_t *a, size_t m, int32_t za, int32_t *c) {
    for (size_t i = 0; i < m; i++) {
        uint32_t sum = 0u - (uint32_t)l->matrix.k * (uint32_t)za;
        for (size_t p = 0; p < l->matrix.k; p++) sum += a[i * l->matrix.k + p];
        for (size_t j = 0; j < l->matrix.n; j++) {
            int32_t *at = c + i * l->matrix.n + j;
            *at = (int32_t)((uint32_t)*at - sum * (uint32_t)l->weights_zero_point[j]);
        }
    }
}

static void run_with(const struct linear *l, const struct qk_columns *columns, const struct qk_requant *requant,
                     qk_dtype dtype, int32_t za, const uint8_t *a, void *c, size_t m, uint8_t *scratch) {
    qk_matmul(&l->matrix, columns, requant, qk_gemm_out(dtype), a, l->matrix.k, m, c,
              l->matrix.n * qk_dtype_size(dtype), scratch);
    if (l->weights_zero_point) subtract_weights_zero_point(l, a, m, za, c);
}

static void run(const qk_op *op, const void *const *src, void *dst, size_t rows, uint8_t *scratch) {
    const struct linear *l = (const struct linear *)op;
    run_with(l, &l->columns, &l->requant, l->dtype, l->input_zero_point, src[0], dst, rows, scratch);
}

/* Sizes and type, before a weight is looked at. */
static int has_weights(const qk_linear_desc *d) {
    return (d->weights_dtype == QK_S16 || qk_is_byte(d->weights_dtype)) &&
           qk_times(qk_times(d->k, d->n), qk_dtype_size(d->weights_dtype)) != QK_TOO_MANY &&
           qk_times(d->n, sizeof(int32_t)) != QK_TOO_MANY;
}

static int are_weights(const qk_linear_desc *d) {
    const int16_t *weights = d->weights;
    for (size_t k = 0; d->weights_dtype == QK_S16 && k < d->k; k++)
        for (size_t n = 0; n < d->n; n++)
            if (!qk_is_weight(weights[(ptrdiff_t)k * d->stride_k + (ptrdiff_t)n * d->stride_n])) return 0;
    return 1;
}

qk_status qk_linear_create(const qk_linear_desc *desc, const qk_epilogue *epilogue, qk_op **op) {
    if (!has_weights(desc) || !qk_are_zero_points(&desc->input_zero_point, 1, QK_U8) || !qk_is_epilogue(epilogue))
        return QK_ERROR_ARGUMENT;
    if (desc->weights_zero_point && !qk_are_zero_points(desc->weights_zero_point, desc->n, desc->weights_dtype))
        return QK_ERROR_ARGUMENT;
    const int32_t shift = desc->weights_dtype == QK_U8 ? 128 : 0; /* uint8 weights are int8 ones 128 higher */
    const struct qk_gemm_weights weights = {desc->weights, desc->stride_k, desc->stride_n, qk_dtype_size(desc->weights_dtype),
                                            shift ? 0x80 : 0};
    int zero = desc->weights_zero_point != NULL || shift == 0;
    for (size_t j = 0; desc->weights_zero_point && j < desc->n; j++) zero &= desc->weights_zero_point[j] == shift;
    if ((!zero && epilogue->dtype != QK_S32) || !are_weights(desc)) return QK_ERROR_ARGUMENT;
    struct linear *l = qk_aligned_alloc(sizeof *l);
    if (!l) return QK_ERROR_MEMORY;
    l->op = (qk_op){.run = run, .destroy = destroy, .n_inputs = 1, .src_bytes = {desc->k},
                    .dst_bytes = desc->n * qk_dtype_size(epilogue->dtype), .by_row = 1};
    l->input_zero_point = desc->input_zero_point;
    l->dtype = epilogue->dtype;
    l->requant = qk_epilogue_requant(epilogue);
    qk_status status = qk_matrix_pack(&l->matrix, qk_current_kernels(), desc->k, desc->n, &weights);
    if (status == QK_OK) status = qk_columns_make(&l->columns, &l->matrix, epilogue, l->input_zero_point);
    if (status == QK_OK && !zero) {
        l->weights_zero_point = qk_aligned_alloc(desc->n * sizeof(int32_t));
        if (!l->weights_zero_point) status = QK_ERROR_MEMORY;
        for (size_t j = 0; j < desc->n && l->weights_zero_point; j++)
            l->weights_zero_point[j] = (desc->weights_zero_point ? desc->weights_zero_point[j] : 0) - shift;
    }
    if (status != QK_OK) {
        destroy(&l->op);
        return status;
    }
    l->op.implementation = l->matrix.kernel->name;
    l->op.scratch_per_thread = qk_matmul_scratch(&l->matrix);
    *op = &l->op;
    return QK_OK;
}

/* int8 as the uint8 128 above it, a word at a time */
static void flip(const uint8_t *from, uint8_t *to, size_t n) {
    size_t i = 0;
    for (uint64_t word; i + sizeof word <= n; i += sizeof word) {
        memcpy(&word, from + i, sizeof word);
        word ^= 0x8080808080808080u;
        memcpy(to + i, &word, sizeof word);
    }
    for (; i < n; i++) to[i] = from[i] ^ 0x80;
}

qk_status qk_linear_run(const qk_op *op, const qk_epilogue *epilogue, int32_t input_zero_point, qk_dtype input_dtype,
                        const void *a, size_t m, void *c) {
    const struct linear *l = (const struct linear *)op;
    if (op->run != run || !qk_is_byte(input_dtype) || !qk_are_zero_points(&input_zero_point, 1, input_dtype) ||
        !qk_is_epilogue(epilogue) || qk_times(m, l->matrix.k) == QK_TOO_MANY ||
        qk_times(m, l->matrix.n * sizeof(int32_t)) == QK_TOO_MANY || (l->weights_zero_point && epilogue->dtype != QK_S32))
        return QK_ERROR_ARGUMENT;
    const int32_t za = qk_zero_point_u8(input_dtype, input_zero_point);
    const struct qk_requant requant = qk_epilogue_requant(epilogue);
    const size_t threads = (size_t)qk_threads_enter();
    const size_t column_bytes = qk_columns_bytes(&l->matrix), a_bytes = m * l->matrix.k;
    const size_t copied = input_dtype == QK_S8 ? qk_round_up(a_bytes, 64) : 0;
    const size_t wanted = 2 * column_bytes + copied + op->scratch_per_thread * threads;
    _Alignas(64) uint8_t local[SMALL]; /* an allocation would cost a small product as much as its arithmetic */
    uint8_t *space = wanted <= sizeof local ? local : qk_aligned_alloc(wanted);
    if (space) {
        struct qk_columns columns = {(int32_t *)space, (float *)(space + column_bytes), 0};
        qk_columns_fill(&columns, &l->matrix, epilogue, za);
        uint8_t *copy = space + 2 * column_bytes; /* int8 rows as uint8 */
        if (copied) flip(a, copy, a_bytes);
        run_with(l, &columns, &requant, epilogue->dtype, za, copied ? copy : a, c, m, copy + copied);
    }
    if (space != local) qk_aligned_free(space);
    qk_threads_leave();
    return space ? QK_OK : QK_ERROR_MEMORY;
}
