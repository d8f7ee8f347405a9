/* Average pooling: a task is one output pixel, all channels. */
#include "window.h"

struct pool {
    qk_op op;
    qk_average_pool_desc desc;
    struct qk_axis down, across;
    size_t height_out, width_out;
    const struct qk_kernels *kernels;
    struct qk_requant requant;
};

struct loop {
    const struct pool *p;
    const uint8_t *src;
    uint8_t *dst, *scratch;
};

static void task(void *context, size_t index, size_t thread) {
    const struct loop *l = context;
    const struct pool *p = l->p;
    const qk_average_pool_desc *d = &p->desc;
    const size_t x = index % p->width_out, y = index / p->width_out % p->height_out;
    const size_t image = index / (p->width_out * p->height_out), row_stride = d->width * d->channels;
    const struct qk_window rows = qk_window_at(&p->down, y), columns = qk_window_at(&p->across, x);
    const size_t whole = d->kernel_h * d->kernel_w, n = rows.n * columns.n;
    const float multiplier = d->exclude_pad && n < whole ? d->multiplier * ((float)whole / (float)n) : d->multiplier;
    int32_t *acc = (int32_t *)(l->scratch + thread * p->op.scratch_per_thread);
    const uint8_t *from = l->src + (image * d->height + rows.first) * row_stride + columns.first * d->channels;
    p->kernels->window_sum(from, rows.n, row_stride, columns.n, d->channels, d->channels, -d->input_zero_point * (int32_t)n,
                           acc);
    p->kernels->requantize(acc, l->dst + index * d->channels, d->channels, multiplier, &p->requant);
}

static void run(const qk_op *op, const void *const *src, void *dst, size_t rows, uint8_t *scratch) {
    const struct pool *p = (const struct pool *)op;
    (void)rows;
    struct loop l = {p, src[0], dst, scratch};
    qk_parallel_for(p->desc.batch * p->height_out * p->width_out, task, &l);
}

static void destroy(qk_op *op) {
    qk_aligned_free(op);
}

qk_status qk_average_pool_create(const qk_average_pool_desc *desc, qk_op **op) {
    const qk_average_pool_desc *d = desc;
    const struct qk_axis down = {d->height, d->kernel_h, d->stride_h, d->pad_top, d->pad_bottom};
    const struct qk_axis across = {d->width, d->kernel_w, d->stride_w, d->pad_left, d->pad_right};
    if (!d->batch || !d->channels || !qk_is_windowed(&down) || !qk_is_windowed(&across) ||
        qk_times(d->kernel_h, d->kernel_w) > 1u << 23 || !qk_are_zero_points(&d->input_zero_point, 1, QK_U8) ||
        !qk_is_requantization(d->dtype, d->zero_point, d->lo, d->hi))
        return QK_ERROR_ARGUMENT;
    const size_t src_bytes = qk_pooled_bytes(d->batch, d->height, d->width, d->channels);
    const size_t dst_bytes = qk_pooled_bytes(d->batch, qk_windows(&down), qk_windows(&across), d->channels);
    if (src_bytes == QK_TOO_MANY || dst_bytes == QK_TOO_MANY)
        return QK_ERROR_ARGUMENT;
    struct pool *p = qk_aligned_alloc(sizeof *p);
    if (!p) return QK_ERROR_MEMORY;
    p->desc = *d;
    p->down = down, p->across = across;
    p->height_out = qk_windows(&down), p->width_out = qk_windows(&across);
    p->op = (qk_op){.implementation = "average_pool_u8", .run = run, .destroy = destroy, .n_inputs = 1, .src_bytes = {src_bytes},
                    .scratch_per_thread = qk_round_up(qk_times(d->channels, sizeof(int32_t)), 64), .dst_bytes = dst_bytes};
    p->kernels = qk_current_kernels();
    p->requant = qk_make_requant(d->dtype, d->zero_point, d->lo, d->hi);
    *op = &p->op;
    return QK_OK;
}
