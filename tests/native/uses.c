#include "uses.h"

enum { HEIGHT = 12, WIDTH = 12, MOST = 1 << 15, CHANNELS = 64 };

static uint8_t bytes[MOST];
static int8_t weights[MOST];
static int16_t wide_weights[MOST]; /* int8 with a few beyond it */
static float floats[MOST], multiplier[CHANNELS], scale[CHANNELS];
static int32_t words[MOST], bias[CHANNELS], zero_point[CHANNELS], weights_zero_point[CHANNELS], no_zero_point[1];
static union {
    uint8_t bytes[4 * MOST];
    float floats[MOST];
    int32_t words[MOST];
} out;

void prepare_uses(void) {
    uint32_t state = 1;
    for (size_t i = 0; i < MOST; i++) {
        state = state * 1664525u + 1013904223u;
        bytes[i] = (uint8_t)(state >> 24);
        weights[i] = (int8_t)(state >> 16);
        wide_weights[i] = i % 50 == 7 ? 255 - 510 * (i % 100 == 7) : weights[i];
        floats[i] = (float)(state >> 8) * 0x1p-20f - 8;
        words[i] = (int32_t)state >> 12;
    }
    for (size_t i = 0; i < CHANNELS; i++) {
        multiplier[i] = 0.001f * (float)(i + 1);
        scale[i] = 0.03f + 0.001f * (float)i;
        bias[i] = (int32_t)i * 37 - 1000;
        zero_point[i] = (int32_t)i;
        weights_zero_point[i] = 120 + (int32_t)i % 9;
    }
}

/* FNV-1a */
static void take_in(uint64_t *digest, size_t n) {
    for (size_t i = 0; i < n; i++) *digest = (*digest ^ out.bytes[i]) * 0x100000001b3u;
}

/* What every operator's use is from here on: of `src` and, if it reads two arrays, of `bytes` from the middle on. `n` bytes
 * come out. */
static qk_status run_and_destroy(qk_status created, qk_op *op, const void *src, size_t rows, size_t n, uint64_t *digest) {
    if (created != QK_OK) return created;
    const qk_status status = qk_op_run(op, (const void *[]){src, bytes + MOST / 2}, out.bytes, rows);
    qk_op_destroy(op);
    if (status == QK_OK) take_in(digest, n);
    return status;
}

static qk_epilogue epilogue(qk_dtype dtype) {
    const int signed_bytes = dtype == QK_S8;
    return (qk_epilogue){.dtype = dtype, .bias = bias, .multiplier = multiplier, .zero_point = signed_bytes ? -3 : 9,
                         .lo = signed_bytes ? -128 : 0, .hi = signed_bytes ? 127 : 255};
}
static qk_epilogue activated(qk_dtype dtype, qk_activation activation) {
    qk_epilogue e = epilogue(dtype);
    e.activation = activation;
    e.activation_scale = 1.7f;
    return e;
}

/* --- affine maps --- */

