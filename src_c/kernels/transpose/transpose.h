/* Contract of the transposition: dst[column][row] = src[row][column]. */
#ifndef QK_KERNELS_TRANSPOSE_H
#define QK_KERNELS_TRANSPOSE_H

#include <stddef.h>
#include <stdint.h>

/* Strides count elements from one row to the next: of src, columns or more; of dst, rows or more. */
typedef void qk_transpose_u8_fn(const uint8_t *src, size_t src_stride, uint8_t *dst, size_t dst_stride, size_t rows,
                                size_t columns);
typedef void qk_transpose_u32_fn(const uint32_t *src, size_t src_stride, uint32_t *dst, size_t dst_stride, size_t rows,
                                 size_t columns);

qk_transpose_u8_fn qk_transpose_u8_scalar;
qk_transpose_u32_fn qk_transpose_u32_scalar;

#endif
