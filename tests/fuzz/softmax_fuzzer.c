/* Softmax: the same bytes on every instruction set, and near the definition in double. */
#include "reader.h"

enum { MOST = 1 << 12 };

/* Near: differences to the largest element are rounded to float32, the exponential is good to about a unit in the last place,
 * and what would be subnormal is 0. */
static void check_row(const float *x, const float *y, size_t n) {
    float highest = -INFINITY;
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isfinite(x[i])) return; /* no value is promised, only the same on every set */
        if (x[i] > highest) highest = x[i];
    }
    for (size_t i = 0; i < n; i++) sum += exp((double)(x[i] - highest));
    for (size_t i = 0; i < n; i++) {
        const double expected = exp((double)(x[i] - highest)) / sum;
        REQUIRE(fabs(y[i] - expected) <= 1e-6 * expected + 1e-37);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct reader r = {data, size};
    choose_threads(&r);
    size_t rows = between(&r, 1, 8), columns = between(&r, 1, MOST / rows > 600 ? 600 : MOST / rows);
    if (one_in(&r, 8)) {
        rows = one_in(&r, 2) ? absurd_size(&r) : rows;
        columns = one_in(&r, 2) ? absurd_size(&r) : 0;
        const size_t bytes = PRODUCT(rows, columns, sizeof(float));
        qk_op *op = NULL;
        const qk_status status = qk_softmax_create(rows, columns, &op);
        REQUIRE(status == (rows && columns && bytes != SIZE_MAX ? QK_OK : QK_ERROR_ARGUMENT));
        qk_op_destroy(op);
        return 0;
    }
    const size_t n = rows * columns;
    float *x = make_floats(&r, n), *y = exact(n * sizeof *y);
    uint8_t *expected = exact(n * sizeof *y);
    EACH_ISA(i) {
        qk_op *op;
        REQUIRE(qk_softmax_create(rows, columns, &op) == QK_OK);
        memset(y, 0x5a, n * sizeof *y);
        REQUIRE(qk_op_run(op, (const void *[]){x}, y, 0) == QK_OK);
        compare(expected, y, n * sizeof *y, i == 0);
        for (size_t row = 0; row < rows; row++) check_row(x + row * columns, y + row * columns, columns);
        qk_op_destroy(op);
    }
    free(x), free(y), free(expected);
    return 0;
}
