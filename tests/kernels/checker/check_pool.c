/* The sum of a window: all channels of several vectors, gaps between pixels and between rows, windows of more pixels than
 * 16 bits can add up. */
#include "cases.h"
#include "memory.h"
#include "slots.h"

void check_window_sum(const struct qk_kernels *scalar, const struct qk_kernels *tested) {
    const size_t channels = swept(1, 200), most = below(10) ? 8 : 24;
    const size_t rows = between(1, most), columns = between(1, most);
    const size_t column_stride = channels + below(2) * below(70);
    const size_t row_stride = columns * column_stride + below(2) * below(70);
    describe("channels=%zu rows=%zu columns=%zu column_stride=%zu row_stride=%zu", channels, rows, columns, column_stride,
             row_stride);
    const size_t bytes = (rows - 1) * row_stride + (columns - 1) * column_stride + channels;
    uint8_t *x = input(bytes);
    fill_bytes(x, bytes);
    const int32_t bias = (int32_t)below(1 << 20) - (1 << 19);
    const struct outputs acc = outputs(channels * sizeof(int32_t));
    seal();
    scalar->window_sum(x, rows, row_stride, columns, column_stride, channels, bias, acc.expected);
    tested->window_sum(x, rows, row_stride, columns, column_stride, channels, bias, acc.got);
    compare(acc, channels * sizeof(int32_t));
}
