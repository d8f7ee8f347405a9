/* Quantize, dequantize, requantize and their ranges: arrays seen as [outer][channels][inner]. */
#include "op.h"
#include <math.h>
#include <string.h>

enum { CHUNK = 1 << 15, SMALLEST_CHUNK = 1 << 12 }; /* elements a task; below the least, waking a thread costs more */

struct loop {
    const struct qk_kernels *kernels;
    const uint8_t *src;
    uint8_t *dst;
    size_t src_size, dst_size; /* bytes an element */
    size_t outer, channels, inner;
    const float *scale;
    const int32_t *zero_point;
    uint8_t flip;
    int32_t shift; /* of the zero point: 128 for int8, 32768 for int16 */
    int stream;    /* the output is larger than the caches */
    const struct qk_requant *requant;
    int direction;
    size_t chunk; /* elements a task */
};
enum { QUANTIZE, DEQUANTIZE, REQUANTIZE, QUANTIZE16, DEQUANTIZE16, DEQUANTIZE32 };

/* 16-bit and 32-bit integers; `step` as in quantize_wide.h */
static void run_wide(const struct loop *l, const void *src, void *dst, size_t n, const float *scale,
                     const int32_t *zero_point, size_t step) {
    const uint16_t flip = l->shift ? 0x8000 : 0;
    if (l->direction == QUANTIZE16) l->kernels->quantize16(src, dst, n, scale, zero_point, step, flip);
    else if (l->direction == DEQUANTIZE16) l->kernels->dequantize16(src, dst, n, scale, zero_point, step, flip);
    else l->kernels->dequantize32(src, dst, n, scale, step);
}

/* n elements that share scale and zero point */
static void run_same(const struct loop *l, size_t at, size_t n, size_t channel) {
    const void *src = l->src + at * l->src_size;
    void *dst = l->dst + at * l->dst_size;
    const float scale = l->scale[channel];
    if (l->direction == REQUANTIZE) l->kernels->requantize(src, dst, n, scale, l->requant);
    else if (l->direction == QUANTIZE)
        l->kernels->quantize(src, dst, n, scale, l->zero_point[channel] + l->shift, l->flip, l->stream);
    else if (l->direction == DEQUANTIZE)
        l->kernels->dequantize(src, dst, n, scale, l->zero_point[channel] + l->shift, l->flip, l->stream);
    else {
        const int32_t zero_point = l->zero_point[channel] + l->shift;
        run_wide(l, src, dst, n, &scale, &zero_point, 0);
    }
}

/* n elements of as many channels, from `channel` on */
static void run_channels(const struct loop *l, size_t at, size_t n, size_t channel) {
    const void *src = l->src + at * l->src_size;
    void *dst = l->dst + at * l->dst_size;
    if (l->direction == REQUANTIZE) {
        l->kernels->requantize_channels(src, dst, n, l->scale + channel, l->requant);
        return;
    }
    for (size_t from = 0; from < n;) {
        int32_t shifted[256];
        const size_t some = qk_min(n - from, sizeof shifted / sizeof *shifted);
        for (size_t i = 0; i < some; i++) shifted[i] = l->zero_point[channel + from + i] + l->shift;
        const void *s = (const uint8_t *)src + from * l->src_size;
        void *d = (uint8_t *)dst + from * l->dst_size;
        if (l->direction == QUANTIZE)
            l->kernels->quantize_channels(s, d, some, l->scale + channel + from, shifted, l->flip);
        else if (l->direction == DEQUANTIZE)
            l->kernels->dequantize_channels(s, d, some, l->scale + channel + from, shifted, l->flip);
        else run_wide(l, s, d, some, l->scale + channel + from, shifted, 1);
        from += some;
    }
}

static void task(void *context, size_t index, size_t thread) {
    const struct loop *l = context;
    (void)thread;
    const size_t total = l->outer * l->channels * l->inner;
    size_t at = index * l->chunk;
    const size_t end = qk_min(at + l->chunk, total);
    while (at < end) {
        const size_t channel = at / l->inner % l->channels;
        size_t n;
        if (l->channels == 1) n = end - at;
        else if (l->inner == 1) n = qk_min(l->channels - channel, end - at);
        else n = qk_min(l->inner - at % l->inner, end - at);
        if (l->channels > 1 && l->inner == 1) run_channels(l, at, n, channel);
        else run_same(l, at, n, channel);
        at += n;
    }
}

static void run_loop(struct loop *l) {
    const size_t total = l->outer * l->channels * l->inner;
    l->stream = total * l->dst_size > qk_cpu_cache_bytes();
    const size_t threads = total > SMALLEST_CHUNK ? (size_t)qk_num_threads() : 1;
    l->chunk = CHUNK;
    if (threads > 1) { /* four tasks a thread */
        const size_t wanted = qk_round_up(total / (4 * threads) + 1, 64);
        l->chunk = wanted > CHUNK ? CHUNK : wanted < SMALLEST_CHUNK ? SMALLEST_CHUNK : wanted;
    }
    qk_parallel_for((total + l->chunk - 1) / l->chunk, task, l);
}

