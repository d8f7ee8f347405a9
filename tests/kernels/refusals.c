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
    qk_affine bad[] = {good, good, good, good, good};
    bad[0].outer = bad[0].inner = SIZE_MAX / 2;
    bad[1].zero_point = outside;
    bad[2].zero_point = least;
    bad[3].dtype = QK_F32;
    bad[4].dtype = (qk_dtype)77;
    qk_op *op;
    CHECK(qk_quantize(x, q, &good) == QK_OK);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK(qk_quantize(x, q, &bad[i]) == QK_ERROR_ARGUMENT);
        CHECK(qk_dequantize(q, y, &bad[i]) == QK_ERROR_ARGUMENT);
        CHECK(qk_quantize_create(&bad[i], &op) == QK_ERROR_ARGUMENT);
        CHECK(qk_dequantize_create(&bad[i], &op) == QK_ERROR_ARGUMENT);
    }
    /* 16 bits and 32 are for arrays, not for plans; 32 are read alone, without zero points */
    uint16_t wide[3];
    const int32_t last[] = {65535, -32768}, words[3] = {1, 2, 3};
    const qk_affine wide_map = {1, 1, 3, one, last, QK_U16}, signed_map = {1, 1, 3, one, last + 1, QK_S16};
    const qk_affine wrong_map = {1, 1, 3, one, last + 1, QK_U16}, word_map = {1, 1, 3, one, zeros, QK_S32};
    const qk_affine shifted_map = {1, 1, 3, one, last, QK_S32};
    CHECK(qk_quantize(x, wide, &wide_map) == QK_OK && wide[2] == 65535 && qk_dequantize(wide, y, &wide_map) == QK_OK);
    CHECK(qk_quantize(x, wide, &signed_map) == QK_OK && (int16_t)wide[0] == -32767);
    CHECK(qk_quantize(x, wide, &wrong_map) == QK_ERROR_ARGUMENT && qk_dequantize(wide, y, &wrong_map) == QK_ERROR_ARGUMENT);
    CHECK(qk_dequantize(words, y, &word_map) == QK_OK && y[2] == 3);
    CHECK(qk_dequantize(words, y, &shifted_map) == QK_ERROR_ARGUMENT && qk_quantize(x, wide, &word_map) == QK_ERROR_ARGUMENT);
    CHECK(qk_quantize_create(&wide_map, &op) == QK_ERROR_ARGUMENT && qk_dequantize_create(&word_map, &op) == QK_ERROR_ARGUMENT);
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
    const int16_t beyond[6] = {0, 0, 0, 0, 0, 256};
    qk_linear_desc bad[] = {good, good, good, good, good, good, good, good};
    bad[0].k = bad[0].n = SIZE_MAX / 2;
    bad[1].k = 0, bad[1].n = SIZE_MAX / 2;
    bad[2].weights_dtype = QK_S32;
    bad[3].weights_zero_point = outside;
    bad[4].input_zero_point = 256;
    bad[5].weights = beyond, bad[5].weights_dtype = QK_S16;
    /* sizes come first: weights are not looked at */
    bad[6].weights = NULL, bad[6].weights_dtype = QK_S16, bad[6].k = bad[6].n = SIZE_MAX / 2;
    bad[7].weights = NULL, bad[7].weights_dtype = QK_S16, bad[7].input_zero_point = -1;
    qk_op *op, *softmax;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) CHECK(qk_linear_create(&bad[i], &words, &op) == QK_ERROR_ARGUMENT);
    CHECK(qk_linear_create(&good, &empty, &op) == QK_ERROR_ARGUMENT);
    const qk_linear_desc broad = {0, ((size_t)1 << 61) - 1, NULL, 1, 1, QK_S8, NULL, 0}; /* more panels than bytes can count */
    CHECK(qk_linear_create(&broad, &words, &op) == QK_ERROR_MEMORY);
    qk_epilogue activated[] = {{.dtype = QK_U8, .hi = 255, .multiplier = one, .activation = (qk_activation)3},
                               {.dtype = QK_S32, .activation = QK_ACTIVATION_HARD_SWISH},
                               {.dtype = QK_F32, .multiplier = one, .activation = QK_ACTIVATION_HARD_SIGMOID}};
    for (size_t i = 0; i < 3; i++) CHECK(qk_linear_create(&good, &activated[i], &op) == QK_ERROR_ARGUMENT);
    CHECK(qk_linear_create(&good, &words, &op) == QK_OK);
    const void *const src[] = {a};
    CHECK(qk_op_inputs(op) == 1 && qk_op_run(op, src, c, 1) == QK_OK && c[0] == 5 && c[2] == 9);
    CHECK(qk_op_run(op, src, c, SIZE_MAX / 2) == QK_ERROR_ARGUMENT);
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
    CHECK(qk_op_run(nothing, src, c, 1) == QK_OK && c[0] == 0 && c[1] == 0 && c[2] == 0);
    qk_op_destroy(nothing);
}

