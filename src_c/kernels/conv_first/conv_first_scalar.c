/* The definition of the first convolution. */
#include "conv_first.h"
#include <string.h>

struct parameters {
    const float *multiplier;
    const int32_t *bias;
    const int16_t *weights; /* (27, channels) */
};

static size_t packed_bytes(size_t channels) {
    return channels * (sizeof(float) + sizeof(int32_t) + QK_CONV_FIRST_TAPS * sizeof(int16_t));
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
    memcpy((void *)to.weights, weights, channels * QK_CONV_FIRST_TAPS * sizeof *weights);
}

static void run(const struct qk_conv_first_rows *rows, const void *packed, const struct qk_requant *r) {
    const struct parameters p = unpack(packed, rows->channels);
    uint8_t *out = rows->out;
    for (size_t y = 0; y < rows->rows_out; y++)
        for (size_t x = 0; x < rows->width_out; x++)
            for (size_t c = 0; c < rows->channels; c++) {
                uint32_t sum = (uint32_t)p.bias[c];
                for (size_t i = 0; i < 3; i++)
                    for (size_t j = 0; j < 9; j++) {
                        const uint8_t q = rows->image[(2 * y + i) * rows->image_stride + 6 * x + j];
                        sum += (uint32_t)(q * p.weights[(9 * i + j) * rows->channels + c]);
                    }
                *out++ = qk_round_to_byte(qk_activate((float)(int32_t)sum * p.multiplier[c], r), r);
            }
}

const struct qk_conv_first_kernel qk_conv_first_u8s8_scalar = {"conv_first_u8s8_scalar", run, packed_bytes, pack};
