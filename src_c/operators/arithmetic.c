/* Sum and product of two quantized tensors. The second may have one pixel an image, as squeeze-and-excite's factors do. */
#include "op.h"
#include <math.h>

enum { CHUNK = 1 << 14 }; /* bytes a task */

struct arithmetic {
    qk_op op;
    qk_arithmetic_fn *kernel;
    struct qk_arithmetic parameters;
    size_t images, pixels, channels; /* of a; b has the same, or one pixel */
    int broadcast;
};

struct loop {
    const struct arithmetic *a;
    const uint8_t *first, *second;
    uint8_t *dst;
    size_t total, image;
};

static void task(void *context, size_t index, size_t thread) {
    const struct loop *l = context;
    const struct arithmetic *a = l->a;
    (void)thread;
    size_t at = index * CHUNK;
    const size_t end = qk_min(at + CHUNK, l->total);
    if (!a->broadcast) {
        a->kernel(l->first + at, l->second + at, l->dst + at, end - at, &a->parameters);
        return;
    }
    while (at < end) { /* to the end of a pixel */
        const size_t channel = at % a->channels, n = qk_min(a->channels - channel, end - at);
        a->kernel(l->first + at, l->second + at / l->image * a->channels + channel, l->dst + at, n, &a->parameters);
        at += n;
    }
}

static void run(const qk_op *op, const void *const *src, void *dst, size_t rows, uint8_t *scratch) {
    const struct arithmetic *a = (const struct arithmetic *)op;
    (void)rows, (void)scratch;
    struct loop l = {a, src[0], src[1], dst, a->images * a->pixels * a->channels, a->pixels * a->channels};
    qk_parallel_for((l.total + CHUNK - 1) / CHUNK, task, &l);
}

static void destroy(qk_op *op) {
    qk_aligned_free(op);
}

qk_status qk_arithmetic_create(const qk_arithmetic_desc *desc, qk_op **op) {
    const qk_arithmetic_desc *d = desc;
    const size_t bytes = qk_times(qk_times(d->images, d->pixels), d->channels);
    const int32_t zero_points[] = {d->zero_point_a, d->zero_point_b};
    if (bytes == 0 || bytes == QK_TOO_MANY || (d->operation != QK_ADD && d->operation != QK_MULTIPLY) ||
        !qk_are_zero_points(zero_points, 2, QK_U8) || !qk_is_requantization(d->dtype, d->zero_point, d->lo, d->hi))
        return QK_ERROR_ARGUMENT;
    struct arithmetic *a = qk_aligned_alloc(sizeof *a);
    if (!a) return QK_ERROR_MEMORY;
    const struct qk_kernels *kernels = qk_current_kernels();
    const int product = d->operation == QK_MULTIPLY;
    a->op = (qk_op){.implementation = product ? "multiply_u8" : "add_u8", .run = run, .destroy = destroy, .n_inputs = 2,
                    .src_bytes = {bytes, d->one_pixel_b ? d->images * d->channels : bytes}, .dst_bytes = bytes};
    a->kernel = product ? kernels->multiply : kernels->add;
    a->parameters = (struct qk_arithmetic){d->zero_point_a, d->zero_point_b, d->scale_a, d->scale_b,
                                           qk_make_requant(d->dtype, d->zero_point, d->lo, d->hi)};
    /* no product or sum leaves int32: see requant.h; |q - zero point| is at most 255 */
    const double largest = product ? 255.0 * 255 * fabs(d->scale_a) : 255.0 * (fabs(d->scale_a) + fabs(d->scale_b));
    a->parameters.requant.bounded = largest < 1 << 30;
    a->images = d->images, a->pixels = d->pixels, a->channels = d->channels;
    a->broadcast = d->one_pixel_b && d->pixels > 1;
    *op = &a->op;
    return QK_OK;
}
