/* The ways to run a convolution; conv2d.c chooses among them. */
#ifndef QK_CONV2D_H
#define QK_CONV2D_H

#include "op.h"

struct qk_conv_shape {
    qk_conv2d_desc desc; /* weights and input_zero_point are the caller's and unset after creation */
    size_t height_out, width_out;
};

/* `bias` has the input's zero points folded in; `weights` are the desc's. */
qk_status qk_conv2d_depthwise_create(const struct qk_conv_shape *shape, const int16_t *weights, const qk_epilogue *epilogue,
                                     qk_op **op);
qk_status qk_conv2d_depthwise_any_create(const struct qk_conv_shape *shape, const int16_t *weights,
                                         const qk_epilogue *epilogue, qk_op **op);
qk_status qk_conv2d_first_create(const struct qk_conv_shape *shape, const int16_t *weights, const qk_epilogue *epilogue,
                                 qk_op **op);
qk_status qk_conv2d_pointwise_create(const struct qk_conv_shape *shape, const qk_epilogue *epilogue, qk_op **op);
qk_status qk_conv2d_gathered_create(const struct qk_conv_shape *shape, const qk_epilogue *epilogue, qk_op **op);

#endif
