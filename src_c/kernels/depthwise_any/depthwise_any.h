/* Contract of the depthwise kernels of any size: one or a few output rows, all columns and channels.
 *
 * Input rows are given by pointer: a row of padding is the zero points of the channels, met again in every column, so no
 * padded copy of the image is ever made; dilation from row to row is the caller's choice of rows. Columns outside [0, width) read `pad` too.
 */
#ifndef QK_KERNELS_DEPTHWISE_ANY_H
#define QK_KERNELS_DEPTHWISE_ANY_H

#include "../requant.h"
#include <stddef.h>
#include <stdint.h>

enum { QK_DEPTHWISE_ANY_ROWS = 4 };

/* What is packed for: the same from call to call. */
struct qk_depthwise_any_shape {
    size_t channels, kernel_h, kernel_w; /* none is 0 */
    size_t stride_h; /* input rows from an output row to the next; 0 where rows are dilated: one output row a call */
    size_t stride_w, dilation_w;
};

struct qk_depthwise_any_rows {
    const uint8_t *const *row; /* at column 0; output row y reads kernel_h of them from y * stride_h on */
    const size_t *moves;       /* as many: all ones, or 0 for a row of padding, which is the same in every column */
    const uint8_t *pad;        /* `channels` bytes: the zero point of each channel */
    size_t width;              /* input columns */
    size_t pad_left;           /* column x of the output reads input columns x * stride_w - pad_left + j * dilation_w */
    size_t width_out;
    size_t rows_out; /* 1..rows_a_call */
    uint8_t *out[QK_DEPTHWISE_ANY_ROWS]; /* at column 0; columns `channels` bytes apart */
    void *scratch;   /* scratch_bytes, 64-byte aligned; what it holds matters neither before nor after */
};

/* Exactly the named bytes are read and written. */
typedef void qk_depthwise_any_fn(const struct qk_depthwise_any_shape *shape, const struct qk_depthwise_any_rows *rows,
                                 const void *packed, const struct qk_requant *requant);
typedef size_t qk_depthwise_any_size_fn(const struct qk_depthwise_any_shape *shape);

/* Packed parameters: whatever the kernel wants, 64-byte aligned. `weights` is (kernel_h, kernel_w, channels), within
 * -255..255: uint8 ones less their zero point; bias and multiplier per channel. */
typedef size_t qk_depthwise_any_packed_bytes_fn(const struct qk_depthwise_any_shape *shape, const int16_t *weights);
typedef void qk_depthwise_any_pack_fn(const struct qk_depthwise_any_shape *shape, const int16_t *weights,
                                      const int32_t *bias, const float *multiplier, void *packed);

struct qk_depthwise_any_kernel {
    const char *name;
    qk_depthwise_any_fn *run;
    qk_depthwise_any_size_fn *rows_a_call; /* at most QK_DEPTHWISE_ANY_ROWS */
    qk_depthwise_any_size_fn *scratch_bytes;
    qk_depthwise_any_packed_bytes_fn *packed_bytes;
    qk_depthwise_any_pack_fn *pack;
};

extern const struct qk_depthwise_any_kernel qk_depthwise_any_u8s8_scalar;
extern const struct qk_depthwise_any_kernel qk_depthwise_any_u8s8_avx2;
extern const struct qk_depthwise_any_kernel qk_depthwise_any_u8s8_avx512vnni;

#endif