static qk_status quantize(uint64_t *digest) {
    const qk_affine map = {1, 1, MOST, scale, zero_point, QK_U8};
    qk_op *op;
    const qk_status status = qk_quantize_create(&map, &op);
    return run_and_destroy(status, op, floats, 0, MOST, digest);
}
static qk_status quantize_channels(uint64_t *digest) {
    const qk_affine map = {5, CHANNELS, 7, scale, zero_point, QK_S8};
    qk_op *op;
    const qk_status status = qk_quantize_create(&map, &op);
    return run_and_destroy(status, op, floats, 0, 5 * CHANNELS * 7, digest);
}
static qk_status dequantize(uint64_t *digest) {
    const qk_affine map = {9, CHANNELS, 1, scale, zero_point, QK_S8};
    qk_op *op;
    const qk_status status = qk_dequantize_create(&map, &op);
    return run_and_destroy(status, op, bytes, 0, 4 * 9 * CHANNELS, digest);
}
static qk_status array_functions(uint64_t *digest) {
    const qk_affine map = {3, CHANNELS, 11, scale, zero_point, QK_U8};
    const qk_requantize_map requantize_map = {3, CHANNELS, 11, multiplier, 7, 3, 250, QK_U8};
    const size_t n = 3 * CHANNELS * 11;
    float lo, hi;
    qk_status status = qk_quantize(floats, out.bytes, &map);
    take_in(digest, n);
    if (status == QK_OK) status = qk_dequantize(bytes, out.floats, &map);
    take_in(digest, 4 * n);
    if (status == QK_OK) status = qk_requantize(words, out.bytes, &requantize_map);
    take_in(digest, n);
    const qk_affine wide_map = {3, CHANNELS, 11, scale, zero_point, QK_S16};
    const qk_affine word_map = {1, 1, MOST, scale, no_zero_point, QK_S32};
    if (status == QK_OK) status = qk_quantize(floats, out.bytes, &wide_map);
    take_in(digest, 2 * n);
    if (status == QK_OK) status = qk_dequantize(wide_weights, out.floats, &wide_map);
    take_in(digest, 4 * n);
    if (status == QK_OK) status = qk_dequantize(words, out.floats, &word_map);
    take_in(digest, 4 * MOST);
    qk_minmax(floats, MOST, &lo, &hi);
    out.floats[0] = lo, out.floats[1] = hi;
    take_in(digest, 8);
    return status;
}

/* --- matrix products --- */

static qk_status linear(size_t k, size_t n, size_t m, qk_dtype dtype, uint64_t *digest) {
    const qk_linear_desc desc = {k, n, weights, (ptrdiff_t)n, 1, QK_S8, NULL, 5};
    const qk_epilogue e = epilogue(dtype);
    qk_op *op;
    const qk_status status = qk_linear_create(&desc, &e, &op);
    return run_and_destroy(status, op, bytes, m, m * n * qk_dtype_size(dtype), digest);
}
static qk_status linear_u8(uint64_t *digest) { return linear(65, 40, 50, QK_U8, digest); }
static qk_status linear_s8(uint64_t *digest) { return linear(9, CHANNELS, 7, QK_S8, digest); }
static qk_status linear_f32(uint64_t *digest) { return linear(130, 3, 20, QK_F32, digest); }
static qk_status linear_no_k(uint64_t *digest) { return linear(0, 3, 20, QK_S32, digest); }
static qk_status linear_no_rows(uint64_t *digest) { return linear(5, 3, 0, QK_S32, digest); }

static qk_status linear_wide(uint64_t *digest) {
    const qk_linear_desc desc = {70, 40, wide_weights, 40, 1, QK_S16, NULL, 5};
    const qk_epilogue e = activated(QK_U8, QK_ACTIVATION_HARD_SWISH);
    qk_op *op;
    const qk_status status = qk_linear_create(&desc, &e, &op);
    return run_and_destroy(status, op, bytes, 50, 50 * 40, digest);
}
static qk_status saturations(uint64_t *digest) {
    const uint64_t count = qk_count_saturations(bytes, 20, weights, 61, 33, 33, 1);
    for (size_t i = 0; i < 8; i++) out.bytes[i] = (uint8_t)(count >> 8 * i);
    take_in(digest, 8);
    return count > 0 ? QK_OK : QK_ERROR_ARGUMENT;
}

/* uint8 weights with zero points, transposed */
static qk_status linear_zero_points(uint64_t *digest) {
    const qk_linear_desc desc = {33, 20, weights, 1, 33, QK_U8, weights_zero_point, 5};
    const qk_epilogue e = epilogue(QK_S32);
    qk_op *op;
    const qk_status status = qk_linear_create(&desc, &e, &op);
    return run_and_destroy(status, op, bytes, 17, 17 * 20 * 4, digest);
}

