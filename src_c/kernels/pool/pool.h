/* Contract of the pooling kernels, over the pixels of a window, c in [0, channels):
 *
 *   window_sum  acc[c] = bias + the sum of x[pixel * stride + c]
 *   window_max  out[c] = the largest x[pixel * stride + c]
 */
#ifndef QK_KERNELS_POOL_H
#define QK_KERNELS_POOL_H

#include <stddef.h>
#include <stdint.h>

/* `rows` rows of `columns` pixels; strides in bytes. At most 2^23 pixels. */
typedef void qk_window_sum_fn(const uint8_t *x, size_t rows, size_t row_stride, size_t columns, size_t column_stride,
                              size_t channels, int32_t bias, int32_t *acc);

qk_window_sum_fn qk_window_sum_scalar;
qk_window_sum_fn qk_window_sum_avx2;
qk_window_sum_fn qk_window_sum_avx512vnni;

/* At least one pixel. */
typedef void qk_window_max_fn(const uint8_t *x, size_t rows, size_t row_stride, size_t columns, size_t column_stride,
                              size_t channels, uint8_t *out);

qk_window_max_fn qk_window_max_scalar;
qk_window_max_fn qk_window_max_avx2;
qk_window_max_fn qk_window_max_avx512vnni;

#endif
