/* Convolutions on the matrix product. Pointwise: the image is the matrix. Otherwise the patches of a block of output pixels
 * are gathered as rows of a matrix in the thread's scratch, group by group.
 */
#include "conv2d.h"
#include "matmul.h"
#include <string.h>

struct product {
    struct qk_matrix matrix;
    struct qk_columns columns;
};

struct conv {
    qk_op op;
    struct qk_conv_shape shape;
    struct product *groups;
    struct qk_requant requant;
    qk_dtype dtype;
    uint8_t *pad; /* the zero point of each input channel */
    size_t patch_stride, block_pixels, patch_bytes; /* of gathered patches; of a block of them in scratch */
};

static void destroy(qk_op *op) {
    struct conv *c = (struct conv *)op;
    for (size_t g = 0; c->groups && g < c->shape.desc.groups; g++) {
        qk_matrix_free(&c->groups[g].matrix);
        qk_columns_free(&c->groups[g].columns);
    }
    qk_aligned_free(c->groups);
    qk_aligned_free(c->pad);
    qk_aligned_free(c);
}

/* The weights are a matrix (k, channels_out), of which each group has its columns. */
static qk_status create(const struct qk_conv_shape *shape, size_t k, const void *matrix, const qk_epilogue *epilogue,
                        struct conv **created) {
    const qk_conv2d_desc *s = &shape->desc;
    struct conv *c = qk_aligned_alloc(sizeof *c);
    if (!c) return QK_ERROR_MEMORY;
    c->shape = *shape;
    c->dtype = epilogue->dtype;
    c->requant = qk_epilogue_requant(epilogue);
    c->groups = qk_aligned_alloc(qk_times(s->groups, sizeof *c->groups));
    c->pad = qk_aligned_alloc(s->channels_in);
    qk_status status = c->groups && c->pad ? QK_OK : QK_ERROR_MEMORY;
    for (size_t i = 0; status == QK_OK && i < s->channels_in; i++) c->pad[i] = (uint8_t)s->input_zero_point[i];
    const size_t n = s->channels_out / s->groups;
    const struct qk_gemm_weights all = {matrix, (ptrdiff_t)s->channels_out, 1, qk_dtype_size(s->weights_dtype), 0};
    struct qk_gemm_weights weights = all;
    for (size_t g = 0; status == QK_OK && g < s->groups; g++) {
        qk_epilogue part = *epilogue;
        part.bias += g * n;
        if (part.multiplier) part.multiplier += g * n;
        weights.data = qk_gemm_weights_at(&all, 0, g * n);
        status = qk_matrix_pack(&c->groups[g].matrix, qk_current_kernels(), k, n, &weights);
        if (status == QK_OK) status = qk_columns_make(&c->groups[g].columns, &c->groups[g].matrix, &part, 0);
    }
    if (status != QK_OK) {
        destroy(&c->op);
        return status;
    }
    c->op.destroy = destroy;
    c->op.n_inputs = 1;
    c->op.implementation = c->groups[0].matrix.kernel->name;
    *created = c;
    return QK_OK;
}

/* --- pointwise --- */

static void run_pointwise(const qk_op *op, const void *const *src, void *dst, size_t rows, uint8_t *scratch) {
    const struct conv *c = (const struct conv *)op;
    const qk_conv2d_desc *s = &c->shape.desc;
    (void)rows;
    qk_matmul(&c->groups[0].matrix, &c->groups[0].columns, &c->requant, qk_gemm_out(c->dtype), src[0], s->channels_in,
              s->batch * s->height * s->width, dst, s->channels_out * qk_dtype_size(c->dtype), scratch);
}

qk_status qk_conv2d_pointwise_create(const struct qk_conv_shape *shape, const qk_epilogue *epilogue, qk_op **op) {
    struct conv *c;
    const qk_status status = create(shape, shape->desc.channels_in, shape->desc.weights, epilogue, &c);
    if (status != QK_OK) return status;
    c->op.run = run_pointwise;
    c->op.scratch_per_thread = qk_matmul_scratch(&c->groups[0].matrix);
    *op = &c->op;
    return QK_OK;
}

/* --- gathered --- */

struct loop {
    const struct conv *c;
    const uint8_t *src;
    uint8_t *dst, *scratch;
    size_t block_pixels, blocks_an_image;
};

/* The patch of output pixel (y, x) for the channels of group g, kernel position by kernel position. A row of the kernel that
 * lies side by side inside the image is one copy. */
