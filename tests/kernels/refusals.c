/* What the C API must refuse with a status, before it looks at an array: sizes whose products wrap round, types and zero points
 * outside of their range, plans in the wrong order. Exit status 1 and the line on stderr where it does not.
 */
#include "qkernels.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                                               \
    ((condition) ? (void)0 : (fprintf(stderr, "FAILED line %d: %s\n", __LINE__, #condition), exit(1)))

static const float one[3] = {1, 1, 1};
static const int32_t zeros[3] = {0};

static void affine(void) {
    float x[3] = {1, 2, 3}, y[3];
    uint8_t q[3];
    const int32_t outside[] = {256}, least[] = {INT32_MIN};
    const qk_affine good = {1, 1, 3, one, zeros, QK_U8};
    qk_affine bad[] = {good, good, good, good};
    bad[0].outer = bad[0].inner = SIZE_MAX / 2;
    bad[1].zero_point = outside;
    bad[2].zero_point = least;
    bad[3].dtype = QK_F32;
    qk_op *op;
    CHECK(qk_quantize(x, q, &good) == QK_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK(qk_quantize(x, q, &bad[i]) == QK_ERROR_ARGUMENT);
        CHECK(qk_dequantize(q, y, &bad[i]) == QK_ERROR_ARGUMENT);
        CHECK(qk_quantize_create(&bad[i], &op) == QK_ERROR_ARGUMENT);
        CHECK(qk_dequantize_create(&bad[i], &op) == QK_ERROR_ARGUMENT);
    }
    const int32_t acc[3] = {0};
    const qk_requantize_map map = {1, 1, 3, one, 0, 0, 255, QK_U8};
    qk_requantize_map wrong[] = {map, map, map, map};
    wrong[0].outer = wrong[0].inner = SIZE_MAX / 2;
    wrong[1].zero_point = INT32_MIN;
    wrong[2].lo = 9, wrong[2].hi = 8;
    wrong[3].dtype = QK_S32;
    CHECK(qk_requantize(acc, q, &map) == QK_OK);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) CHECK(qk_requantize(acc, q, &wrong[i]) == QK_ERROR_ARGUMENT);
}

static void linear(void) {
    const int8_t weights[6] = {1, 2, 3, 4, 5, 6};
    const uint8_t a[2] = {1, 1};
    int32_t c[3];
    const int32_t outside[] = {-129, 0, 0};
    const qk_epilogue words = {.dtype = QK_S32}, empty = {.dtype = QK_U8, .lo = 2, .hi = 1, .multiplier = one};
    const qk_linear_desc good = {2, 3, weights, 3, 1, QK_S8, NULL, 0};
    qk_linear_desc bad[] = {good, good, good, good, good};
    bad[0].k = bad[0].n = SIZE_MAX / 2;
    bad[1].k = 0, bad[1].n = SIZE_MAX / 2;
    bad[2].weights_dtype = QK_S32;
    bad[3].weights_zero_point = outside;
    bad[4].input_zero_point = 256;
    qk_op *op, *softmax;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) CHECK(qk_linear_create(&bad[i], &words, &op) == QK_ERROR_ARGUMENT);
    CHECK(qk_linear_create(&good, &empty, &op) == QK_ERROR_ARGUMENT);
    CHECK(qk_linear_create(&good, &words, &op) == QK_OK);
    CHECK(qk_op_run(op, a, c, 1) == QK_OK && c[0] == 5 && c[2] == 9);
    CHECK(qk_op_run(op, a, c, SIZE_MAX / 2) == QK_ERROR_ARGUMENT);
    CHECK(qk_linear_run(op, &words, 0, QK_F32, a, 1, c) == QK_ERROR_ARGUMENT);
    CHECK(qk_linear_run(op, &words, INT32_MAX, QK_S8, a, 1, c) == QK_ERROR_ARGUMENT);
    CHECK(qk_linear_run(op, &empty, 0, QK_U8, a, 1, c) == QK_ERROR_ARGUMENT);
    CHECK(qk_linear_run(op, &words, 0, QK_U8, a, SIZE_MAX / 2, c) == QK_ERROR_ARGUMENT);
    CHECK(qk_softmax_create(1, 1, &softmax) == QK_OK);
    CHECK(qk_linear_run(softmax, &words, 0, QK_U8, a, 1, c) == QK_ERROR_ARGUMENT);
    qk_op_destroy(softmax);
    qk_op_destroy(op);
    CHECK(qk_softmax_create(SIZE_MAX / 2, 4, &op) == QK_ERROR_ARGUMENT);
    /* products of no length */
    const qk_linear_desc no_length = {0, 3, weights, 3, 1, QK_S8, NULL, 0};
    qk_op *nothing;
    CHECK(qk_linear_create(&no_length, &words, &nothing) == QK_OK);
    CHECK(qk_op_run(nothing, a, c, 1) == QK_OK && c[0] == 0 && c[1] == 0 && c[2] == 0);
    qk_op_destroy(nothing);
}

static void images(void) {
    const int32_t outside[] = {256};
    const int8_t weights[9] = {0};
    const qk_epilogue e = {QK_U8, NULL, one, 0, 0, 255};
    const qk_conv2d_desc good = {1, 4, 4, 1, 1, 1, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, zeros, weights};
    qk_conv2d_desc bad[] = {good, good, good, good, good, good, good};
    bad[0].pad_top = SIZE_MAX - 3;           /* the padded height wraps round to a small one */
    bad[1].kernel_h = 5, bad[1].dilation_h = (size_t)1 << 62; /* and so does the kernel's */
    bad[2].batch = SIZE_MAX / 8;
    bad[3].input_zero_point = outside;
    bad[4].stride_w = 0;
    bad[5].pad_left = SIZE_MAX / 4, bad[5].batch = 4;
    bad[6].kernel_h = bad[6].kernel_w = (size_t)1 << 32, bad[6].pad_top = bad[6].pad_left = (size_t)1 << 32;
    qk_op *op;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) CHECK(qk_conv2d_create(&bad[i], &e, &op) == QK_ERROR_ARGUMENT);
    CHECK(qk_conv2d_create(&good, &e, &op) == QK_OK);
    qk_op_destroy(op);
    const qk_average_pool_desc pool = {1, 4, 4, 1, 2, 2, 2, 2, 0, 1, 0, 0, 255, QK_U8};
    qk_average_pool_desc wrong[] = {pool, pool, pool, pool};
    wrong[0].height = wrong[0].width = wrong[0].kernel_h = wrong[0].kernel_w = (size_t)1 << 32;
    wrong[1].batch = SIZE_MAX / 4;
    wrong[2].input_zero_point = INT32_MIN;
    wrong[3].lo = -1;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK(qk_average_pool_create(&wrong[i], &op) == QK_ERROR_ARGUMENT);
}

