/* The first convolution of an image network: 3x3, stride 2, 3 channels. A task is a few output rows. */
#include "conv2d.h"
#include <string.h>

struct conv {
    qk_op op;
    struct qk_conv_shape shape;
    const struct qk_conv_first_kernel *kernel;
    void *packed;
    uint8_t pad[3]; /* the zero point of each input channel */
    size_t row_bytes; /* of a padded image row */
    struct qk_requant requant;
};

enum { ROWS_A_TASK = 4, BUFFER_ROWS = 2 * ROWS_A_TASK + 1 };

struct loop {
    const struct conv *c;
    const uint8_t *src;
    uint8_t *dst, *scratch;
    size_t tasks_an_image;
};

/* Image row `row`, or padding where there is none, with the padding left and right of it. */
static void pad_row(const struct conv *c, const uint8_t *image, size_t row, uint8_t *to) {
    const qk_conv2d_desc *s = &c->shape.desc;
    const size_t columns = s->pad_left + s->width + s->pad_right;
    const size_t width = row < s->height ? s->width : 0; /* of the image in this row, from pad_left on */
    for (size_t x = 0; x < s->pad_left; x++) memcpy(to + 3 * x, c->pad, 3);
    for (size_t x = s->pad_left + width; x < columns; x++) memcpy(to + 3 * x, c->pad, 3);
    if (width) memcpy(to + 3 * s->pad_left, image + row * s->width * 3, 3 * width);
}

static void task(void *context, size_t index, size_t thread) {
    const struct loop *l = context;
    const struct conv *c = l->c;
    const qk_conv2d_desc *s = &c->shape.desc;
    const size_t image = index / l->tasks_an_image, first = index % l->tasks_an_image * ROWS_A_TASK;
    const uint8_t *input = l->src + image * s->height * s->width * 3;
    const size_t out_row = c->shape.width_out * s->channels_out;
    uint8_t *output = l->dst + image * c->shape.height_out * out_row;
    uint8_t *buffer = l->scratch + thread * c->op.scratch_per_thread;
    const size_t rows_out = qk_min(ROWS_A_TASK, c->shape.height_out - first);
    for (size_t i = 0; i < 2 * rows_out + 1; i++)
        pad_row(c, input, 2 * first + i - s->pad_top, buffer + i * c->row_bytes); /* wraps around above the image */
    const struct qk_conv_first_rows rows = {buffer, c->row_bytes, rows_out, c->shape.width_out, s->channels_out,
                                            output + first * out_row};
    c->kernel->run(&rows, c->packed, &c->requant);
}

static void run(const qk_op *op, const void *const *src, void *dst, size_t rows, uint8_t *scratch) {
    const struct conv *c = (const struct conv *)op;
    (void)rows;
    struct loop l = {c, src[0], dst, scratch, (c->shape.height_out + ROWS_A_TASK - 1) / ROWS_A_TASK};
    qk_parallel_for(c->shape.desc.batch * l.tasks_an_image, task, &l);
}

static void destroy(qk_op *op) {
    struct conv *c = (struct conv *)op;
    qk_aligned_free(c->packed);
    qk_aligned_free(c);
}

qk_status qk_conv2d_first_create(const struct qk_conv_shape *shape, const int16_t *weights, const qk_epilogue *epilogue,
                                 qk_op **op) {
    const qk_conv2d_desc *s = &shape->desc;
    struct conv *c = qk_aligned_alloc(sizeof *c);
    if (!c) return QK_ERROR_MEMORY;
    c->kernel = qk_current_kernels()->conv_first;
    c->shape = *shape;
    for (size_t i = 0; i < 3; i++) c->pad[i] = (uint8_t)s->input_zero_point[i];
    const size_t image_bytes = qk_times(3, s->pad_left + s->width + s->pad_right);
    c->row_bytes = qk_round_up(qk_plus(qk_plus(image_bytes, qk_times(6, shape->width_out)), 64), 64);
    c->op = (qk_op){.implementation = c->kernel->name, .scratch_per_thread = qk_times(BUFFER_ROWS, c->row_bytes), .run = run,
                    .destroy = destroy, .n_inputs = 1};
    c->requant = qk_epilogue_requant(epilogue);
    c->requant.bounded = qk_is_bounded(QK_CONV_FIRST_TAPS, 255, s->channels_out, epilogue->bias, epilogue->multiplier);
    c->packed = qk_aligned_alloc(c->kernel->packed_bytes(s->channels_out));
    if (!c->packed) {
        destroy(&c->op);
        return QK_ERROR_MEMORY;
    }
    c->kernel->pack(s->channels_out, weights, epilogue->bias, epilogue->multiplier, c->packed);
    *op = &c->op;
    return QK_OK;
}
