/* Matrix products: weights of any layout packed, then run as an operator and with an epilogue of the call's own. */
#include "reader.h"

/* Weights as a (k, n) matrix of any strides inside one exact block. */
struct weights {
    void *block;
    const void *first;
    ptrdiff_t stride_k, stride_n;
    int valid;
};
static struct weights make_weights(struct reader *r, size_t k, size_t n, qk_dtype dtype) {
    const size_t layout = between(r, 0, 5), gap = between(r, 1, 3);
    struct weights w = {.stride_k = (ptrdiff_t)(n * gap), .stride_n = (ptrdiff_t)gap};
    if (layout == 1) w.stride_k = (ptrdiff_t)gap, w.stride_n = (ptrdiff_t)(k * gap);
    if (layout == 2) w.stride_k = 0, w.stride_n = 1;
    if (layout == 3) w.stride_k = 1, w.stride_n = 0;
    const size_t elements = k && n ? (size_t)w.stride_k * (k - 1) + (size_t)w.stride_n * (n - 1) + 1 : 0;
    w.block = dtype == QK_S16 ? (void *)make_wide_weights(r, elements) : make_bytes(r, elements);
    /* an element in a gap does not matter */
    w.valid = dtype != QK_S16 || gap > 1 || spoil_weight(r, w.block, elements);
    w.first = w.block;
    if (elements && layout >= 4) { /* from the last element backwards */
        w.first = (uint8_t *)w.block + (elements - 1) * qk_dtype_size(dtype);
        w.stride_k = -w.stride_k;
        w.stride_n = -w.stride_n;
    }
    return w;
}

static int32_t weight(const qk_linear_desc *d, size_t k, size_t n) {
    const ptrdiff_t at = (ptrdiff_t)k * d->stride_k + (ptrdiff_t)n * d->stride_n;
    const int32_t value = d->weights_dtype == QK_S16  ? ((const int16_t *)d->weights)[at]
                          : d->weights_dtype == QK_S8 ? ((const int8_t *)d->weights)[at]
                                                      : ((const uint8_t *)d->weights)[at];
    return value - (d->weights_zero_point ? d->weights_zero_point[n] : 0);
}

static void define(const qk_linear_desc *d, const qk_epilogue *e, int32_t za, qk_dtype dtype, const uint8_t *a, size_t m,
                   void *c) {
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < d->n; j++) {
            int64_t sum = 0;
            for (size_t p = 0; p < d->k; p++) {
                const int32_t x = dtype == QK_S8 ? (int8_t)a[i * d->k + p] : a[i * d->k + p];
                sum += (int64_t)(x - za) * weight(d, p, j);
            }
            finish(e, sum, j, c, i * d->n + j);
        }
}

static qk_dtype weights_type(struct reader *r) {
    static const qk_dtype types[] = {QK_U8, QK_S8, QK_S16};
    return types[between(r, 0, 2)];
}

/* Sizes and numbers that must be refused, or for which there is no memory; the weights are never looked at. */
static void refused(struct reader *r) {
    int32_t zero_point[4] = {0};
    uint8_t w[16] = {0};
    qk_linear_desc d = {.k = between(r, 1, 4), .n = between(r, 1, 4), .weights = w, .stride_k = 4, .stride_n = 1,
                        .weights_dtype = (qk_dtype)between(r, 0, 1), .weights_zero_point = zero_point};
    qk_epilogue e = {.dtype = QK_S32};
    switch (between(r, 0, 3)) {
    case 0:
        d.weights_dtype = (qk_dtype)between(r, QK_S32, 255);
        if (d.weights_dtype == QK_S16) return;
        break;
    case 1: {
        const int32_t wrong = any_int(r), least = least_of(d.weights_dtype);
        if (wrong >= least && wrong <= least + 255) return;
        zero_point[between(r, 0, d.n - 1)] = wrong;
        break;
    }
    case 2:
        d.input_zero_point = any_int(r);
        if (d.input_zero_point >= 0 && d.input_zero_point <= 255) return;
        break;
    default:
        d.k = absurd_size(r);
        d.n = absurd_size(r);
        d.weights_zero_point = NULL;
        d.weights_dtype = weights_type(r);
        d.weights = NULL;
        if (PRODUCT(d.k, d.n, qk_dtype_size(d.weights_dtype)) != SIZE_MAX) return;
    }
    qk_op *op = NULL;
    EACH_ISA(isa) REQUIRE(qk_linear_create(&d, &e, &op) == QK_ERROR_ARGUMENT && !op);
}