static void images(void) {
    const int32_t outside[] = {256};
    const int8_t weights[9] = {0};
    const int16_t beyond[9] = {-256};
    const qk_epilogue e = {.dtype = QK_U8, .multiplier = one, .hi = 255};
    const qk_conv2d_desc good = {1, 4, 4, 1, 1, 1, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, zeros, weights, QK_S8};
    qk_conv2d_desc bad[] = {good, good, good, good, good, good, good, good, good, good, good};
    bad[0].pad_top = SIZE_MAX - 3;           /* the padded height wraps round to a small one */
    bad[1].kernel_h = 5, bad[1].dilation_h = (size_t)1 << 62; /* and so does the kernel's */
    bad[2].batch = SIZE_MAX / 8;
    bad[3].input_zero_point = outside;
    bad[4].stride_w = 0;
    bad[5].pad_left = SIZE_MAX / 4, bad[5].batch = 4;
    bad[6].kernel_h = bad[6].kernel_w = (size_t)1 << 32, bad[6].pad_top = bad[6].pad_left = (size_t)1 << 32;
    bad[7].weights = beyond, bad[7].weights_dtype = QK_S16;
    bad[8].weights_dtype = QK_U8;
    /* sizes come first: weights are not looked at */
    bad[9].weights = NULL, bad[9].weights_dtype = QK_S16, bad[9].batch = SIZE_MAX / 8;
    bad[10].weights = NULL, bad[10].weights_dtype = QK_S16, bad[10].input_zero_point = outside;
    qk_op *op;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) CHECK(qk_conv2d_create(&bad[i], &e, &op) == QK_ERROR_ARGUMENT);
    CHECK(qk_conv2d_create(&good, &e, &op) == QK_OK);
    qk_op_destroy(op);
    const qk_average_pool_desc pool = {1, 4, 4, 1, 2, 2, 2, 2, 0, 1, 0, 0, 255, QK_U8, 0, 0, 0, 0, 0};
    qk_average_pool_desc wrong[] = {pool, pool, pool, pool};
    wrong[0].height = wrong[0].width = wrong[0].kernel_h = wrong[0].kernel_w = (size_t)1 << 32;
    wrong[1].batch = SIZE_MAX / 4;
    wrong[2].input_zero_point = INT32_MIN;
    wrong[3].lo = -1;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK(qk_average_pool_create(&wrong[i], &op) == QK_ERROR_ARGUMENT);
    const qk_max_pool_desc largest = {1, 4, 4, 1, 3, 3, 2, 2, 1, 1, 1, 1};
    qk_max_pool_desc refused[] = {largest, largest, largest, largest};
    refused[0].batch = SIZE_MAX / 4;
    refused[1].pad_top = SIZE_MAX;
    refused[2].pad_left = 3; /* a window of padding alone */
    refused[3].stride_w = 0;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        CHECK(qk_max_pool_create(&refused[i], &op) == QK_ERROR_ARGUMENT);
}

static void elements(void) {
    static const uint8_t table[256] = {7};
    const qk_arithmetic_desc good = {QK_ADD, 1, 2, 3, 0, 0, 0, 1, 1, 0, 0, 255, QK_U8};
    qk_arithmetic_desc bad[] = {good, good, good, good, good, good, good, good};
    bad[0].operation = (qk_operation)2;
    bad[1].images = 0;
    bad[2].pixels = SIZE_MAX / 2;
    bad[3].images = bad[3].channels = (size_t)1 << 32;
    bad[4].zero_point_a = 256;
    bad[5].zero_point_b = -1;
    bad[6].dtype = QK_F32;
    bad[7].lo = 9, bad[7].hi = 8;
    qk_op *op;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) CHECK(qk_arithmetic_create(&bad[i], &op) == QK_ERROR_ARGUMENT);
    CHECK(qk_arithmetic_create(&good, &op) == QK_OK && qk_op_inputs(op) == 2);
    qk_op_destroy(op);
    CHECK(qk_table_create(0, table, &op) == QK_ERROR_ARGUMENT && qk_table_create(SIZE_MAX, NULL, &op) == QK_ERROR_ARGUMENT);
    CHECK(qk_transpose_create(1, 0, 2, QK_U8, &op) == QK_ERROR_ARGUMENT);
    CHECK(qk_transpose_create(SIZE_MAX / 2, 2, 2, QK_S8, &op) == QK_ERROR_ARGUMENT);
    CHECK(qk_transpose_create(1, (size_t)1 << 62, 1, QK_F32, &op) == QK_ERROR_ARGUMENT);
    CHECK(qk_transpose_create(1, 2, 2, QK_U16, &op) == QK_ERROR_ARGUMENT);
    CHECK(qk_transpose_create(1, 2, 2, (qk_dtype)77, &op) == QK_ERROR_ARGUMENT);
}

/* A new operator that reads and writes 12 bytes. */
static qk_op *softmax(void) {
    qk_op *op;
    CHECK(qk_softmax_create(1, 3, &op) == QK_OK);
    return op;
}

