/* Average pooling without padding: a task is one output pixel, all channels. */
#include "op.h"

struct pool {
    qk_op op;
    qk_average_pool_desc desc;
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
    int32_t *acc = (int32_t *)(l->scratch + thread * p->op.scratch_per_thread);
    const uint8_t *from = l->src + (image * d->height + y * d->stride_h) * row_stride + x * d->stride_w * d->channels;
    p->kernels->window_sum(from, d->kernel_h, row_stride, d->kernel_w, d->channels, d->channels,
                           -d->input_zero_point * (int32_t)(d->kernel_h * d->kernel_w), acc);
    p->kernels->requantize(acc, l->dst + index * d->channels, d->channels, d->multiplier, &p->requant);
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
    if (!d->batch || !d->channels || !d->kernel_h || !d->kernel_w || !d->stride_h || !d->stride_w ||
        d->height < d->kernel_h || d->width < d->kernel_w || qk_times(d->kernel_h, d->kernel_w) > 1u << 23)
        return QK_ERROR_ARGUMENT;
    /* the output is no larger than the input */
    const size_t row_bytes = qk_times(d->width, d->channels), src_bytes = qk_times(qk_times(d->batch, d->height), row_bytes);
    if (src_bytes == QK_TOO_MANY || !qk_are_zero_points(&d->input_zero_point, 1, QK_U8) ||
        !qk_is_requantization(d->dtype, d->zero_point, d->lo, d->hi))
        return QK_ERROR_ARGUMENT;
    struct pool *p = qk_aligned_alloc(sizeof *p);
    if (!p) return QK_ERROR_MEMORY;
    p->desc = *d;
    p->height_out = (d->height - d->kernel_h) / d->stride_h + 1;
    p->width_out = (d->width - d->kernel_w) / d->stride_w + 1;
    p->op = (qk_op){.implementation = "average_pool_u8", .run = run, .destroy = destroy, .n_inputs = 1, .src_bytes = {src_bytes},
                    .scratch_per_thread = qk_round_up(qk_times(d->channels, sizeof(int32_t)), 64),
                    .dst_bytes = d->batch * p->height_out * p->width_out * d->channels};
    p->kernels = qk_current_kernels();
    p->requant = qk_make_requant(d->dtype, d->zero_point, d->lo, d->hi);
    *op = &p->op;
    return QK_OK;
}
