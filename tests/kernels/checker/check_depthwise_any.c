/* Depthwise of any size: all channels of two vectors, the sizes that have kernels of their own and others, strides and dilation,
 * as many rows at a time as the kernel makes, rows of padding, padding left and right, more columns than are prepared at once. */
#include "cases.h"
#include "memory.h"
#include "slots.h"

struct channels {
    int16_t *weights;
    int32_t *bias;
    float *multiplier;
};

static void *pack(const struct qk_depthwise_any_kernel *kernel, const struct qk_depthwise_any_shape *s,
                  const struct channels *of) {
    void *packed = input((kernel->packed_bytes(s, of->weights) + 63) / 64 * 64); /* 64-byte aligned at either end */
    kernel->pack(s, of->weights, of->bias, of->multiplier, packed);
    return packed;
}

static void place_rows(const struct qk_depthwise_any_shape *s, struct qk_depthwise_any_rows *rows) {
    const size_t n = s->kernel_h + (rows->rows_out - 1) * s->stride_h;
    const uint8_t **row = input(n * sizeof *row);
    size_t *moves = input(n * sizeof *moves);
    uint8_t *pad = input(s->channels), *image = input(n * rows->width * s->channels);
    fill_bytes(pad, s->channels), fill_bytes(image, n * rows->width * s->channels);
    for (size_t i = 0; i < n; i++) {
        const int is_padding = below(4) == 0;
        moves[i] = is_padding ? 0 : ~(size_t)0;
        row[i] = is_padding ? pad : image + i * rows->width * s->channels;
    }
    rows->row = row, rows->moves = moves, rows->pad = pad;
}

void check_depthwise_any(const struct qk_kernels *scalar, const struct qk_kernels *tested) {
    struct qk_depthwise_any_shape s = {.channels = swept(1, 130), .kernel_h = 5, .kernel_w = 5, .dilation_w = 1};
    s.stride_h = s.stride_w = between(1, 2);
    if (below(2)) {
        s.kernel_h = between(1, 9), s.kernel_w = between(1, s.kernel_h > 5 ? 4 : 9);
        s.stride_h = below(4), s.stride_w = between(1, 3), s.dilation_w = between(1, 3);
    }
    const struct qk_depthwise_any_kernel *kernel = tested->depthwise_any;
    const size_t reach = (s.kernel_w - 1) * s.dilation_w;
    struct qk_depthwise_any_rows rows = {.width = between(1, below(4) ? 12 : 70), .pad_left = below(reach + 2),
                                         .rows_out = between(1, kernel->rows_a_call(&s))};
    rows.width_out = between(1, (rows.width + reach) / s.stride_w + 1);
    describe("%s channels=%zu kernel=%zux%zu stride=%zux%zu dilation=%zu width=%zu width_out=%zu rows_out=%zu pad_left=%zu",
             kernel->name, s.channels, s.kernel_h, s.kernel_w, s.stride_h, s.stride_w, s.dilation_w, rows.width,
             rows.width_out, rows.rows_out, rows.pad_left);
    place_rows(&s, &rows);
    const size_t taps = s.kernel_h * s.kernel_w;
    const struct channels of = {input(taps * s.channels * sizeof(int16_t)), input(4 * s.channels), input(4 * s.channels)};
    fill_weights(of.weights, taps * s.channels);
    fill_ints(of.bias, s.channels), fill_multipliers(of.multiplier, s.channels);
    struct qk_requant requant = any_activated_requant();
    requant.bounded = below(4) && qk_is_bounded(taps, 255, s.channels, of.bias, of.multiplier);
    seal();
    const void *scalar_packed = pack(scalar->depthwise_any, &s, &of), *packed = pack(kernel, &s, &of);
    const size_t out_bytes = rows.width_out * s.channels;
    struct outputs out[QK_DEPTHWISE_ANY_ROWS];
    for (size_t y = 0; y < rows.rows_out; y++) out[y] = outputs(out_bytes);
    rows.scratch = outputs((kernel->scratch_bytes(&s) + 63) / 64 * 64).got;
    seal();
    for (size_t y = 0; y < rows.rows_out; y++) rows.out[y] = out[y].expected;
    scalar->depthwise_any->run(&s, &rows, scalar_packed, &requant);
    for (size_t y = 0; y < rows.rows_out; y++) rows.out[y] = out[y].got;
    kernel->run(&s, &rows, packed, &requant);
    for (size_t y = 0; y < rows.rows_out; y++) compare(out[y], out_bytes);
}