static struct loop affine_loop(const struct qk_kernels *kernels, const qk_affine *map, const void *src, void *dst,
                               int direction) {
    const size_t f = sizeof(float), integer = qk_dtype_size(map->dtype);
    const int quantizes = direction == QUANTIZE || direction == QUANTIZE16;
    return (struct loop){kernels, src, dst, quantizes ? f : integer, quantizes ? integer : f, map->outer,
                         map->channels, map->inner, map->scale, map->zero_point, qk_flip(map->dtype),
                         map->dtype == QK_S8 ? 128 : map->dtype == QK_S16 ? 32768 : 0, 0, NULL, direction, 0};
}

static size_t elements(size_t outer, size_t channels, size_t inner) {
    return qk_times(qk_times(outer, channels), inner);
}

/* float32 on one side makes four bytes of each element. */
static int is_valid(const qk_affine *map) {
    const int is_quantized = qk_is_byte(map->dtype) || map->dtype == QK_U16 || map->dtype == QK_S16 || map->dtype == QK_S32;
    return is_quantized && qk_times(elements(map->outer, map->channels, map->inner), 4) != QK_TOO_MANY &&
           qk_are_zero_points(map->zero_point, map->channels, map->dtype);
}

qk_status qk_quantize(const float *x, void *q, const qk_affine *map) {
    if (!is_valid(map) || map->dtype == QK_S32) return QK_ERROR_ARGUMENT;
    struct loop l = affine_loop(qk_current_kernels(), map, x, q, qk_is_byte(map->dtype) ? QUANTIZE : QUANTIZE16);
    run_loop(&l);
    return QK_OK;
}

qk_status qk_dequantize(const void *q, float *x, const qk_affine *map) {
    if (!is_valid(map)) return QK_ERROR_ARGUMENT;
    const size_t bytes = qk_dtype_size(map->dtype);
    struct loop l = affine_loop(qk_current_kernels(), map, q, x,
                                bytes == 1 ? DEQUANTIZE : bytes == 2 ? DEQUANTIZE16 : DEQUANTIZE32);
    run_loop(&l);
    return QK_OK;
}

qk_status qk_requantize(const int32_t *acc, void *q, const qk_requantize_map *map) {
    if (!qk_is_requantization(map->dtype, map->zero_point, map->lo, map->hi) ||
        qk_times(elements(map->outer, map->channels, map->inner), sizeof *acc) == QK_TOO_MANY)
        return QK_ERROR_ARGUMENT;
    const struct qk_requant r = qk_make_requant(map->dtype, map->zero_point, map->lo, map->hi);
    struct loop l = {qk_current_kernels(), (const uint8_t *)acc, q, 4, 1, map->outer, map->channels, map->inner,
                     map->multiplier, NULL, 0, 0, 0, &r, REQUANTIZE, 0};
    run_loop(&l);
    return QK_OK;
}

void qk_minmax(const float *x, size_t n, float *lo, float *hi) {
    *lo = INFINITY;
    *hi = -INFINITY;
    qk_current_kernels()->minmax(x, n, lo, hi);
}

/* --- as operators of a plan --- */

struct affine_op {
    qk_op op;
    const struct qk_kernels *kernels;
    qk_affine map;
    int direction;
};

static void run_affine(const qk_op *op, const void *const *src, void *dst, size_t rows, uint8_t *scratch) {
    const struct affine_op *a = (const struct affine_op *)op;
    (void)rows, (void)scratch;
    struct loop l = affine_loop(a->kernels, &a->map, src[0], dst, a->direction);
    run_loop(&l);
}

static void destroy_affine(qk_op *op) {
    struct affine_op *a = (struct affine_op *)op;
    qk_aligned_free((void *)a->map.scale);
    qk_aligned_free((void *)a->map.zero_point);
    qk_aligned_free(a);
}

static qk_status create_affine(const qk_affine *map, int direction, const char *name, qk_op **op) {
    if (!is_valid(map) || !qk_is_byte(map->dtype)) return QK_ERROR_ARGUMENT;
    struct affine_op *a = qk_aligned_alloc(sizeof *a);
    if (!a) return QK_ERROR_MEMORY;
    const size_t n = elements(map->outer, map->channels, map->inner), in = direction == QUANTIZE ? sizeof(float) : 1;
    a->op = (qk_op){.implementation = name, .run = run_affine, .destroy = destroy_affine, .n_inputs = 1,
                    .src_bytes = {n * in}, .dst_bytes = n * (in == 1 ? sizeof(float) : 1)};
    a->kernels = qk_current_kernels();
    a->map = *map;
    a->direction = direction;
    float *scale = qk_aligned_alloc(map->channels * sizeof *scale);
    int32_t *zero_point = qk_aligned_alloc(map->channels * sizeof *zero_point);
    a->map.scale = scale;
    a->map.zero_point = zero_point;
    if (!scale || !zero_point) {
        destroy_affine(&a->op);
        return QK_ERROR_MEMORY;
    }
    memcpy(scale, map->scale, map->channels * sizeof *scale);
    memcpy(zero_point, map->zero_point, map->channels * sizeof *zero_point);
    *op = &a->op;
    return QK_OK;
}

qk_status qk_quantize_create(const qk_affine *map, qk_op **op) {
    return create_affine(map, QUANTIZE, "quantize_f32u8", op);
}

qk_status qk_dequantize_create(const qk_affine *map, qk_op **op) {
    return create_affine(map, DEQUANTIZE, "dequantize_u8f32", op);
}
