/* Contract of the depthwise 3x3 kernels: one or two output rows, all columns, a block of channels.
 *
 * Input rows are given by pointer, each with its own step from column to column: a row of padding is the zero points of
 * the channels with step 0, so no padded copy of the image is ever made. Columns outside [0, width) read `pad` too.
 *
 * Two output rows (stride 1 only) share the four input rows they need; the reason is that a column of four interleaved
 * bytes feeds six dot products instead of three.
 */
#ifndef QK_KERNELS_DEPTHWISE_H
#define QK_KERNELS_DEPTHWISE_H

#include "../requant.h"
#include <stddef.h>
#include <stdint.h>

struct qk_depthwise_rows {
    const uint8_t *row[4]; /* at column 0 of the image; row[3] is read only if rows_out == 2 (else it may be NULL) */
    size_t step[4];        /* bytes from a column to the next: channels, or 0 for a row of padding */
    const uint8_t *pad;    /* `channels` bytes: the zero point of each channel */
    size_t channels;
    size_t width;     /* input columns */
    size_t pad_left;  /* column x of the output reads input columns x * stride - pad_left + {0, 1, 2} */
    size_t width_out;
    size_t stride;    /* 1 or 2 */
    size_t rows_out;  /* 1, or 2 if stride is 1 */
    uint8_t *out[2];  /* at column 0; columns `channels` bytes apart */
};

/* `weights`, `bias` and `multiplier` as made by the pack function; exactly the named bytes are read and written. */
typedef void qk_depthwise_fn(const struct qk_depthwise_rows *rows, const void *packed, const struct qk_requant *requant);

/* Packed parameters: whatever the kernel wants, 64-byte aligned. `weights` is (3, 3, channels), within -255..255: uint8
 * ones less their zero point; bias and multiplier per channel. */
typedef size_t qk_depthwise_packed_bytes_fn(size_t channels, const int16_t *weights);
typedef void qk_depthwise_pack_fn(size_t channels, const int16_t *weights, const int32_t *bias, const float *multiplier,
                                  void *packed);

struct qk_depthwise_kernel {
    const char *name;
    qk_depthwise_fn *run;
    qk_depthwise_packed_bytes_fn *packed_bytes;
    qk_depthwise_pack_fn *pack;
};

extern const struct qk_depthwise_kernel qk_depthwise3x3_u8s8_scalar;
extern const struct qk_depthwise_kernel qk_depthwise3x3_u8s8_avx2;
extern const struct qk_depthwise_kernel qk_depthwise3x3_u8s8_avx512vnni;

#endif
