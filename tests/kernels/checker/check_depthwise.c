/* Depthwise 3x3: all channels of several vectors, all widths of several tiles, both strides, one row and two, rows of padding
 * above and below, padding left and right. */
#include "cases.h"
#include "memory.h"
#include "slots.h"

struct channels {
    int16_t *weights;
    int32_t *bias;
    float *multiplier;
};

static void *pack(const struct qk_depthwise_kernel *kernel, size_t channels, const struct channels *of) {
    void *packed = input((kernel->packed_bytes(channels, of->weights) + 63) / 64 * 64); /* 64-byte aligned at either end */
    kernel->pack(channels, of->weights, of->bias, of->multiplier, packed);
    return packed;
}

static void place_rows(struct qk_depthwise_rows *rows) {
    uint8_t *pad = input(rows->channels);
    fill_bytes(pad, rows->channels);
    rows->pad = pad;
    for (size_t i = 0; i < rows->rows_out + 2; i++) {
        const int is_padding = below(4) == 0;
        rows->step[i] = is_padding ? 0 : rows->channels;
        if (is_padding) {
            rows->row[i] = pad;
            continue;
        }
        uint8_t *row = input(rows->width * rows->channels);
        fill_bytes(row, rows->width * rows->channels);
        rows->row[i] = row;
    }
}

void check_depthwise(const struct qk_kernels *scalar, const struct qk_kernels *tested) {
    const size_t mode = swept(0, 2);
    struct qk_depthwise_rows rows = {.channels = swept(1, 130), .width = swept(1, 20), .stride = mode == 2 ? 2 : 1,
                                     .rows_out = mode == 1 ? 2 : 1, .pad_left = below(3)};
    rows.width_out = between(1, (rows.width + 4) / rows.stride + 1);
    describe("%s channels=%zu width=%zu width_out=%zu stride=%zu rows_out=%zu pad_left=%zu", tested->depthwise->name,
             rows.channels, rows.width, rows.width_out, rows.stride, rows.rows_out, rows.pad_left);
    place_rows(&rows);
    const struct channels of = {input(2 * 9 * rows.channels), input(4 * rows.channels), input(4 * rows.channels)};
    fill_weights(of.weights, 9 * rows.channels);
    fill_ints(of.bias, rows.channels), fill_multipliers(of.multiplier, rows.channels);
    struct qk_requant requant = any_activated_requant();
    requant.bounded = below(4) && qk_is_bounded(9, 255, rows.channels, of.bias, of.multiplier);
    seal();
    const void *scalar_packed = pack(scalar->depthwise, rows.channels, &of);
    const void *packed = pack(tested->depthwise, rows.channels, &of);
    const size_t out_bytes = rows.width_out * rows.channels;
    struct outputs out[2];
    for (size_t y = 0; y < rows.rows_out; y++) out[y] = outputs(out_bytes);
    seal();
    for (size_t y = 0; y < rows.rows_out; y++) rows.out[y] = out[y].expected;
    scalar->depthwise->run(&rows, scalar_packed, &requant);
    for (size_t y = 0; y < rows.rows_out; y++) rows.out[y] = out[y].got;
    tested->depthwise->run(&rows, packed, &requant);
    for (size_t y = 0; y < rows.rows_out; y++) compare(out[y], out_bytes);
}