/* One packed matrix, other epilogues from call to call: on the stack, and with too many rows for it. */
static qk_status linear_run(uint64_t *digest) {
    const qk_linear_desc desc = {60, 50, weights, 50, 1, QK_S8, NULL, 0};
    const qk_epilogue first = epilogue(QK_S32), second = epilogue(QK_U8);
    qk_op *op;
    qk_status status = qk_linear_create(&desc, &first, &op);
    if (status != QK_OK) return status;
    status = qk_linear_run(op, &first, 3, QK_U8, bytes, 4, out.bytes);
    take_in(digest, 4 * 50 * 4);
    if (status == QK_OK) status = qk_linear_run(op, &second, -3, QK_S8, bytes, 400, out.bytes);
    if (status == QK_OK) take_in(digest, 400 * 50);
    qk_op_destroy(op);
    return status;
}

/* --- images --- */

static qk_conv2d_desc image(size_t in, size_t out_channels, size_t groups, size_t kernel, size_t stride, size_t pad) {
    return (qk_conv2d_desc){1, HEIGHT, WIDTH, in, out_channels, groups, kernel, kernel, stride, stride, 1, 1,
                            pad, pad, pad, pad, zero_point, weights, QK_S8};
}
static qk_status conv_into(qk_conv2d_desc desc, qk_epilogue e, uint64_t *digest) {
    const size_t height_out = (HEIGHT + 2 * desc.pad_top - (desc.kernel_h - 1) * desc.dilation_h - 1) / desc.stride_h + 1;
    qk_op *op;
    const qk_status status = qk_conv2d_create(&desc, &e, &op);
    const size_t n = height_out * height_out * desc.channels_out * qk_dtype_size(e.dtype);
    return run_and_destroy(status, op, bytes, 0, n, digest);
}
static qk_status conv(qk_conv2d_desc desc, qk_dtype dtype, uint64_t *digest) {
    return conv_into(desc, epilogue(dtype), digest);
}
static qk_status conv_wide(qk_conv2d_desc desc, qk_activation activation, uint64_t *digest) {
    desc.weights = wide_weights, desc.weights_dtype = QK_S16;
    return conv_into(desc, activated(QK_U8, activation), digest);
}
static qk_status conv_depthwise_wide(uint64_t *digest) {
    return conv_wide(image(20, 20, 20, 3, 1, 1), QK_ACTIVATION_HARD_SIGMOID, digest);
}
static qk_status conv_first_wide(uint64_t *digest) { /* too many rows beyond int8 for the kernel of first convolutions */
    return conv_wide(image(3, 24, 1, 3, 2, 1), QK_ACTIVATION_HARD_SWISH, digest);
}
static qk_status conv_gathered_wide(uint64_t *digest) {
    return conv_wide(image(8, 12, 2, 5, 1, 2), QK_ACTIVATION_NONE, digest);
}
static qk_status conv_first_activated(uint64_t *digest) {
    return conv_into(image(3, 24, 1, 3, 2, 1), activated(QK_S8, QK_ACTIVATION_HARD_SWISH), digest);
}
static qk_status conv_depthwise(uint64_t *digest) { return conv(image(20, 20, 20, 3, 1, 1), QK_U8, digest); }
static qk_status conv_depthwise_stride2(uint64_t *digest) { return conv(image(20, 20, 20, 3, 2, 1), QK_S8, digest); }
static qk_status conv_first(uint64_t *digest) { return conv(image(3, 24, 1, 3, 2, 1), QK_U8, digest); }
static qk_status conv_pointwise(uint64_t *digest) { return conv(image(17, 33, 1, 1, 1, 0), QK_U8, digest); }
static qk_status conv_gathered(uint64_t *digest) { return conv(image(8, 12, 1, 5, 1, 2), QK_F32, digest); }
static qk_status conv_groups_dilated(uint64_t *digest) {
    qk_conv2d_desc desc = image(8, 12, 4, 3, 1, 2);
    desc.dilation_h = desc.dilation_w = 2;
    return conv(desc, QK_S32, digest);
}
static const qk_average_pool_desc pool = {1, 6, 6, 8, 6, 6, 1, 1, 9, 0.03f, 4, 0, 255, QK_U8, 0, 0, 0, 0, 0};

