/* Max pooling of every shape that is allowed, padding included, and of absurd ones. */
#include "reader.h"

enum { MOST_BYTES = 1 << 15, MOST_COMPARED = 1 << 20 };

static void define(const qk_max_pool_desc *d, size_t height_out, size_t width_out, const uint8_t *x, uint8_t *y) {
    for (size_t image = 0; image < d->batch; image++)
        for (size_t row = 0; row < height_out; row++)
            for (size_t column = 0; column < width_out; column++)
                for (size_t c = 0; c < d->channels; c++) {
                    uint8_t largest = 0;
                    for (size_t i = 0; i < d->kernel_h; i++)
                        for (size_t j = 0; j < d->kernel_w; j++) {
                            const size_t y0 = row * d->stride_h + i - d->pad_top, x0 = column * d->stride_w + j - d->pad_left;
                            if (y0 >= d->height || x0 >= d->width) continue; /* wraps around in the padding before */
                            const uint8_t value = x[((image * d->height + y0) * d->width + x0) * d->channels + c];
                            if (value > largest) largest = value;
                        }
                    *y++ = largest;
                }
}

/* Windows along an axis; 0 where there is none, or one that is padding alone. */
static size_t windows(size_t extent, size_t kernel, size_t stride, size_t before, size_t after) {
    const size_t most = PTRDIFF_MAX;
    if (!extent || !kernel || !stride || extent > most || before > most - extent || after > most - extent - before) return 0;
    const size_t all = extent + before + after;
    if (all < kernel || kernel <= before) return 0;
    const size_t n = (all - kernel) / stride + 1;
    return (n - 1) * stride < before + extent ? n : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct reader r = {data, size};
    choose_threads(&r);
    qk_max_pool_desc d = {
        .batch = between(&r, 1, 2), .height = between(&r, 1, 20), .width = between(&r, 1, 20), .channels = between(&r, 1, 200),
        .kernel_h = between(&r, 1, 9), .kernel_w = between(&r, 1, 9), .stride_h = between(&r, 1, 4), .stride_w = between(&r, 1, 4),
        .pad_top = between(&r, 0, 4), .pad_left = between(&r, 0, 4), .pad_bottom = between(&r, 0, 4),
        .pad_right = between(&r, 0, 4)};
    if (one_in(&r, 4)) {
        size_t *const fields[] = {&d.batch,    &d.height,   &d.width,   &d.channels, &d.kernel_h,   &d.kernel_w,
                                  &d.stride_h, &d.stride_w, &d.pad_top, &d.pad_left, &d.pad_bottom, &d.pad_right};
        for (size_t n = between(&r, 1, 3); n; n--) *fields[between(&r, 0, 11)] = one_in(&r, 4) ? between(&r, 0, 64) : absurd_size(&r);
    }
    const size_t height_out = windows(d.height, d.kernel_h, d.stride_h, d.pad_top, d.pad_bottom);
    const size_t width_out = windows(d.width, d.kernel_w, d.stride_w, d.pad_left, d.pad_right);
    const size_t x_bytes = PRODUCT(d.batch, d.height, d.width, d.channels);
    const size_t y_bytes = PRODUCT(d.batch, height_out, width_out, d.channels);
    const int valid = d.batch && d.channels && height_out && width_out && x_bytes != SIZE_MAX && y_bytes != SIZE_MAX;
    const int runs = valid && x_bytes <= MOST_BYTES && PRODUCT(y_bytes, d.kernel_h, d.kernel_w) <= MOST_COMPARED;
    uint8_t *x = runs ? make_bytes(&r, x_bytes) : NULL, *expected = exact(runs ? y_bytes : 0), *y = exact(runs ? y_bytes : 0);
    if (runs) define(&d, height_out, width_out, x, expected);
    EACH_ISA(i) {
        qk_op *op = NULL;
        REQUIRE(qk_max_pool_create(&d, &op) == (valid ? QK_OK : QK_ERROR_ARGUMENT));
        if (!valid) continue;
        if (runs) {
            memset(y, 0x5a, y_bytes);
            REQUIRE(qk_op_run(op, (const void *[]){x}, y, 0) == QK_OK);
            REQUIRE(memcmp(y, expected, y_bytes) == 0);
        }
        qk_op_destroy(op);
    }
    free(x), free(expected), free(y);
    return 0;
}
