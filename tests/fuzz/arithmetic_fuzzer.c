/* Sums and products of two tensors of every shape that is allowed, and of absurd ones. */
#include "reader.h"

enum { MOST_BYTES = 1 << 16 };

static uint8_t define(const qk_arithmetic_desc *d, uint8_t a, uint8_t b) {
    const float x = (float)(a - d->zero_point_a), y = (float)(b - d->zero_point_b);
    const float first = x * d->scale_a, second = y * d->scale_b;
    const float v = d->operation == QK_ADD ? first + second : x * y * d->scale_a;
    return (uint8_t)(int32_t)fmin(fmax(rint((double)v) + d->zero_point, d->lo), d->hi); /* a NaN becomes lo */
}

static void spoil(struct reader *r, qk_arithmetic_desc *d) {
    size_t *const sizes[] = {&d->images, &d->pixels, &d->channels};
    switch (between(r, 0, 3)) {
    case 0: d->zero_point_a = any_int(r); break;
    case 1: d->zero_point_b = any_int(r); break;
    case 2: d->operation = (qk_operation)take(r, 1); break;
    default:
        for (size_t n = between(r, 1, 3); n; n--) *sizes[between(r, 0, 2)] = absurd_size(r);
    }
}

static int is_valid(const qk_arithmetic_desc *d, const qk_epilogue *e) {
    const size_t bytes = PRODUCT(d->images, d->pixels, d->channels);
    return bytes && bytes != SIZE_MAX && (d->operation == QK_ADD || d->operation == QK_MULTIPLY) && d->zero_point_a >= 0 &&
           d->zero_point_a <= 255 && d->zero_point_b >= 0 && d->zero_point_b <= 255 &&
           (e->dtype == QK_U8 || e->dtype == QK_S8) && is_valid_epilogue(e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct reader r = {data, size};
    choose_threads(&r);
    qk_epilogue e = make_epilogue(&r, 1, 1, one_in(&r, 8));
    e.activation = QK_ACTIVATION_NONE; /* neither has one */
    qk_arithmetic_desc d = {
        .operation = (qk_operation)between(&r, 0, 1), .images = between(&r, 1, 3), .pixels = between(&r, 1, 60),
        .channels = between(&r, 1, 300), .one_pixel_b = one_in(&r, 2), .zero_point_a = (int32_t)between(&r, 0, 255),
        .zero_point_b = (int32_t)between(&r, 0, 255), .scale_a = any_float(&r), .scale_b = any_float(&r),
        .zero_point = e.zero_point, .lo = e.lo, .hi = e.hi, .dtype = e.dtype};
    if (one_in(&r, 4)) spoil(&r, &d);
    const int valid = is_valid(&d, &e);
    const size_t bytes = PRODUCT(d.images, d.pixels, d.channels);
    const int runs = valid && bytes <= MOST_BYTES;
    const size_t bytes_b = !runs ? 0 : d.one_pixel_b ? d.images * d.channels : bytes;
    uint8_t *a = make_bytes(&r, runs ? bytes : 0), *b = make_bytes(&r, bytes_b);
    uint8_t *expected = exact(runs ? bytes : 0), *out = exact(runs ? bytes : 0);
    for (size_t i = 0; runs && i < bytes; i++) {
        const size_t pixel = d.one_pixel_b ? i / (d.pixels * d.channels) : i / d.channels;
        expected[i] = define(&d, a[i], b[pixel * d.channels + i % d.channels]);
    }
    EACH_ISA(i) {
        qk_op *op = NULL;
        REQUIRE(qk_arithmetic_create(&d, &op) == (valid ? QK_OK : QK_ERROR_ARGUMENT));
        REQUIRE(valid ? qk_op_inputs(op) == 2 : !op);
        if (runs) {
            memset(out, 0x5a, bytes);
            REQUIRE(qk_op_run(op, (const void *[]){a, b}, out, 0) == QK_OK);
            REQUIRE(memcmp(out, expected, bytes) == 0);
        }
        qk_op_destroy(op);
    }
    free(a), free(b), free(expected), free(out), free_epilogue(&e);
    return 0;
}
