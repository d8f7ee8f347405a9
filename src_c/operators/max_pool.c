/* The largest value of each window, padding left out: a task is one row of output pixels. */
#include "window.h"

struct pool {
    qk_op op;
    qk_max_pool_desc desc;
    struct qk_axis down, across;
    size_t height_out, width_out;
    qk_window_max_fn *kernel;
};

struct loop {
    const struct pool *p;
    const uint8_t *src;
    uint8_t *dst;
};

static void task(void *context, size_t index, size_t thread) {
    const struct loop *l = context;
    const struct pool *p = l->p;
    const qk_max_pool_desc *d = &p->desc;
    (void)thread;
    const struct qk_window rows = qk_window_at(&p->down, index % p->height_out);
    const uint8_t *row = l->src + (index / p->height_out * d->height + rows.first) * d->width * d->channels;
    uint8_t *out = l->dst + index * p->width_out * d->channels;
    for (size_t x = 0; x < p->width_out; x++, out += d->channels) {
        const struct qk_window columns = qk_window_at(&p->across, x);
        p->kernel(row + columns.first * d->channels, rows.n, d->width * d->channels, columns.n, d->channels, d->channels, out);
    }
}

static void run(const qk_op *op, const void *const *src, void *dst, size_t rows, uint8_t *scratch) {
    const struct pool *p = (const struct pool *)op;
    (void)rows, (void)scratch;
    struct loop l = {p, src[0], dst};
    qk_parallel_for(p->desc.batch * p->height_out, task, &l);
}

static void destroy(qk_op *op) {
    qk_aligned_free(op);
}

qk_status qk_max_pool_create(const qk_max_pool_desc *desc, qk_op **op) {
    const qk_max_pool_desc *d = desc;
    const struct qk_axis down = {d->height, d->kernel_h, d->stride_h, d->pad_top, d->pad_bottom};
    const struct qk_axis across = {d->width, d->kernel_w, d->stride_w, d->pad_left, d->pad_right};
    if (!d->batch || !d->channels || !qk_is_windowed(&down) || !qk_is_windowed(&across)) return QK_ERROR_ARGUMENT;
    const size_t src_bytes = qk_pooled_bytes(d->batch, d->height, d->width, d->channels);
    const size_t dst_bytes = qk_pooled_bytes(d->batch, qk_windows(&down), qk_windows(&across), d->channels);
    if (src_bytes == QK_TOO_MANY || dst_bytes == QK_TOO_MANY) return QK_ERROR_ARGUMENT;
    struct pool *p = qk_aligned_alloc(sizeof *p);
    if (!p) return QK_ERROR_MEMORY;
    p->op = (qk_op){.implementation = "max_pool_u8", .run = run, .destroy = destroy, .n_inputs = 1, .src_bytes = {src_bytes},
                    .dst_bytes = dst_bytes};
    p->desc = *d;
    p->down = down, p->across = across;
    p->height_out = qk_windows(&down), p->width_out = qk_windows(&across);
    p->kernel = qk_current_kernels()->window_max;
    *op = &p->op;
    return QK_OK;
}
