/* Depthwise 3x3: a task is one output row, or two that share input rows if the stride is 1. */
#include "conv2d.h"
#include <string.h>

struct depthwise {
    qk_op op;
    struct qk_conv_shape shape;
    const struct qk_depthwise_kernel *kernel;
    void *packed;
    uint8_t *pad; /* the zero point of each channel */
    struct qk_requant requant;
};

struct loop {
    const struct depthwise *d;
    const uint8_t *src;
    uint8_t *dst;
    size_t rows_a_task, tasks_an_image;
};

static void task(void *context, size_t index, size_t thread) {
    const struct loop *l = context;
    const struct depthwise *d = l->d;
    const qk_conv2d_desc *s = &d->shape.desc;
    (void)thread;
    const size_t image = index / l->tasks_an_image, y = index % l->tasks_an_image * l->rows_a_task;
    const uint8_t *input = l->src + image * s->height * s->width * s->channels_in;
    const size_t out_row = d->shape.width_out * s->channels_out;
    uint8_t *output = l->dst + (image * d->shape.height_out + y) * out_row;
    struct qk_depthwise_rows rows = {.pad = d->pad, .channels = s->channels_in, .width = s->width, .pad_left = s->pad_left,
                                     .width_out = d->shape.width_out, .stride = s->stride_h,
                                     .rows_out = qk_min(l->rows_a_task, d->shape.height_out - y)};
    for (size_t i = 0; i < rows.rows_out + 2; i++) {
        const size_t row = y * s->stride_h + i - s->pad_top; /* wraps around above the image */
        rows.row[i] = row < s->height ? input + row * s->width * s->channels_in : d->pad;
        rows.step[i] = row < s->height ? s->channels_in : 0;
    }
    for (size_t i = 0; i < rows.rows_out; i++) rows.out[i] = output + i * out_row;
    d->kernel->run(&rows, d->packed, &d->requant);
}

static void run(const qk_op *op, const void *const *src, void *dst, size_t rows, uint8_t *scratch) {
    const struct depthwise *d = (const struct depthwise *)op;
    (void)rows, (void)scratch;
    struct loop l = {d, src[0], dst, d->shape.desc.stride_h == 1 ? 2 : 1, 0};
    l.tasks_an_image = (d->shape.height_out + l.rows_a_task - 1) / l.rows_a_task;
    qk_parallel_for(d->shape.desc.batch * l.tasks_an_image, task, &l);
}

static void destroy(qk_op *op) {
    struct depthwise *d = (struct depthwise *)op;
    qk_aligned_free(d->packed);
    qk_aligned_free(d->pad);
    qk_aligned_free(d);
}

qk_status qk_conv2d_depthwise_create(const struct qk_conv_shape *shape, const int16_t *weights, const qk_epilogue *epilogue,
                                     qk_op **op) {
    const qk_conv2d_desc *s = &shape->desc;
    struct depthwise *d = qk_aligned_alloc(sizeof *d);
    if (!d) return QK_ERROR_MEMORY;
    d->kernel = qk_current_kernels()->depthwise;
    d->op = (qk_op){.implementation = d->kernel->name, .run = run, .destroy = destroy, .n_inputs = 1};
    d->shape = *shape;
    d->requant = qk_epilogue_requant(epilogue);
    d->requant.bounded = qk_is_bounded(9, 255, s->channels_in, epilogue->bias, epilogue->multiplier);
    d->packed = qk_aligned_alloc(d->kernel->packed_bytes(s->channels_in, weights));
    d->pad = qk_aligned_alloc(s->channels_in);
    if (!d->packed || !d->pad) {
        destroy(&d->op);
        return QK_ERROR_MEMORY;
    }
    for (size_t c = 0; c < s->channels_in; c++) d->pad[c] = (uint8_t)s->input_zero_point[c];
    d->kernel->pack(s->channels_in, weights, epilogue->bias, epilogue->multiplier, d->packed);
    *op = &d->op;
    return QK_OK;
}