static qk_status add(qk_plan *plan, qk_op *op, int src, int dst) {
    return qk_plan_add_op(plan, op, 0, &src, dst);
}

/* A new sum of 12 bytes and 12 others. */
static qk_op *sum(void) {
    const qk_arithmetic_desc d = {QK_ADD, 1, 1, 12, 0, 0, 0, 1, 1, 0, 0, 255, QK_U8};
    qk_op *op;
    CHECK(qk_arithmetic_create(&d, &op) == QK_OK);
    return op;
}

static void plans_of_sums(void) {
    const uint8_t x[12] = {1, 2}, y[12] = {3, 4};
    uint8_t z[12];
    int a, b, c, small;
    qk_plan *plan;
    CHECK(qk_plan_create(&plan) == QK_OK && qk_plan_add_tensor(plan, 12, &a) == QK_OK);
    CHECK(qk_plan_add_tensor(plan, 12, &b) == QK_OK && qk_plan_add_tensor(plan, 12, &c) == QK_OK);
    CHECK(qk_plan_add_tensor(plan, 11, &small) == QK_OK);
    const int wrong[][2] = {{a, small}, {small, a}, {a, c}, {c, a}, {a, 9}, {-1, a}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK(qk_plan_add_op(plan, sum(), 0, wrong[i], c) == QK_ERROR_ARGUMENT);
    const int ends[] = {a, b};
    CHECK(qk_plan_add_op(plan, sum(), 0, ends, c) == QK_OK);
    CHECK(qk_plan_finish(plan, &a, 1, &c, 1) == QK_ERROR_ARGUMENT); /* `b` would be read unwritten */
    CHECK(qk_plan_finish(plan, ends, 2, &c, 1) == QK_OK);
    CHECK(qk_plan_run(plan, (const void *[]){x, y}, (void *[]){z}, NULL) == QK_OK && z[0] == 4 && z[1] == 6 && z[11] == 0);
    qk_plan_destroy(plan);
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
    CHECK(add(plan, softmax(), in, 4) == QK_ERROR_ARGUMENT);
    CHECK(add(plan, softmax(), -1, out) == QK_ERROR_ARGUMENT);
    CHECK(add(plan, softmax(), in, small) == QK_ERROR_ARGUMENT); /* would write one byte outside */
    CHECK(add(plan, softmax(), small, out) == QK_ERROR_ARGUMENT);
    CHECK(add(plan, softmax(), in, in) == QK_ERROR_ARGUMENT);
    CHECK(add(plan, softmax(), in, middle) == QK_OK);
    CHECK(add(plan, softmax(), in, middle) == QK_ERROR_ARGUMENT); /* written already */
    CHECK(add(plan, softmax(), middle, out) == QK_OK);
    CHECK(qk_plan_run(plan, sources, results, NULL) == QK_ERROR_ARGUMENT);
    CHECK(qk_plan_run_op(plan, 0, sources, y, 1, &ns) == QK_ERROR_ARGUMENT);
    const int unknown = 9, twice[] = {out, out};
    CHECK(qk_plan_finish(plan, &unknown, 1, &out, 1) == QK_ERROR_ARGUMENT);
    CHECK(qk_plan_finish(plan, &in, 1, &unknown, 1) == QK_ERROR_ARGUMENT);
    CHECK(qk_plan_finish(plan, &in, 1, &in, 1) == QK_ERROR_ARGUMENT);  /* nothing writes it */
    CHECK(qk_plan_finish(plan, &out, 1, &out, 1) == QK_ERROR_ARGUMENT);
    CHECK(qk_plan_finish(plan, &in, 1, twice, 2) == QK_ERROR_ARGUMENT);
    CHECK(qk_plan_finish(plan, NULL, 0, &out, 1) == QK_ERROR_ARGUMENT); /* `in` would be read unwritten */
    CHECK(qk_plan_finish(plan, &in, 1, &out, 1) == QK_OK);
    CHECK(qk_plan_finish(plan, &in, 1, &out, 1) == QK_ERROR_ARGUMENT);
    CHECK(add(plan, softmax(), in, small) == QK_ERROR_ARGUMENT);
    CHECK(qk_plan_add_tensor(plan, 4, &small) == QK_ERROR_ARGUMENT);
    CHECK(qk_plan_run(plan, sources, results, NULL) == QK_OK && fabsf(y[0] - 1.0f / 3) < 1e-6f);
    CHECK(qk_plan_run_op(plan, 2, sources, y, 1, &ns) == QK_ERROR_ARGUMENT);
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
        CHECK(qk_op_run(op, (const void *[]){x}, y, 0) == QK_OK && memcmp(y, expected, sizeof y) == 0);
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
        elements();
        plans();
        plans_of_sums();
        rows_of_nan();
        probes();
    }
    CHECK(qk_use_isa("none") == QK_ERROR_UNSUPPORTED);
    return 0;
}
