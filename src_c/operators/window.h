/* Windows of poolings, of which some reach into the padding. */
#ifndef QK_WINDOW_H
#define QK_WINDOW_H

#include "op.h"

/* Along one axis: `extent` elements with padding before and after, windows of `kernel`, `stride` from one to the next. */
struct qk_axis { size_t extent, kernel, stride, before, after; };

/* The elements of a window that are inside. */
struct qk_window { size_t first, n; };

static inline size_t qk_windows(const struct qk_axis *a) {
    return (a->extent + a->before + a->after - a->kernel) / a->stride + 1;
}

static inline struct qk_window qk_window_at(const struct qk_axis *a, size_t index) {
    const size_t begin = index * a->stride, end = begin + a->kernel;
    const size_t first = begin > a->before ? begin - a->before : 0;
    const size_t last = end > a->before ? qk_min(end - a->before, a->extent) : 0;
    return (struct qk_window){first, last > first ? last - first : 0};
}

/* Whether there are windows, each with an element inside: the first and the last are those that might have none. */
static inline int qk_is_windowed(const struct qk_axis *a) {
    const size_t all = qk_plus(a->extent, qk_plus(a->before, a->after));
    return a->extent && a->kernel && a->stride && all != QK_TOO_MANY && all >= a->kernel && qk_window_at(a, 0).n &&
           qk_window_at(a, qk_windows(a) - 1).n;
}

static inline size_t qk_pooled_bytes(size_t batch, size_t height, size_t width, size_t channels) {
    return qk_times(qk_times(batch, height), qk_times(width, channels));
}

#endif
