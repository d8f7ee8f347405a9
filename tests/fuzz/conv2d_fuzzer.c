/* Convolutions of every shape that is allowed, and of absurd ones. */
#include "reader.h"

enum { MOST_BYTES = 1 << 15, MOST_MACS = 1 << 18 };

static size_t extent_of(size_t kernel, size_t dilation) {
    const size_t reach = PRODUCT(kernel - 1, dilation);
    return reach == SIZE_MAX ? SIZE_MAX : reach + 1;
}

/* Output rows or columns; 0 where none fit, SIZE_MAX where the padded image is longer than any array. */
static size_t length_out(size_t n, size_t before, size_t after, size_t kernel, size_t dilation, size_t stride) {
    const size_t limit = (size_t)PTRDIFF_MAX, extent = extent_of(kernel, dilation);
    if (n > limit || before > limit - n || after > limit - n - before) return SIZE_MAX;
    const size_t padded = n + before + after;
    return padded < extent ? 0 : (padded - extent) / stride + 1;
}

static int any_zero(const qk_conv2d_desc *d) {
    return !d->batch || !d->height || !d->width || !d->channels_in || !d->channels_out || !d->groups || !d->kernel_h ||
           !d->kernel_w || !d->stride_h || !d->stride_w || !d->dilation_h || !d->dilation_w;
}

static void define(const qk_conv2d_desc *d, const qk_epilogue *e, size_t height_out, size_t width_out, const uint8_t *x,
                   void *y) {
    const size_t per_group = d->channels_in / d->groups, out_group = d->channels_out / d->groups;
    size_t at = 0;
    for (size_t image = 0; image < d->batch; image++)
        for (size_t row = 0; row < height_out; row++)
            for (size_t column = 0; column < width_out; column++)
                for (size_t n = 0; n < d->channels_out; n++, at++) {
                    int64_t sum = 0;
                    for (size_t i = 0; i < d->kernel_h; i++)
                        for (size_t j = 0; j < d->kernel_w; j++) {
                            const size_t from_row = row * d->stride_h + i * d->dilation_h;
                            const size_t from_column = column * d->stride_w + j * d->dilation_w;
                            if (from_row < d->pad_top || from_row - d->pad_top >= d->height || from_column < d->pad_left ||
                                from_column - d->pad_left >= d->width)
                                continue; /* padding holds the zero point */
                            const size_t pixel = (image * d->height + from_row - d->pad_top) * d->width + from_column - d->pad_left;
                            for (size_t c = 0; c < per_group; c++) {
                                const size_t channel = n / out_group * per_group + c;
                                const size_t from = ((i * d->kernel_w + j) * per_group + c) * d->channels_out + n;
                                const int32_t w = d->weights_dtype == QK_S16 ? ((const int16_t *)d->weights)[from]
                                                                             : ((const int8_t *)d->weights)[from];
                                sum += (int64_t)(x[pixel * d->channels_in + channel] - d->input_zero_point[channel]) * w;
                            }
                        }
                    finish(e, sum, n, y, at);
                }
}

static void shape(struct reader *r, qk_conv2d_desc *d) {
    const size_t kind = between(r, 0, 4); /* the shapes that have kernels of their own come up often */
    d->batch = between(r, 1, 2);
    d->height = between(r, 1, 20);
    d->width = between(r, 1, 40);
    d->groups = between(r, 1, 4);
    d->channels_in = d->groups * between(r, 1, 20);
    d->channels_out = d->groups * between(r, 1, 40);
    d->kernel_h = between(r, 1, 4);
    d->kernel_w = between(r, 1, 4);
    d->stride_h = between(r, 1, 3);
    d->stride_w = between(r, 1, 3);
    d->dilation_h = between(r, 1, 3);
    d->dilation_w = between(r, 1, 3);
    d->pad_top = between(r, 0, 3);
    d->pad_left = between(r, 0, 3);
    d->pad_bottom = between(r, 0, 3);
    d->pad_right = between(r, 0, 3);
    if (kind == 1) { /* depthwise */
        d->groups = d->channels_in = d->channels_out = between(r, 1, 150);
        d->stride_w = d->stride_h = between(r, 1, 2);
    } else if (kind == 2) { /* of an image with three channels */
        d->groups = 1;
        d->channels_in = 3;
        d->channels_out = between(r, 1, 100);
        d->stride_h = d->stride_w = 2;
    } else if (kind == 3) { /* pointwise */
        d->groups = d->kernel_h = d->kernel_w = d->stride_h = d->stride_w = 1;
        d->pad_top = d->pad_left = d->pad_bottom = d->pad_right = 0;
    }
    if (kind == 1 || kind == 2) {
        d->kernel_h = d->kernel_w = 3;
        d->dilation_h = d->dilation_w = 1;
    }
}