/* A new operator that reads and writes 12 bytes. */
static qk_op *softmax(void) {
    qk_op *op;
    CHECK(qk_softmax_create(1, 3, &op) == QK_OK);
    return op;
}

static void plans(void) {
    const float x[3] = {0, 0, 0};
    float y[3];
    const void *sources[] = {x};
    void *results[] = {y};
    uint64_t ns;
    int in, middle, out, small;
    qk_plan *plan;
    CHECK(qk_plan_create(&plan) == QK_OK);
    CHECK(qk_plan_add_tensor(plan, SIZE_MAX, &in) == QK_ERROR_ARGUMENT);
    CHECK(qk_plan_add_tensor(plan, 12, &in) == QK_OK && qk_plan_add_tensor(plan, 12, &middle) == QK_OK);
    CHECK(qk_plan_add_tensor(plan, 12, &out) == QK_OK && qk_plan_add_tensor(plan, 11, &small) == QK_OK);
    CHECK(qk_plan_add_op(plan, softmax(), 0, in, 4) == QK_ERROR_ARGUMENT);
    CHECK(qk_plan_add_op(plan, softmax(), 0, -1, out) == QK_ERROR_ARGUMENT);
    CHECK(qk_plan_add_op(plan, softmax(), 0, in, small) == QK_ERROR_ARGUMENT); /* would write one byte outside */
    CHECK(qk_plan_add_op(plan, softmax(), 0, small, out) == QK_ERROR_ARGUMENT);
    CHECK(qk_plan_add_op(plan, softmax(), 0, in, in) == QK_ERROR_ARGUMENT);
    CHECK(qk_plan_add_op(plan, softmax(), 0, in, middle) == QK_OK);
    CHECK(qk_plan_add_op(plan, softmax(), 0, in, middle) == QK_ERROR_ARGUMENT); /* written already */
    CHECK(qk_plan_add_op(plan, softmax(), 0, middle, out) == QK_OK);
    CHECK(qk_plan_run(plan, sources, results, NULL) == QK_ERROR_ARGUMENT);
    CHECK(qk_plan_run_op(plan, 0, x, y, 1, &ns) == QK_ERROR_ARGUMENT);
    const int unknown = 9, twice[] = {out, out};
    CHECK(qk_plan_finish(plan, &unknown, 1, &out, 1) == QK_ERROR_ARGUMENT);
    CHECK(qk_plan_finish(plan, &in, 1, &unknown, 1) == QK_ERROR_ARGUMENT);
    CHECK(qk_plan_finish(plan, &in, 1, &in, 1) == QK_ERROR_ARGUMENT);  /* nothing writes it */
    CHECK(qk_plan_finish(plan, &out, 1, &out, 1) == QK_ERROR_ARGUMENT);
    CHECK(qk_plan_finish(plan, &in, 1, twice, 2) == QK_ERROR_ARGUMENT);
    CHECK(qk_plan_finish(plan, NULL, 0, &out, 1) == QK_ERROR_ARGUMENT); /* `in` would be read unwritten */
    CHECK(qk_plan_finish(plan, &in, 1, &out, 1) == QK_OK);
    CHECK(qk_plan_finish(plan, &in, 1, &out, 1) == QK_ERROR_ARGUMENT);
    CHECK(qk_plan_add_op(plan, softmax(), 0, in, small) == QK_ERROR_ARGUMENT);
    CHECK(qk_plan_add_tensor(plan, 4, &small) == QK_ERROR_ARGUMENT);
    CHECK(qk_plan_run(plan, sources, results, NULL) == QK_OK && fabsf(y[0] - 1.0f / 3) < 1e-6f);
    CHECK(qk_plan_run_op(plan, 2, x, y, 1, &ns) == QK_ERROR_ARGUMENT);
    qk_plan_destroy(plan);
}

