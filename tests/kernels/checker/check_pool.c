/* The sum and the maximum of a window: all channels of several vectors, gaps between pixels and between rows, windows of more
 * pixels than 16 bits can add up. */
#include "cases.h"
#include "memory.h"
#include "slots.h"

struct window {
    size_t channels, rows, row_stride, columns, column_stride;
    uint8_t *x;
};

static struct window any_window(void) {
    struct window w = {.channels = swept(1, 200)};
    const size_t most = below(10) ? 8 : 24;
    w.rows = between(1, most), w.columns = between(1, most);
    w.column_stride = w.channels + below(2) * below(70);
    w.row_stride = w.columns * w.column_stride + below(2) * below(70);
    describe("channels=%zu rows=%zu columns=%zu column_stride=%zu row_stride=%zu", w.channels, w.rows, w.columns,
             w.column_stride, w.row_stride);
    const size_t bytes = (w.rows - 1) * w.row_stride + (w.columns - 1) * w.column_stride + w.channels;
    w.x = input(bytes);
    fill_bytes(w.x, bytes);
    return w;
}

void check_window_sum(const struct qk_kernels *scalar, const struct qk_kernels *tested) {
    const struct window w = any_window();
    const int32_t bias = (int32_t)below(1 << 20) - (1 << 19);
    const struct outputs acc = outputs(w.channels * sizeof(int32_t));
    seal();
    scalar->window_sum(w.x, w.rows, w.row_stride, w.columns, w.column_stride, w.channels, bias, acc.expected);
    tested->window_sum(w.x, w.rows, w.row_stride, w.columns, w.column_stride, w.channels, bias, acc.got);
    compare(acc, w.channels * sizeof(int32_t));
}

void check_window_max(const struct qk_kernels *scalar, const struct qk_kernels *tested) {
    const struct window w = any_window();
    const struct outputs out = outputs(w.channels);
    seal();
    scalar->window_max(w.x, w.rows, w.row_stride, w.columns, w.column_stride, w.channels, out.expected);
    tested->window_max(w.x, w.rows, w.row_stride, w.columns, w.column_stride, w.channels, out.got);
    compare(out, w.channels);
}