/* Some of the sizes replaced by ones that are 0, or that no array has. */
static void spoil(struct reader *r, qk_conv2d_desc *d) {
    size_t *const fields[] = {&d->batch, &d->height, &d->width, &d->channels_in, &d->channels_out, &d->groups, &d->kernel_h,
                              &d->kernel_w, &d->stride_h, &d->stride_w, &d->dilation_h, &d->dilation_w, &d->pad_top,
                              &d->pad_left, &d->pad_bottom, &d->pad_right};
    for (size_t n = between(r, 1, 3); n; n--) *fields[between(r, 0, 15)] = one_in(r, 4) ? between(r, 0, 64) : absurd_size(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct reader r = {data, size};
    choose_threads(&r);
    qk_conv2d_desc d = {0};
    shape(&r, &d);
    d.weights_dtype = one_in(&r, 2) ? QK_S16 : QK_S8;
    if (one_in(&r, 4)) spoil(&r, &d);
    const int hostile = one_in(&r, 8);
    if (hostile && one_in(&r, 8)) d.weights_dtype = (qk_dtype)take(&r, 1);

    int valid = (d.weights_dtype == QK_S8 || d.weights_dtype == QK_S16) && !any_zero(&d) &&
                d.channels_in % d.groups == 0 && d.channels_out % d.groups == 0;
    size_t height_out = 0, width_out = 0, x_bytes = 0, y_elements = 0, weights_bytes = 0;
    if (valid) {
        height_out = length_out(d.height, d.pad_top, d.pad_bottom, d.kernel_h, d.dilation_h, d.stride_h);
        width_out = length_out(d.width, d.pad_left, d.pad_right, d.kernel_w, d.dilation_w, d.stride_w);
        x_bytes = PRODUCT(d.batch, d.height, d.width, d.channels_in);
        y_elements = PRODUCT(d.batch, height_out, width_out, d.channels_out);
        weights_bytes = PRODUCT(d.kernel_h, d.kernel_w, d.channels_in / d.groups, d.channels_out,
                                qk_dtype_size(d.weights_dtype));
        const size_t y_bytes = PRODUCT(d.batch, height_out, width_out, d.channels_out, sizeof(float));
        valid = height_out && width_out && height_out != SIZE_MAX && width_out != SIZE_MAX && x_bytes != SIZE_MAX &&
                y_bytes != SIZE_MAX && weights_bytes != SIZE_MAX;
        if (valid && PRODUCT(height_out, width_out, d.batch, weights_bytes) > MOST_MACS) return 0;
        if (valid && (x_bytes > MOST_BYTES || y_elements > MOST_BYTES || weights_bytes > MOST_BYTES)) return 0;
    }
    /* what is refused must be refused before an array is looked at: there is none */
    const size_t channels_in = valid ? d.channels_in : 0, channels_out = valid ? d.channels_out : 0;
    int32_t *zero_points = valid ? make_ints(&r, channels_in, 0, 255) : NULL;
    if (valid && one_in(&r, 4)) memset(zero_points, 0, channels_in * sizeof *zero_points);
    if (valid && hostile && one_in(&r, 2)) {
        const int32_t wrong = any_int(&r);
        zero_points[between(&r, 0, channels_in - 1)] = wrong;
        valid = wrong >= 0 && wrong <= 255;
    }
    d.input_zero_point = zero_points;
    void *weights = NULL;
    if (valid && d.weights_dtype == QK_S8) weights = make_bytes(&r, weights_bytes);
    if (valid && d.weights_dtype == QK_S16) {
        weights = make_wide_weights(&r, weights_bytes / sizeof(int16_t));
        if (hostile) valid = spoil_weight(&r, weights, weights_bytes / sizeof(int16_t));
    }
    d.weights = weights;
    qk_epilogue e = make_epilogue(&r, channels_out, 0, hostile);
    valid = valid && is_valid_epilogue(&e);

    uint8_t *x = valid ? make_bytes(&r, x_bytes) : NULL;
    const size_t y_bytes = valid ? y_elements * qk_dtype_size(e.dtype) : 0;
    uint8_t *expected = exact(y_bytes), *y = exact(y_bytes);
    if (valid) define(&d, &e, height_out, width_out, x, expected);
    EACH_ISA(i) {
        qk_op *op = NULL;
        const qk_status status = qk_conv2d_create(&d, &e, &op);
        if (!valid) {
            REQUIRE(status == QK_ERROR_ARGUMENT && !op);
            continue;
        }
        /* padding far beyond the image may want more scratch than there is */
        const int vast = d.pad_left > MOST_BYTES || d.pad_right > MOST_BYTES;
        REQUIRE(status == QK_OK || (vast && (status == QK_ERROR_ARGUMENT || status == QK_ERROR_MEMORY)));
        if (status != QK_OK) continue;
        memset(y, 0x5a, y_bytes);
        const qk_status ran = qk_op_run(op, (const void *[]){x}, y, 0);
        REQUIRE(ran == QK_OK || (vast && ran == QK_ERROR_MEMORY));
        if (ran == QK_OK) REQUIRE(memcmp(y, expected, y_bytes) == 0);
        qk_op_destroy(op);
    }
    free(zero_points), free(weights), free(x), free(expected), free(y), free_epilogue(&e);
    return 0;
}