/* A row with NaN or with an infinite maximum is the same quiet NaN on every instruction set. */
static void rows_of_nan(void) {
    const uint32_t bits = 0xffc12345u;
    float other, expected[20], y[20];
    memcpy(&other, &bits, sizeof other);
    for (size_t i = 0; i < 20; i++) expected[i] = NAN;
    const float wrong[] = {other, INFINITY, -NAN};
    for (size_t w = 0; w < 3; w++) {
        float x[20] = {1, 2, other};
        x[w] = wrong[w];
        x[19] = w ? x[19] : NAN;
        qk_op *op;
        CHECK(qk_softmax_create(1, 20, &op) == QK_OK);
        CHECK(qk_op_run(op, x, y, 0) == QK_OK && memcmp(y, expected, sizeof y) == 0);
        qk_op_destroy(op);
    }
}

static void probes(void) {
    static uint8_t block[2048];
    CHECK(qk_measure_peak(-1) > 0 && qk_measure_peak(NAN) > 0);
    CHECK(qk_measure_read_bandwidth(block, 0, 0) == 0 && qk_measure_read_bandwidth(block + 1, 511, 0) == 0);
    CHECK(qk_measure_read_bandwidth(block + 1, 1500, -1e30) > 0);
}

int main(void) {
    qk_isa_info list[16];
    const size_t n = qk_isa_list(list, 16);
    for (size_t i = 0; i < n; i++) {
        if (!list[i].supported) continue;
        CHECK(qk_use_isa(list[i].name) == QK_OK);
        affine();
        linear();
        images();
        plans();
        rows_of_nan();
        probes();
    }
    CHECK(qk_use_isa("none") == QK_ERROR_UNSUPPORTED);
    return 0;
}