static qk_status average_pool(uint64_t *digest) {
    qk_op *op;
    const qk_status status = qk_average_pool_create(&pool, &op);
    return run_and_destroy(status, op, bytes, 0, pool.channels, digest);
}
static qk_status max_pool(uint64_t *digest) {
    const qk_max_pool_desc desc = {2, 9, 7, 70, 3, 3, 2, 2, 1, 1, 1, 1};
    qk_op *op;
    const qk_status status = qk_max_pool_create(&desc, &op);
    return run_and_destroy(status, op, bytes, 0, 2 * 5 * 4 * 70, digest);
}
static const qk_arithmetic_desc sum = {QK_ADD, 1, 6 * 6, 8, 0, 9, 9, 0.5f, 0.75f, 4, 0, 250, QK_U8};

static qk_status add_bytes(uint64_t *digest) {
    qk_op *op;
    const qk_status status = qk_arithmetic_create(&sum, &op);
    return run_and_destroy(status, op, bytes, 0, sum.pixels * sum.channels, digest);
}
static qk_status multiply_by_one_pixel(uint64_t *digest) {
    const qk_arithmetic_desc desc = {QK_MULTIPLY, 2, 30, 100, 1, 3, 200, 0.003f, 0, -5, -100, 127, QK_S8};
    qk_op *op;
    const qk_status status = qk_arithmetic_create(&desc, &op);
    return run_and_destroy(status, op, bytes, 0, 2 * 30 * 100, digest);
}
static qk_status table(uint64_t *digest) {
    qk_op *op;
    const qk_status status = qk_table_create(MOST, bytes, &op);
    return run_and_destroy(status, op, bytes, 0, MOST, digest);
}
static qk_status transpose(uint64_t *digest) {
    qk_op *op;
    const qk_status status = qk_transpose_create(2, 3, 1500, QK_U8, &op);
    return run_and_destroy(status, op, bytes, 0, 2 * 3 * 1500, digest);
}
static qk_status transpose_floats(uint64_t *digest) {
    qk_op *op;
    const qk_status status = qk_transpose_create(3, 37, 41, QK_F32, &op);
    return run_and_destroy(status, op, floats, 0, 4 * 3 * 37 * 41, digest);
}
static qk_status softmax(uint64_t *digest) {
    qk_op *op;
    const qk_status status = qk_softmax_create(3, 100, &op);
    return run_and_destroy(status, op, floats, 0, 4 * 3 * 100, digest);
}

/* --- a plan of every kind of operator --- */

struct network {
    qk_plan *plan;
    qk_status status;
    int last[2]; /* the tensors that the next operator reads: the newest, and if it reads two, the one before */
};

/* `op` is where the operator was created: a pointer, because it is made while the arguments are. */
static void add(struct network *net, qk_status created, qk_op **op, size_t rows, size_t bytes_out) {
    int tensor;
    if (net->status == QK_OK) net->status = created;
    if (net->status != QK_OK) return;
    net->status = qk_plan_add_tensor(net->plan, bytes_out, &tensor);
    if (net->status != QK_OK) {
        qk_op_destroy(*op);
        return;
    }
    net->status = qk_plan_add_op(net->plan, *op, rows, net->last, tensor);
    net->last[1] = net->last[0];
    net->last[0] = tensor;
}
static void add_conv(struct network *net, qk_conv2d_desc desc, size_t size, size_t bytes_out) {
    const qk_epilogue e = epilogue(QK_U8);
    qk_op *op;
    desc.height = desc.width = size;
    if (net->status == QK_OK) add(net, qk_conv2d_create(&desc, &e, &op), &op, 0, bytes_out);
}

enum { N_OPS = 11, CLASSES = 10 };

