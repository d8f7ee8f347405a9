/* Maximum pooling of every shape that is allowed, and of absurd ones. */
#include "reader.h"

enum { MOST_BYTES = 1 << 15, MOST_COMPARED = 1 << 20 };

static uint8_t define(const qk_max_pool_desc *d, const uint8_t *image, size_t row, size_t column, size_t c) {
    uint8_t most = 0;
    for (size_t i = 0; i < d->kernel_h; i++)
        for (size_t j = 0; j < d->kernel_w; j++) {
            const size_t y = row * d->stride_h + i - d->pad_top, x = column * d->stride_w + j - d->pad_left; /* wraps around */
            if (y >= d->height || x >= d->width) continue;
            const uint8_t q = image[(y * d->width + x) * d->channels + c];
            if (q > most) most = q;
        }
    return most;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct reader r = {data, size};
    choose_threads(&r);
    qk_max_pool_desc d = {between(&r, 1, 2), between(&r, 1, 20), between(&r, 1, 20), between(&r, 1, 200), between(&r, 1, 5),
                          between(&r, 1, 5), between(&r, 1, 4),  between(&r, 1, 4),  between(&r, 0, 2),   between(&r, 0, 2),
                          between(&r, 0, 2), between(&r, 0, 2)};
    size_t *const fields[] = {&d.batch, &d.height, &d.width, &d.channels, &d.kernel_h, &d.kernel_w,
                              &d.stride_h, &d.stride_w, &d.pad_top, &d.pad_left, &d.pad_bottom, &d.pad_right};
    for (size_t n = one_in(&r, 4) ? between(&r, 1, 3) : 0; n; n--)
        *fields[between(&r, 0, 11)] = one_in(&r, 4) ? between(&r, 0, 64) : absurd_size(&r);
    const size_t rows = windows(d.height, d.pad_top, d.pad_bottom, d.kernel_h, d.stride_h);
    const size_t columns = windows(d.width, d.pad_left, d.pad_right, d.kernel_w, d.stride_w);
    const size_t x_bytes = PRODUCT(d.batch, d.height, d.width, d.channels), y_bytes = PRODUCT(d.batch, rows, columns, d.channels);
    const int valid = x_bytes && x_bytes != SIZE_MAX && y_bytes && y_bytes != SIZE_MAX;
    const int runs = valid && x_bytes <= MOST_BYTES && PRODUCT(y_bytes, d.kernel_h, d.kernel_w) <= MOST_COMPARED;
    uint8_t *x = make_bytes(&r, runs ? x_bytes : 0), *expected = exact(runs ? y_bytes : 0), *y = exact(runs ? y_bytes : 0);
    for (size_t at = 0; runs && at < y_bytes; at++) {
        const size_t pixel = at / d.channels, image = pixel / columns / rows;
        expected[at] = define(&d, x + image * d.height * d.width * d.channels, pixel / columns % rows, pixel % columns,
                              at % d.channels);
    }
    EACH_ISA(i) {
        qk_op *op = NULL;
        REQUIRE(qk_max_pool_create(&d, &op) == (valid ? QK_OK : QK_ERROR_ARGUMENT));
        if (runs) {
            memset(y, 0x5a, y_bytes);
            REQUIRE(qk_op_run(op, (const void *[]){x}, y, 0) == QK_OK && memcmp(y, expected, y_bytes) == 0);
        }
        qk_op_destroy(op);
    }
    free(x), free(expected), free(y);
    return 0;
}
