/* The first convolution: all channels of several vectors, all widths of several tiles and some of more than a piece. */
#include "cases.h"
#include "memory.h"
#include "slots.h"

struct channels {
    uint8_t *weights;
    int32_t *bias;
    float *multiplier;
};

static void *pack(const struct qk_conv_first_kernel *kernel, size_t channels, const struct channels *of) {
    void *packed = input((kernel->packed_bytes(channels) + 63) / 64 * 64); /* 64-byte aligned at either end */
    kernel->pack(channels, (const int8_t *)of->weights, of->bias, of->multiplier, packed);
    return packed;
}

void check_conv_first(const struct qk_kernels *scalar, const struct qk_kernels *tested) {
    struct qk_conv_first_rows rows = {.rows_out = between(1, 3), .channels = swept(1, 70)};
    rows.width_out = swept(1, 40) + (below(8) ? 0 : between(80, 120));
    describe("%s channels=%zu width_out=%zu rows_out=%zu", tested->conv_first->name, rows.channels, rows.width_out,
             rows.rows_out);
    rows.image_stride = 6 * rows.width_out + 64 + below(2) * below(30);
    const size_t image_bytes = 2 * rows.rows_out * rows.image_stride + 6 * rows.width_out + 64;
    uint8_t *image = input(image_bytes);
    fill_bytes(image, image_bytes);
    rows.image = image;
    const struct channels of = {input(QK_CONV_FIRST_TAPS * rows.channels), input(4 * rows.channels),
                                input(4 * rows.channels)};
    fill_bytes(of.weights, QK_CONV_FIRST_TAPS * rows.channels);
    fill_ints(of.bias, rows.channels), fill_multipliers(of.multiplier, rows.channels);
    struct qk_requant requant = any_requant();
    requant.bounded = below(4) && qk_is_bounded(QK_CONV_FIRST_TAPS, rows.channels, of.bias, of.multiplier);
    seal();
    const void *scalar_packed = pack(scalar->conv_first, rows.channels, &of);
    const void *packed = pack(tested->conv_first, rows.channels, &of);
    const size_t bytes = rows.rows_out * rows.width_out * rows.channels;
    const struct outputs out = outputs(bytes);
    seal();
    rows.out = out.expected;
    scalar->conv_first->run(&rows, scalar_packed, &requant);
    rows.out = out.got;
    tested->conv_first->run(&rows, packed, &requant);
    compare(out, bytes);
}
