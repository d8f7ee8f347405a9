/* What moves bytes or replaces each: transposition and tables. */
#include "reader.h"

enum { MOST_BYTES = 1 << 16 };

static void tables(struct reader *r) {
    const size_t n = one_in(r, 8) ? absurd_size(r) : between(r, 0, 1) ? between(r, 0, 300) : 30000 + between(r, 0, 30000);
    const int valid = n != 0 && n <= (size_t)PTRDIFF_MAX, runs = valid && n <= MOST_BYTES;
    uint8_t *table = make_bytes(r, 256), *x = make_bytes(r, runs ? n : 0), *y = exact(runs ? n : 0);
    EACH_ISA(isa) {
        qk_op *op = NULL;
        REQUIRE(qk_table_create(n, table, &op) == (valid ? QK_OK : QK_ERROR_ARGUMENT));
        if (runs) {
            REQUIRE(qk_op_inputs(op) == 1 && qk_op_run(op, (const void *[]){x}, y, 0) == QK_OK);
            for (size_t i = 0; i < n; i++) REQUIRE(y[i] == table[x[i]]);
        }
        qk_op_destroy(op);
    }
    free(table), free(x), free(y);
}

static void transpositions(struct reader *r) {
    size_t shape[] = {between(r, 1, 4), between(r, 1, 100), between(r, 1, one_in(r, 8) ? 3000 : 100)};
    qk_dtype dtype = (qk_dtype)between(r, 0, 3);
    if (one_in(r, 8)) dtype = (qk_dtype)take(r, 1);
    if (one_in(r, 8))
        for (size_t n = between(r, 1, 3); n; n--) shape[between(r, 0, 2)] = absurd_size(r);
    const size_t size = dtype <= QK_S8 ? 1 : 4, bytes = PRODUCT(shape[0], shape[1], shape[2], size);
    const int valid = dtype <= QK_F32 && bytes != 0 && bytes != SIZE_MAX, runs = valid && bytes <= 4 * MOST_BYTES;
    uint8_t *x = make_bytes(r, runs ? bytes : 0), *y = exact(runs ? bytes : 0);
    EACH_ISA(isa) {
        qk_op *op = NULL;
        REQUIRE(qk_transpose_create(shape[0], shape[1], shape[2], dtype, &op) == (valid ? QK_OK : QK_ERROR_ARGUMENT));
        if (runs) {
            memset(y, 0x5a, bytes);
            REQUIRE(qk_op_run(op, (const void *[]){x}, y, 0) == QK_OK);
            for (size_t at = 0; at < bytes / size; at++) {
                const size_t column = at % shape[2], row = at / shape[2] % shape[1], first = at - column - row * shape[2];
                REQUIRE(memcmp(y + (first + column * shape[1] + row) * size, x + at * size, size) == 0);
            }
        }
        qk_op_destroy(op);
    }
    free(x), free(y);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct reader r = {data, size};
    choose_threads(&r);
    if (one_in(&r, 2)) tables(&r);
    else transpositions(&r);
    return 0;
}