/* An operator that is no product has no linear_run, and arguments outside of their range are refused by it. */
static void run_refused(struct reader *r, const qk_op *op, const qk_epilogue *good) {
    qk_op *other;
    REQUIRE(qk_softmax_create(1, 1, &other) == QK_OK);
    REQUIRE(qk_linear_run(other, good, 0, QK_U8, NULL, 1, NULL) == QK_ERROR_ARGUMENT);
    qk_op_destroy(other);
    const qk_dtype dtype = (qk_dtype)between(r, 0, 1);
    const int32_t za = any_int(r);
    if (za < least_of(dtype) || za > least_of(dtype) + 255)
        REQUIRE(qk_linear_run(op, good, za, dtype, NULL, 0, NULL) == QK_ERROR_ARGUMENT);
    REQUIRE(qk_linear_run(op, good, 0, (qk_dtype)between(r, QK_S32, 255), NULL, 0, NULL) == QK_ERROR_ARGUMENT);
    const qk_epilogue bad = {.dtype = QK_U8, .lo = (int32_t)between(r, 1, 255), .hi = 0, .multiplier = good->multiplier};
    REQUIRE(qk_linear_run(op, &bad, 0, QK_U8, NULL, 0, NULL) == QK_ERROR_ARGUMENT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct reader r = {data, size};
    choose_threads(&r);
    if (one_in(&r, 8)) {
        refused(&r);
        return 0;
    }
    const size_t n = between(&r, 0, 140), k = between(&r, 0, one_in(&r, 8) ? 1100 : 140);
    const size_t most = 200000 / ((n + 1) * (k + 1)) + 1, m = between(&r, 0, most > 900 ? 900 : most);
    qk_linear_desc d = {.k = k, .n = n, .weights_dtype = weights_type(&r)};
    const struct weights w = make_weights(&r, k, n, d.weights_dtype);
    d.weights = w.first;
    d.stride_k = w.stride_k;
    d.stride_n = w.stride_n;
    d.input_zero_point = (int32_t)between(&r, 0, 255);
    const int plain = d.weights_dtype != QK_U8 && one_in(&r, 2);
    const int32_t least = d.weights_dtype == QK_S16 ? -32768 : least_of(d.weights_dtype);
    int32_t *zero_points = plain ? NULL : make_ints(&r, n, least, d.weights_dtype == QK_S16 ? 32767 : least + 255);
    d.weights_zero_point = zero_points;
    const int32_t neutral = d.weights_dtype == QK_U8 ? 128 : 0; /* with which any output goes */
    int all_neutral = 1;
    if (one_in(&r, 4))
        for (size_t j = 0; zero_points && j < n; j++) zero_points[j] = neutral;
    for (size_t j = 0; j < n; j++) all_neutral &= (zero_points ? zero_points[j] : 0) == neutral;
    const int hostile = one_in(&r, 8);
    qk_epilogue made = make_epilogue(&r, n, 0, hostile), own = make_epilogue(&r, n, 0, 0);
    const int32_t za = (int32_t)between(&r, 0, 255);
    const qk_dtype a_dtype = (qk_dtype)between(&r, 0, 1);
    const int32_t own_za = za + least_of(a_dtype);
    uint8_t *a = make_bytes(&r, m * k);
    const int valid = w.valid && is_valid_epilogue(&made) && (made.dtype == QK_S32 || all_neutral);
    const size_t bytes = m * n * (valid ? qk_dtype_size(made.dtype) : 0), own_bytes = m * n * qk_dtype_size(own.dtype);
    void *expected = exact(bytes), *own_expected = exact(own_bytes), *c = exact(bytes), *own_c = exact(own_bytes);
    if (valid) define(&d, &made, d.input_zero_point, QK_U8, a, m, expected);
    if (own.dtype == QK_S32 || all_neutral) define(&d, &own, own_za, a_dtype, a, m, own_expected);
    EACH_ISA(i) {
        qk_op *op = NULL;
        REQUIRE(qk_linear_create(&d, &made, &op) == (valid ? QK_OK : QK_ERROR_ARGUMENT));
        if (!valid) continue;
        REQUIRE(qk_op_implementation(op) != NULL);
        memset(c, 0x5a, bytes);
        REQUIRE(qk_op_inputs(op) == 1 && qk_op_run(op, (const void *[]){a}, c, m) == QK_OK);
        REQUIRE(memcmp(c, expected, bytes) == 0);
        const qk_status status = qk_linear_run(op, &own, own_za, a_dtype, a, m, own_c);
        REQUIRE(status == (own.dtype == QK_S32 || all_neutral ? QK_OK : QK_ERROR_ARGUMENT));
        REQUIRE(status != QK_OK || memcmp(own_c, own_expected, own_bytes) == 0);
        run_refused(&r, op, &own);
        qk_op_destroy(op);
    }
    free(w.block), free(zero_points), free(a), free(expected), free(own_expected), free(c), free(own_c);
    free_epilogue(&made), free_epilogue(&own);
    return 0;
}
