/* Average pooling of every shape that is allowed, and of absurd ones. */
#include "reader.h"

enum { MOST_BYTES = 1 << 15, MOST_SUMMED = 1 << 20, MOST_IN_A_WINDOW = 1 << 23 };

static void define(const qk_average_pool_desc *d, size_t height_out, size_t width_out, const uint8_t *x, void *y) {
    const size_t whole = d->kernel_h * d->kernel_w;
    size_t at = 0;
    for (size_t image = 0; image < d->batch; image++)
        for (size_t row = 0; row < height_out; row++)
            for (size_t column = 0; column < width_out; column++)
                for (size_t c = 0; c < d->channels; c++, at++) {
                    int64_t sum = 0;
                    size_t inside = 0;
                    for (size_t i = 0; i < d->kernel_h; i++)
                        for (size_t j = 0; j < d->kernel_w; j++) {
                            const size_t y0 = row * d->stride_h + i - d->pad_top; /* wraps around */
                            const size_t x0 = column * d->stride_w + j - d->pad_left;
                            if (y0 >= d->height || x0 >= d->width) continue;
                            inside++;
                            sum += x[((image * d->height + y0) * d->width + x0) * d->channels + c] - d->input_zero_point;
                        }
                    const float factor = (float)whole / (float)inside; /* 1 where no padding is */
                    const float multiplier = d->exclude_pad && inside < whole ? d->multiplier * factor : d->multiplier;
                    const qk_epilogue e = {.dtype = d->dtype, .multiplier = &multiplier, .zero_point = d->zero_point,
                                           .lo = d->lo, .hi = d->hi};
                    finish(&e, sum, 0, y, at);
                }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct reader r = {data, size};
    choose_threads(&r);
    qk_epilogue e = make_epilogue(&r, 1, 1, one_in(&r, 8));
    e.activation = QK_ACTIVATION_NONE; /* a pool has none */
    qk_average_pool_desc d = {
        .batch = between(&r, 1, 2), .height = between(&r, 1, 20), .width = between(&r, 1, 20), .channels = between(&r, 1, 200),
        .kernel_h = between(&r, 1, 9), .kernel_w = between(&r, 1, 9), .stride_h = between(&r, 1, 4), .stride_w = between(&r, 1, 4),
        .input_zero_point = (int32_t)between(&r, 0, 255), .multiplier = any_scale(&r), .zero_point = e.zero_point, .lo = e.lo,
        .hi = e.hi, .dtype = e.dtype};
    if (one_in(&r, 2)) {
        d.pad_top = between(&r, 0, 3), d.pad_left = between(&r, 0, 3), d.pad_bottom = between(&r, 0, 3);
        d.pad_right = between(&r, 0, 3), d.exclude_pad = one_in(&r, 2);
    }
    if (one_in(&r, 4)) {
        size_t *const fields[] = {&d.batch, &d.height, &d.width, &d.channels, &d.kernel_h, &d.kernel_w,
                                  &d.stride_h, &d.stride_w, &d.pad_top, &d.pad_left, &d.pad_bottom, &d.pad_right};
        for (size_t n = between(&r, 1, 3); n; n--)
            *fields[between(&r, 0, 11)] = one_in(&r, 4) ? between(&r, 0, 64) : absurd_size(&r);
    }
    if (one_in(&r, 16)) d.input_zero_point = any_int(&r);

    int valid = is_valid_epilogue(&e) && (e.dtype == QK_U8 || e.dtype == QK_S8) && d.batch && d.channels && d.kernel_h &&
                d.kernel_w && d.stride_h && d.stride_w && d.input_zero_point >= 0 && d.input_zero_point <= 255 && PRODUCT(d.kernel_h, d.kernel_w) <= MOST_IN_A_WINDOW &&
                PRODUCT(d.batch, d.height, d.width, d.channels) != SIZE_MAX;
    const size_t height_out = windows(d.height, d.pad_top, d.pad_bottom, d.kernel_h, d.stride_h);
    const size_t width_out = windows(d.width, d.pad_left, d.pad_right, d.kernel_w, d.stride_w);
    const size_t x_bytes = PRODUCT(d.batch, d.height, d.width, d.channels);
    const size_t y_bytes = PRODUCT(d.batch, height_out, width_out, d.channels);
    valid = valid && height_out && width_out && y_bytes != SIZE_MAX;
    const int runs = valid && x_bytes <= MOST_BYTES && PRODUCT(y_bytes, d.kernel_h, d.kernel_w) <= MOST_SUMMED;
    uint8_t *x = runs ? make_bytes(&r, x_bytes) : NULL, *expected = exact(runs ? y_bytes : 0), *y = exact(runs ? y_bytes : 0);
    if (runs) define(&d, height_out, width_out, x, expected);
    EACH_ISA(i) {
        qk_op *op = NULL;
        REQUIRE(qk_average_pool_create(&d, &op) == (valid ? QK_OK : QK_ERROR_ARGUMENT));
        if (!valid) continue;
        if (runs) {
            memset(y, 0x5a, y_bytes);
            REQUIRE(qk_op_run(op, (const void *[]){x}, y, 0) == QK_OK);
            REQUIRE(memcmp(y, expected, y_bytes) == 0);
        }
        qk_op_destroy(op);
    }
    free(x), free(expected), free(y), free_epilogue(&e);
    return 0;
}
