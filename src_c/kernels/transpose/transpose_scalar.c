/* Three rows, the colours of an image, are written column by column; otherwise a tile's lines stay in the first-level cache. */
#include "transpose.h"

enum { TILE = 32 };

#define DEFINE(name, type)                                                                                             \
    void name(const type *src, size_t src_stride, type *dst, size_t dst_stride, size_t rows, size_t columns) {         \
        if (rows == 3) {                                                                                               \
            const type *r0 = src, *r1 = src + src_stride, *r2 = src + 2 * src_stride;                                  \
            for (size_t j = 0; j < columns; j++, dst += dst_stride) dst[0] = r0[j], dst[1] = r1[j], dst[2] = r2[j];    \
            return;                                                                                                    \
        }                                                                                                              \
        for (size_t i0 = 0; i0 < rows; i0 += TILE)                                                                     \
            for (size_t j0 = 0; j0 < columns; j0 += TILE)                                                              \
                for (size_t j = j0; j < columns && j < j0 + TILE; j++)                                                 \
                    for (size_t i = i0; i < rows && i < i0 + TILE; i++)                                                \
                        dst[j * dst_stride + i] = src[i * src_stride + j];                                             \
    }
DEFINE(qk_transpose_u8_scalar, uint8_t)
DEFINE(qk_transpose_u32_scalar, uint32_t)
