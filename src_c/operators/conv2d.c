/* Checks a convolution, folds the input's zero points into its bias and chooses how to run it. */
#include "conv2d.h"

/* Output rows or columns of n padded ones; 0 where none fit. */
static size_t length_out(size_t n, size_t before, size_t after, size_t kernel, size_t dilation, size_t stride) {
    const size_t padded = qk_plus(qk_plus(n, before), after), extent = qk_plus(qk_times(kernel - 1, dilation), 1);
    return padded == QK_TOO_MANY || padded < extent ? 0 : (padded - extent) / stride + 1;
}

static int has_valid_sizes(const qk_conv2d_desc *d) {
    if (!d->batch || !d->height || !d->width || !d->channels_in || !d->channels_out || !d->groups || !d->kernel_h ||
        !d->kernel_w || !d->stride_h || !d->stride_w || !d->dilation_h || !d->dilation_w)
        return 0;
    if (d->channels_in % d->groups || d->channels_out % d->groups) return 0;
    const size_t weights = qk_times(qk_times(d->kernel_h, d->kernel_w), qk_times(d->channels_in / d->groups, d->channels_out));
    return (d->weights_dtype == QK_S16 || d->weights_dtype == QK_S8) &&
           qk_times(weights, qk_dtype_size(d->weights_dtype)) != QK_TOO_MANY;
}

/* A depthwise kernel prepares columns in a buffer: of what reaches too far, as no network's do, gathering is as good. */
static int is_depthwise(const qk_conv2d_desc *d) {
    enum { FAR = 1 << 12 };
    return d->groups == d->channels_in && d->groups == d->channels_out && d->stride_h <= FAR && d->stride_w <= FAR &&
           qk_times(d->kernel_w, d->dilation_w) <= FAR;
}

static int is_3x3(const qk_conv2d_desc *d) {
    return d->kernel_h == 3 && d->kernel_w == 3 && d->stride_h == d->stride_w && d->stride_h <= 2 && d->dilation_h == 1 &&
           d->dilation_w == 1;
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

static int are_weights(const qk_conv2d_desc *d) {
    const size_t n = d->kernel_h * d->kernel_w * (d->channels_in / d->groups) * d->channels_out;
    for (size_t i = 0; d->weights_dtype == QK_S16 && i < n; i++)
        if (!qk_is_weight(weight(d, i))) return 0;
    return 1;
}

/* The weights of a small kernel as its packer reads them; NULL when there is no memory. */
static int16_t *widen_weights(const qk_conv2d_desc *d) {
    const size_t n = d->kernel_h * d->kernel_w * (d->channels_in / d->groups) * d->channels_out;
    int16_t *wide = qk_aligned_alloc(n * sizeof *wide);
    for (size_t i = 0; wide && i < n; i++) wide[i] = (int16_t)weight(d, i);
    return wide;
}

qk_status qk_conv2d_create(const qk_conv2d_desc *desc, const qk_epilogue *epilogue, qk_op **op) {
    const qk_conv2d_desc *d = desc;
    if (!has_valid_sizes(d) || !qk_is_epilogue(epilogue)) return QK_ERROR_ARGUMENT;
    const struct qk_conv_shape shape = {
        *d, length_out(d->height, d->pad_top, d->pad_bottom, d->kernel_h, d->dilation_h, d->stride_h),
        length_out(d->width, d->pad_left, d->pad_right, d->kernel_w, d->dilation_w, d->stride_w)};
    const size_t src_bytes = qk_times(qk_times(d->batch, d->height), qk_times(d->width, d->channels_in));
    const size_t elements = qk_times(qk_times(d->batch, shape.height_out), qk_times(shape.width_out, d->channels_out));
    if (src_bytes == QK_TOO_MANY || elements == 0 || qk_times(elements, sizeof(float)) == QK_TOO_MANY ||
        !qk_are_zero_points(d->input_zero_point, d->channels_in, QK_U8) || !are_weights(d))
        return QK_ERROR_ARGUMENT;
    const int bytes_out = qk_is_byte(epilogue->dtype);
    const int depthwise = bytes_out && is_depthwise(d), first = bytes_out && is_first(d);
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
    if (depthwise && is_3x3(desc)) status = qk_conv2d_depthwise_create(&shape, wide, &with_folded, op);
    else if (depthwise) status = qk_conv2d_depthwise_any_create(&shape, wide, &with_folded, op);
    else if (first && qk_conv_first_takes(desc->channels_out, wide))
        status = qk_conv2d_first_create(&shape, wide, &with_folded, op);
    else if (is_pointwise(desc)) status = qk_conv2d_pointwise_create(&shape, &with_folded, op);
    else status = qk_conv2d_gathered_create(&shape, &with_folded, op);
    qk_aligned_free(folded);
    qk_aligned_free(wide);
    if (status == QK_OK) {
        (*op)->src_bytes[0] = src_bytes;
        (*op)->dst_bytes = elements * qk_dtype_size(epilogue->dtype);
    }
    return status;
}