static void add_layers(struct network *net) {
    const qk_affine map = {1, 1, HEIGHT * WIDTH * 3, scale, zero_point, QK_U8};
    const qk_linear_desc head = {8, CLASSES, weights, CLASSES, 1, QK_S8, NULL, 4};
    const qk_epilogue e = epilogue(QK_F32);
    qk_op *op;
    net->status = qk_plan_add_tensor(net->plan, HEIGHT * WIDTH * 3 * 4, net->last);
    if (net->status == QK_OK) add(net, qk_quantize_create(&map, &op), &op, 0, HEIGHT * WIDTH * 3);
    add_conv(net, image(3, 8, 1, 3, 2, 1), HEIGHT, 6 * 6 * 8);
    add_conv(net, image(8, 8, 8, 3, 1, 1), 6, 6 * 6 * 8);
    add_conv(net, image(8, 16, 1, 1, 1, 0), 6, 6 * 6 * 16);
    add_conv(net, image(16, 8, 1, 3, 1, 1), 6, 6 * 6 * 8);
    if (net->status == QK_OK) add(net, qk_table_create(6 * 6 * 8, bytes, &op), &op, 0, 6 * 6 * 8);
    if (net->status == QK_OK) add(net, qk_arithmetic_create(&sum, &op), &op, 0, 6 * 6 * 8);
    if (net->status == QK_OK) add(net, qk_transpose_create(1, 6, 6 * 8, QK_U8, &op), &op, 0, 6 * 6 * 8);
    if (net->status == QK_OK) add(net, qk_average_pool_create(&pool, &op), &op, 0, 8);
    if (net->status == QK_OK) add(net, qk_linear_create(&head, &e, &op), &op, 1, 4 * CLASSES);
    if (net->status == QK_OK) add(net, qk_softmax_create(1, CLASSES, &op), &op, 0, 4 * CLASSES);
}

static qk_status plan(uint64_t *digest) {
    struct network net = {0};
    uint64_t ns[N_OPS];
    const void *inputs[] = {floats};
    void *outputs[] = {out.bytes};
    const int first = 0, threads = qk_get_num_threads();
    qk_status status = qk_plan_create(&net.plan);
    if (status != QK_OK) return status;
    add_layers(&net);
    status = net.status;
    if (status == QK_OK) status = qk_plan_finish(net.plan, &first, 1, net.last, 1);
    if (status == QK_OK) status = qk_plan_run(net.plan, inputs, outputs, ns);
    if (status == QK_OK) take_in(digest, 4 * CLASSES);
    qk_set_num_threads(threads + 1); /* more scratch than before */
    if (status == QK_OK) status = qk_plan_run(net.plan, inputs, outputs, NULL);
    qk_set_num_threads(threads);
    if (status == QK_OK) take_in(digest, 4 * CLASSES);
    if (status == QK_OK) status = qk_plan_run_op(net.plan, N_OPS - 1, inputs, out.bytes, 3, ns);
    if (status == QK_OK) take_in(digest, 4 * CLASSES);
    qk_plan_destroy(net.plan);
    return status;
}

#define USE(name) {#name, name}
const struct use uses[] = {
    USE(quantize),       USE(quantize_channels),      USE(dequantize),    USE(array_functions), USE(linear_u8),
    USE(linear_s8),      USE(linear_f32),             USE(linear_no_k),   USE(linear_no_rows),  USE(linear_zero_points),
    USE(linear_run),     USE(conv_depthwise),         USE(conv_depthwise_stride2), USE(conv_first), USE(conv_pointwise),
    USE(conv_gathered),  USE(conv_groups_dilated),    USE(average_pool),  USE(max_pool),        USE(softmax),         USE(plan),
    USE(linear_wide),    USE(saturations),            USE(conv_depthwise_wide),    USE(conv_first_wide),
    USE(conv_gathered_wide), USE(conv_first_activated), USE(add_bytes), USE(multiply_by_one_pixel), USE(table),
    USE(transpose),      USE(transpose_floats),
};
const size_t n_uses = sizeof uses / sizeof *uses;
#undef USE
