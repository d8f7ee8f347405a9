/* Contract of the first convolution: 3x3, stride 2, 3 channels, a few rows of output pixels.
 *
 * `image` is of padded pixels, 2 * rows_out + 1 rows of them `image_stride` bytes apart: pixel x of output row y needs the
 * nine bytes from 6 * x on of rows 2 * y, 2 * y + 1 and 2 * y + 2. Rows are readable for 6 * width_out + 64 bytes.
 * rows_out * width_out pixels of `channels` bytes are written, side by side.
 */
#ifndef QK_KERNELS_CONV_FIRST_H
#define QK_KERNELS_CONV_FIRST_H

#include "../requant.h"
#include <stddef.h>
#include <stdint.h>

enum { QK_CONV_FIRST_TAPS = 27 };

struct qk_conv_first_rows {
    const uint8_t *image;
    size_t image_stride, rows_out, width_out, channels;
    uint8_t *out;
};
typedef void qk_conv_first_fn(const struct qk_conv_first_rows *rows, const void *packed, const struct qk_requant *requant);

/* Packed parameters: whatever the kernel wants, 64-byte aligned. `weights` is (27, channels), rows of the patch in natural
 * order, such that qk_conv_first_takes them; bias and multiplier per channel. */
typedef size_t qk_conv_first_packed_bytes_fn(size_t channels);
typedef void qk_conv_first_pack_fn(size_t channels, const int16_t *weights, const int32_t *bias, const float *multiplier,
                                   void *packed);

/* What int8 cannot hold of weights (uint8 ones less their zero point) must be in one row and fit int8: kernels have room for a
 * 28th tap. Returns the row, QK_CONV_FIRST_TAPS if int8 holds all, and more than that if the weights are not taken. */
static inline size_t qk_conv_first_wide_row(size_t channels, const int16_t *weights) {
    size_t found = QK_CONV_FIRST_TAPS;
    for (size_t row = 0; row < QK_CONV_FIRST_TAPS; row++)
        for (size_t c = 0; c < channels; c++) {
            const int w = weights[row * channels + c];
            if (w >= -128 && w <= 127) continue;
            if ((found != QK_CONV_FIRST_TAPS && found != row) || w < -256 || w > 254) return QK_CONV_FIRST_TAPS + 1;
            found = row;
        }
    return found;
}
static inline int qk_conv_first_takes(size_t channels, const int16_t *weights) {
    return qk_conv_first_wide_row(channels, weights) <= QK_CONV_FIRST_TAPS;
}

struct qk_conv_first_kernel {
    const char *name;
    qk_conv_first_fn *run;
    qk_conv_first_packed_bytes_fn *packed_bytes;
    qk_conv_first_pack_fn *pack;
};

extern const struct qk_conv_first_kernel qk_conv_first_u8s8_scalar;
extern const struct qk_conv_first_kernel qk_conv_first_u8s8_6x16_avx2;
extern const struct qk_conv_first_kernel qk_conv_first_u8s8_8x32_avx512vnni;

#endif