static void gather_patch(const struct conv *c, const uint8_t *image, size_t y, size_t x, size_t g, uint8_t *patch) {
    const qk_conv2d_desc *s = &c->shape.desc;
    const size_t channels = s->channels_in / s->groups, first = g * channels, row_bytes = s->kernel_w * channels;
    const size_t left = x * s->stride_w - s->pad_left; /* columns and rows wrap around outside the image */
    const int together = s->groups == 1 && s->dilation_w == 1 && left < s->width && s->width - left >= s->kernel_w;
    for (size_t i = 0; i < s->kernel_h; i++, patch += row_bytes) {
        const size_t row = y * s->stride_h + i * s->dilation_h - s->pad_top;
        if (together && row < s->height) {
            memcpy(patch, image + (row * s->width + left) * channels, row_bytes);
            continue;
        }
        for (size_t j = 0; j < s->kernel_w; j++) {
            const size_t column = left + j * s->dilation_w;
            const int inside = row < s->height && column < s->width;
            memcpy(patch + j * channels,
                   inside ? image + (row * s->width + column) * s->channels_in + first : c->pad + first, channels);
        }
    }
}

static void gather_task(void *context, size_t index, size_t thread) {
    const struct loop *l = context;
    const struct conv *c = l->c;
    const qk_conv2d_desc *s = &c->shape.desc;
    const size_t pixels = c->shape.height_out * c->shape.width_out;
    const size_t image = index / l->blocks_an_image, from = index % l->blocks_an_image * l->block_pixels;
    const size_t to = qk_min(from + l->block_pixels, pixels);
    const uint8_t *input = l->src + image * s->height * s->width * s->channels_in;
    const size_t size = qk_dtype_size(c->dtype), n = s->channels_out / s->groups;
    uint8_t *patches = l->scratch + thread * c->op.scratch_per_thread;
    for (size_t g = 0; g < s->groups; g++) {
        for (size_t pixel = from; pixel < to; pixel++)
            gather_patch(c, input, pixel / c->shape.width_out, pixel % c->shape.width_out, g,
                         patches + (pixel - from) * c->patch_stride);
        const struct product *p = &c->groups[g];
        qk_matmul_block(&p->matrix, &p->columns, &c->requant, qk_gemm_out(c->dtype), patches, c->patch_stride, to - from,
                        l->dst + ((image * pixels + from) * s->channels_out + g * n) * size, s->channels_out * size, 0,
                        p->matrix.panels, patches + c->patch_bytes);
    }
}

static void run_gathered(const qk_op *op, const void *const *src, void *dst, size_t rows, uint8_t *scratch) {
    const struct conv *c = (const struct conv *)op;
    (void)rows;
    const size_t pixels = c->shape.height_out * c->shape.width_out;
    struct loop l = {c, src[0], dst, scratch, c->block_pixels, (pixels + c->block_pixels - 1) / c->block_pixels};
    const size_t threads = (size_t)qk_get_num_threads();
    if (l.blocks_an_image * c->shape.desc.batch % threads) { /* smaller ones, that every thread gets as many */
        const size_t blocks = qk_round_up(l.blocks_an_image, threads), even = (pixels + blocks - 1) / blocks;
        l.block_pixels = qk_min(qk_round_up(even, c->groups[0].matrix.kernel->mr), c->block_pixels);
        l.blocks_an_image = (pixels + l.block_pixels - 1) / l.block_pixels;
    }
    qk_parallel_for(c->shape.desc.batch * l.blocks_an_image, gather_task, &l);
}

qk_status qk_conv2d_gathered_create(const struct qk_conv_shape *shape, const qk_epilogue *epilogue, qk_op **op) {
    const qk_conv2d_desc *s = &shape->desc;
    struct conv *c;
    const size_t taps = s->kernel_h * s->kernel_w * (s->channels_in / s->groups);
    const size_t row_bytes = s->channels_out * qk_dtype_size(s->weights_dtype);
    /* rows of zeros make k a multiple of four, for which kernels are fastest; what a patch has there does not matter */
    const size_t k = qk_round_up(taps, 4);
    void *weights = qk_aligned_alloc(qk_times(k, row_bytes));
    if (!weights) return QK_ERROR_MEMORY;
    memcpy(weights, s->weights, taps * row_bytes);
    const qk_status status = create(shape, k, weights, epilogue, &c);
    qk_aligned_free(weights);
    if (status != QK_OK) return status;
    const struct qk_matrix *matrix = &c->groups[0].matrix;
    const struct qk_gemm_kernel *kernel = matrix->kernel;
    c->patch_stride = k;
    c->block_pixels = qk_min(qk_matmul_block_rows(matrix, shape->height_out * shape->width_out), 196);
    c->patch_bytes = qk_round_up(c->block_pixels * c->patch_stride, 64);
    const size_t pack_bytes = kernel->pack_a ? c->block_pixels * qk_gemm_pack_a_stride(kernel, matrix->k) : 0;
    c->op.run = run_gathered;
    c->op.scratch_per_thread = qk_round_up(c->patch_bytes + pack_bytes, 64);
    *op = &c->op;
    return QK_OK;
}
