/* The definition of the depthwise convolution of any size. */
#include "depthwise_any.h"
#include <string.h>

struct parameters {
    const float *multiplier;
    const int32_t *bias;
    const int16_t *weights; /* (kernel_h, kernel_w, channels) */
};

static size_t weights_bytes(const struct qk_depthwise_any_shape *s) {
    return s->kernel_h * s->kernel_w * s->channels * sizeof(int16_t);
}

static size_t packed_bytes(const struct qk_depthwise_any_shape *s, const int16_t *weights) {
    (void)weights;
    return s->channels * (sizeof(float) + sizeof(int32_t)) + weights_bytes(s);
}

static size_t rows_a_call(const struct qk_depthwise_any_shape *s) {
    (void)s;
    return 1;
}

static size_t scratch_bytes(const struct qk_depthwise_any_shape *s) {
    (void)s;
    return 0;
}

static struct parameters unpack(const void *packed, size_t channels) {
    const float *multiplier = packed;
    const int32_t *bias = (const int32_t *)(multiplier + channels);
    return (struct parameters){multiplier, bias, (const int16_t *)(bias + channels)};
}

static void pack(const struct qk_depthwise_any_shape *s, const int16_t *weights, const int32_t *bias,
                 const float *multiplier, void *packed) {
    const struct parameters to = unpack(packed, s->channels);
    memcpy((void *)to.multiplier, multiplier, s->channels * sizeof *multiplier);
    memcpy((void *)to.bias, bias, s->channels * sizeof *bias);
    memcpy((void *)to.weights, weights, weights_bytes(s));
}

static void run(const struct qk_depthwise_any_shape *s, const struct qk_depthwise_any_rows *rows, const void *packed,
                const struct qk_requant *r) {
    const struct parameters p = unpack(packed, s->channels);
    for (size_t y = 0; y < rows->rows_out; y++) {
        const uint8_t *const *row = rows->row + y * s->stride_h;
        const size_t *moves = rows->moves + y * s->stride_h;
        for (size_t x = 0; x < rows->width_out; x++)
            for (size_t c = 0; c < s->channels; c++) {
                uint32_t sum = (uint32_t)p.bias[c];
                for (size_t i = 0; i < s->kernel_h; i++)
                    for (size_t j = 0; j < s->kernel_w; j++) {
                        /* wraps around left of the image */
                        const size_t column = x * s->stride_w + j * s->dilation_w - rows->pad_left;
                        const uint8_t *input = column < rows->width ? row[i] + (column * s->channels & moves[i]) : rows->pad;
                        sum += (uint32_t)(input[c] * p.weights[(i * s->kernel_w + j) * s->channels + c]);
                    }
                rows->out[y][x * s->channels + c] = qk_round_to_byte(qk_activate((float)(int32_t)sum * p.multiplier[c], r), r);
            }
    }
}

const struct qk_depthwise_any_kernel qk_depthwise_any_u8s8_scalar = {"depthwise_any_u8s8_scalar", run, rows_a_call,
                                                                     scratch_bytes, packed_bytes, pack};
