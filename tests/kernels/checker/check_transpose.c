/* Transposition, against its definition: all numbers of rows and columns of several tiles, gaps on both sides. */
#include "cases.h"
#include "memory.h"
#include "slots.h"

struct matrix {
    size_t rows, columns, src_stride, dst_stride;
    uint8_t *src;
    struct outputs dst;
    size_t dst_bytes;
};

static struct matrix any_matrix(size_t element_bytes) {
    struct matrix m = {.rows = swept(1, 68), .columns = swept(1, 68)};
    m.src_stride = m.columns + below(2) * below(20);
    m.dst_stride = m.rows + below(2) * below(20);
    describe("rows=%zu columns=%zu src_stride=%zu dst_stride=%zu", m.rows, m.columns, m.src_stride, m.dst_stride);
    const size_t src_bytes = ((m.rows - 1) * m.src_stride + m.columns) * element_bytes;
    m.dst_bytes = ((m.columns - 1) * m.dst_stride + m.rows) * element_bytes;
    m.src = input(src_bytes);
    for (size_t i = 0; i < src_bytes; i++) m.src[i] = (uint8_t)next_random();
    m.dst = outputs(m.dst_bytes);
    seal();
    for (size_t i = 0; i < m.rows; i++)
        for (size_t j = 0; j < m.columns; j++)
            for (size_t e = 0; e < element_bytes; e++)
                ((uint8_t *)m.dst.expected)[(j * m.dst_stride + i) * element_bytes + e] =
                    m.src[(i * m.src_stride + j) * element_bytes + e];
    return m;
}

void check_transpose_u8(const struct qk_kernels *scalar, const struct qk_kernels *tested) {
    const struct matrix m = any_matrix(sizeof(uint8_t));
    (void)scalar;
    tested->transpose_u8(m.src, m.src_stride, m.dst.got, m.dst_stride, m.rows, m.columns);
    compare(m.dst, m.dst_bytes);
}

void check_transpose_u32(const struct qk_kernels *scalar, const struct qk_kernels *tested) {
    const struct matrix m = any_matrix(sizeof(uint32_t));
    (void)scalar;
    tested->transpose_u32((const uint32_t *)m.src, m.src_stride, m.dst.got, m.dst_stride, m.rows, m.columns);
    compare(m.dst, m.dst_bytes);
}
