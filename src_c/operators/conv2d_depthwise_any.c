/* Depthwise of any kernel, stride, dilation and padding: a task is as many output rows as the kernel makes of shared input
 * rows. */
#include "conv2d.h"

struct depthwise {
    qk_op op;
    struct qk_conv_shape shape;
    struct qk_depthwise_any_shape packed_for;
    const struct qk_depthwise_any_kernel *kernel;
    void *packed;
    uint8_t *pad; /* the zero point of each channel */
    size_t rows_a_task, row_bytes, moves_bytes; /* of a thread's lists of rows and of whether they move */
    struct qk_requant requant;
};

struct loop {
    const struct depthwise *d;
    const uint8_t *src;
    uint8_t *dst, *scratch;
    size_t tasks_an_image;
};

static void task(void *context, size_t index, size_t thread) {
    const struct loop *l = context;
    const struct depthwise *d = l->d;
    const qk_conv2d_desc *s = &d->shape.desc;
    const size_t image = index / l->tasks_an_image, y = index % l->tasks_an_image * d->rows_a_task;
    const uint8_t *input = l->src + image * s->height * s->width * s->channels_in;
    const size_t out_row = d->shape.width_out * s->channels_out;
    uint8_t *output = l->dst + (image * d->shape.height_out + y) * out_row;
    uint8_t *scratch = l->scratch + thread * d->op.scratch_per_thread;
    const uint8_t **row = (const uint8_t **)scratch;
    size_t *moves = (size_t *)(scratch + d->row_bytes);
    struct qk_depthwise_any_rows rows = {
        .row = row, .moves = moves, .pad = d->pad, .width = s->width, .pad_left = s->pad_left, .width_out = d->shape.width_out,
        .rows_out = qk_min(d->rows_a_task, d->shape.height_out - y), 
        .scratch = scratch + d->row_bytes + d->moves_bytes};
    for (size_t i = 0; i < rows.rows_out; i++) rows.out[i] = output + i * out_row;
    for (size_t i = 0; i < (rows.rows_out - 1) * d->packed_for.stride_h + s->kernel_h; i++) {
        const size_t at = y * s->stride_h + i * s->dilation_h - s->pad_top; /* wraps around above the image */
        row[i] = at < s->height ? input + at * s->width * s->channels_in : d->pad;
        moves[i] = at < s->height ? ~(size_t)0 : 0;
    }
    d->kernel->run(&d->packed_for, &rows, d->packed, &d->requant);
}

static void run(const qk_op *op, const void *const *src, void *dst, size_t rows, uint8_t *scratch) {
    const struct depthwise *d = (const struct depthwise *)op;
    (void)rows;
    struct loop l = {d, src[0], dst, scratch, (d->shape.height_out + d->rows_a_task - 1) / d->rows_a_task};
    qk_parallel_for(d->shape.desc.batch * l.tasks_an_image, task, &l);
}

static void destroy(qk_op *op) {
    struct depthwise *d = (struct depthwise *)op;
    qk_aligned_free(d->packed);
    qk_aligned_free(d->pad);
    qk_aligned_free(d);
}

qk_status qk_conv2d_depthwise_any_create(const struct qk_conv_shape *shape, const int16_t *weights,
                                         const qk_epilogue *epilogue, qk_op **op) {
    const qk_conv2d_desc *s = &shape->desc;
    struct depthwise *d = qk_aligned_alloc(sizeof *d);
    if (!d) return QK_ERROR_MEMORY;
    d->kernel = qk_current_kernels()->depthwise_any;
    d->shape = *shape;
    d->packed_for = (struct qk_depthwise_any_shape){s->channels_in, s->kernel_h, s->kernel_w,
                                                    s->dilation_h == 1 ? s->stride_h : 0, s->stride_w, s->dilation_w};
    d->rows_a_task = d->kernel->rows_a_call(&d->packed_for);
    const size_t rows = (d->rows_a_task - 1) * d->packed_for.stride_h + s->kernel_h;
    d->row_bytes = qk_round_up(rows * sizeof(const uint8_t *), 64);
    d->moves_bytes = qk_round_up(rows * sizeof(size_t), 64);
    const size_t scratch = d->row_bytes + d->moves_bytes + qk_round_up(d->kernel->scratch_bytes(&d->packed_for), 64);
    d->op = (qk_op){.implementation = d->kernel->name, .scratch_per_thread = scratch, .run = run, .destroy = destroy, .n_inputs = 1};
    d->requant = qk_epilogue_requant(epilogue);
    d->requant.bounded = qk_is_bounded(s->kernel_h * s->kernel_w, 255, s->channels_in, epilogue->bias, epilogue->multiplier);
    d->packed = qk_aligned_alloc(d->kernel->packed_bytes(&d->packed_for, weights));
    d->pad = qk_aligned_alloc(s->channels_in);
    if (!d->packed || !d->pad) {
        destroy(&d->op);
        return QK_ERROR_MEMORY;
    }
    for (size_t c = 0; c < s->channels_in; c++) d->pad[c] = (uint8_t)s->input_zero_point[c];
    d->kernel->pack(&d->packed_for, weights, epilogue->bias, epilogue->multiplier, d->packed);
    *op = &d->op;
    return QK_OK;
}
