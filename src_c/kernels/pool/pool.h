/* Contract of the pooling kernel: acc[c] = bias + sum over pixels of x[pixel * stride + c], c in [0, channels). */
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

#endif
