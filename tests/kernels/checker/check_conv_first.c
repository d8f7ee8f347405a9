/* The first convolution: all channels of several vectors, all widths of several tiles and some of more than a piece. */
#include "cases.h"
#include "memory.h"
#include "slots.h"

struct channels {
    int16_t *weights;
    int32_t *bias;
    float *multiplier;
};

/* int8, and in half of the cases one row beyond it. */
static void fill_rows_of_weights(int16_t *weights, size_t channels) {
    uint8_t *bytes = (uint8_t *)weights + QK_CONV_FIRST_TAPS * channels; /* the upper half, widened from the front */
    fill_bytes(bytes, QK_CONV_FIRST_TAPS * channels);
    for (size_t i = 0; i < QK_CONV_FIRST_TAPS * channels; i++) weights[i] = (int8_t)bytes[i];
    if (below(2)) return;
    int16_t *row = weights + below(QK_CONV_FIRST_TAPS) * channels;
    for (size_t c = 0; c < channels; c++) row[c] = (int16_t)((int)below(511) - 256);
}

static void *pack(const struct qk_conv_first_kernel *kernel, size_t channels, const struct channels *of) {
    void *packed = input((kernel->packed_bytes(channels) + 63) / 64 * 64); /* 64-byte aligned at either end */
    kernel->pack(channels, of->weights, of->bias, of->multiplier, packed);
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
    const struct channels of = {input(2 * QK_CONV_FIRST_TAPS * rows.channels), input(4 * rows.channels),
                                input(4 * rows.channels)};
    fill_rows_of_weights(of.weights, rows.channels);
    if (!qk_conv_first_takes(rows.channels, of.weights)) fail("weights with one row beyond int8 are not taken");
    fill_ints(of.bias, rows.channels), fill_multipliers(of.multiplier, rows.channels);
    struct qk_requant requant = any_activated_requant();
    requant.bounded = below(4) && qk_is_bounded(QK_CONV_FIRST_TAPS, 255, rows.channels, of.bias, of.multiplier);
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
