/* The definition of the depthwise 3x3 convolution. */
#include "depthwise.h"
#include <string.h>

struct parameters {
    const float *multiplier;
    const int32_t *bias;
    const int16_t *weights; /* (3, 3, channels) */
};

static size_t packed_bytes(size_t channels, const int16_t *weights) {
    (void)weights;
    return channels * (sizeof(float) + sizeof(int32_t) + 9 * sizeof *weights);
}

static struct parameters unpack(const void *packed, size_t channels) {
    const float *multiplier = packed;
    const int32_t *bias = (const int32_t *)(multiplier + channels);
    return (struct parameters){multiplier, bias, (const int16_t *)(bias + channels)};
}

static void pack(size_t channels, const int16_t *weights, const int32_t *bias, const float *multiplier, void *packed) {
    const struct parameters to = unpack(packed, channels);
    memcpy((void *)to.multiplier, multiplier, channels * sizeof *multiplier);
    memcpy((void *)to.bias, bias, channels * sizeof *bias);
    memcpy((void *)to.weights, weights, channels * 9 * sizeof *weights);
}

static void run(const struct qk_depthwise_rows *rows, const void *packed, const struct qk_requant *r) {
    const struct parameters p = unpack(packed, rows->channels);
    for (size_t y = 0; y < rows->rows_out; y++)
        for (size_t x = 0; x < rows->width_out; x++)
            for (size_t c = 0; c < rows->channels; c++) {
                uint32_t sum = (uint32_t)p.bias[c];
                for (size_t i = 0; i < 3; i++)
                    for (size_t j = 0; j < 3; j++) {
                        const size_t column = x * rows->stride + j - rows->pad_left; /* wraps around left of the image */
                        const uint8_t *input = column < rows->width ? rows->row[y + i] + column * rows->step[y + i] : rows->pad;
                        sum += (uint32_t)(input[c] * p.weights[(i * 3 + j) * rows->channels + c]);
                    }
                rows->out[y][x * rows->channels + c] = qk_round_to_byte(qk_activate((float)(int32_t)sum * p.multiplier[c], r), r);
            }
}

const struct qk_depthwise_kernel qk_depthwise3x3_u8s8_scalar = {"depthwise3x3_u8s8_scalar", run, packed_bytes, pack};
