/* Checks a convolution, folds the input's zero points into its bias and chooses how to run it. */
#include "conv2d.h"

static size_t extent(size_t kernel, size_t dilation) {
    return (kernel - 1) * dilation + 1;
}

static int is_valid(const qk_conv2d_desc *d) {
    if (!d->batch || !d->height || !d->width || !d->channels_in || !d->channels_out || !d->groups || !d->kernel_h ||
        !d->kernel_w || !d->stride_h || !d->stride_w || !d->dilation_h || !d->dilation_w)
        return 0;
    if (d->channels_in % d->groups || d->channels_out % d->groups) return 0;
    return d->height + d->pad_top + d->pad_bottom >= extent(d->kernel_h, d->dilation_h) &&
           d->width + d->pad_left + d->pad_right >= extent(d->kernel_w, d->dilation_w);
}

static int is_depthwise3x3(const qk_conv2d_desc *d) {
    return d->groups == d->channels_in && d->groups == d->channels_out && d->kernel_h == 3 && d->kernel_w == 3 &&
           d->stride_h == d->stride_w && d->stride_h <= 2 && d->dilation_h == 1 && d->dilation_w == 1;
}

static int is_first(const qk_conv2d_desc *d) {
    return d->groups == 1 && d->channels_in == 3 && d->kernel_h == 3 && d->kernel_w == 3 && d->stride_h == 2 &&
           d->stride_w == 2 && d->dilation_h == 1 && d->dilation_w == 1;
}

static int is_pointwise(const qk_conv2d_desc *d) {
    return d->groups == 1 && d->kernel_h == 1 && d->kernel_w == 1 && d->stride_h == 1 && d->stride_w == 1 &&
           !d->pad_top && !d->pad_left && !d->pad_bottom && !d->pad_right;
}

static int weight(const qk_conv2d_desc *d, size_t i) {
    return d->weights_dtype == QK_S16 ? ((const int16_t *)d->weights)[i] : ((const int8_t *)d->weights)[i];
}

/* sum (q - zp) w = sum q w - sum zp w, padding counted in because it holds the zero point. Weights are read as they lie,
 * output channels innermost. */
static void fold_zero_points(const qk_conv2d_desc *d, const int32_t *bias, int32_t *folded) {
    const size_t per_group_in = d->channels_in / d->groups, per_group_out = d->channels_out / d->groups;
    for (size_t n = 0; n < d->channels_out; n++) folded[n] = bias ? bias[n] : 0;
    size_t row = 0;
    for (size_t tap = 0; tap < d->kernel_h * d->kernel_w; tap++)
        for (size_t c = 0; c < per_group_in; c++, row += d->channels_out)
            for (size_t g = 0; g < d->groups; g++) {
                const int32_t zero_point = d->input_zero_point[g * per_group_in + c];
                for (size_t n = g * per_group_out; zero_point && n < (g + 1) * per_group_out; n++)
                    folded[n] = (int32_t)((uint32_t)folded[n] - (uint32_t)(zero_point * weight(d, row + n)));
            }
}

/* The weights of a small kernel as its packer reads them; NULL when there is no memory. */
static int16_t *widen_weights(const qk_conv2d_desc *d) {
    const size_t n = d->kernel_h * d->kernel_w * (d->channels_in / d->groups) * d->channels_out;
    int16_t *wide = qk_aligned_alloc(n * sizeof *wide);
    for (size_t i = 0; wide && i < n; i++) wide[i] = (int16_t)weight(d, i);
    return wide;
}

qk_status qk_conv2d_create(const qk_conv2d_desc *desc, const qk_epilogue *epilogue, qk_op **op) {
    if (!is_valid(desc) || (desc->weights_dtype != QK_S8 && desc->weights_dtype != QK_S16)) return QK_ERROR_ARGUMENT;
    const struct qk_conv_shape shape = {
        *desc,
        (desc->height + desc->pad_top + desc->pad_bottom - extent(desc->kernel_h, desc->dilation_h)) / desc->stride_h + 1,
        (desc->width + desc->pad_left + desc->pad_right - extent(desc->kernel_w, desc->dilation_w)) / desc->stride_w + 1};
    const int bytes_out = epilogue->dtype == QK_U8 || epilogue->dtype == QK_S8;
    const int depthwise = bytes_out && is_depthwise3x3(desc), first = bytes_out && is_first(desc);
    int32_t *folded = qk_aligned_alloc(desc->channels_out * sizeof *folded);
    int16_t *wide = depthwise || first ? widen_weights(desc) : NULL;
    if (!folded || ((depthwise || first) && !wide)) {
        qk_aligned_free(folded);
        qk_aligned_free(wide);
        return QK_ERROR_MEMORY;
    }
    fold_zero_points(desc, epilogue->bias, folded);
    qk_epilogue with_folded = *epilogue;
    with_folded.bias = folded;
    qk_status status;
    if (depthwise) status = qk_conv2d_depthwise_create(&shape, wide, &with_folded, op);
    else if (first && qk_conv_first_takes(desc->channels_out, wide))
        status = qk_conv2d_first_create(&shape, wide, &with_folded, op);
    else if (is_pointwise(desc)) status = qk_conv2d_pointwise_create(&shape, &with_folded, op);
    else status = qk_conv2d_gathered_create(&shape, &with_folded, op);
    qk_aligned_free(folded);
    qk_aligned_free(wide);
    return status;
}
