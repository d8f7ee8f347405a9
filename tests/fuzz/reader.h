/* From a fuzzer's bytes to the arguments of a call, and what the targets share.
 *
 * Numbers are taken from the front of the input, zeros when it is used up, so that every input means something. Arrays are
 * filled by a generator whose seed and mode are taken from the input: a few bytes describe an array of any size. Every array
 * has exactly the bytes that the API asks for, in a block of its own, so that the address sanitizer sees one byte more.
 */
#ifndef READER_H
#define READER_H

#include "qkernels.h"
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    const uint8_t *data;
    size_t size;
};

/* An assertion that the build cannot take out. */
#define REQUIRE(condition)                                                                                             \
    ((condition) ? (void)0                                                                                             \
                 : (fprintf(stderr, "FAILED %s:%d: %s on %s\n", __FILE__, __LINE__, #condition, qk_current_isa()), abort()))

static inline uint64_t take(struct reader *r, size_t bytes) {
    uint64_t value = 0;
    for (size_t i = 0; i < bytes && r->size; i++, r->data++, r->size--) value |= (uint64_t)*r->data << 8 * i;
    return value;
}
static inline size_t between(struct reader *r, size_t lo, size_t hi) {
    return lo + take(r, hi - lo < 256 ? 1 : 2) % (hi - lo + 1);
}
static inline int one_in(struct reader *r, size_t n) {
    return between(r, 0, n - 1) == n - 1;
}

/* Sizes that no array has, or whose products wrap round. */
static inline size_t absurd_size(struct reader *r) {
    const size_t base[] = {0, SIZE_MAX, SIZE_MAX / 2, (size_t)1 << 32, (size_t)1 << 31, (size_t)1 << 62, SIZE_MAX / 3, SIZE_MAX / 64};
    return base[between(r, 0, 7)] + between(r, 0, 16) - 8;
}
static inline int32_t any_int(struct reader *r) {
    static const int32_t extremes[] = {0, 1, -1, INT32_MIN, INT32_MAX, 127, -128, 255};
    const size_t mode = between(r, 0, 15);
    return mode < 8 ? extremes[mode] : mode < 12 ? (int32_t)between(r, 0, 255) : (int32_t)(uint32_t)take(r, 4);
}
static inline float any_float(struct reader *r) {
    static const float special[] = {0.0f, -0.0f, 1.0f, INFINITY, -INFINITY, NAN, 0.5f, 1e-45f, 3.4e38f, 0x1p31f, -0x1p31f, 1.1754944e-38f};
    const size_t mode = between(r, 0, 23);
    if (mode < 12) return special[mode];
    if (mode < 20) return ((float)between(r, 0, 4095) - 2048) / 16;
    const uint32_t bits = (uint32_t)take(r, 4);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
/* As scales and multipliers must be: positive and finite. */
static inline float any_scale(struct reader *r) {
    const float value = fabsf(any_float(r));
    return value > 0 && value < INFINITY ? value : 0.0078125f * (float)between(r, 1, 255);
}

/* --- arrays --- */

static inline void *exact(size_t bytes) {
    void *p = malloc(bytes);
    if (!p) exit(1);
    return p;
}

struct generator {
    uint64_t state;
    size_t mode;
};
static inline struct generator make_generator(struct reader *r) {
    const size_t mode = between(r, 0, 255);
    return (struct generator){take(r, 2) * 2862933555777941757u + 3037000493u, mode};
}
static inline uint32_t next_random(struct generator *g) {
    g->state = g->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(g->state >> 33);
}
static inline void *make_bytes(struct reader *r, size_t n) {
    static const uint8_t extremes[] = {0, 255, 128, 127, 1};
    struct generator g = make_generator(r);
    uint8_t *p = exact(n);
    for (size_t i = 0; i < n; i++) {
        const uint32_t x = next_random(&g);
        p[i] = g.mode % 8 < 3 ? (uint8_t)x : g.mode % 8 < 7 ? extremes[g.mode % 8 - 3] : extremes[x % 5];
    }
    return p;
}
static inline int32_t *make_ints(struct reader *r, size_t n, int32_t lo, int32_t hi) {
    struct generator g = make_generator(r);
    int32_t *p = exact(n * sizeof *p);
    const uint32_t span = (uint32_t)hi - (uint32_t)lo + 1; /* 0: all of int32 */
    for (size_t i = 0; i < n; i++) {
        const uint32_t x = next_random(&g) << 1 ^ next_random(&g);
        const size_t mode = g.mode % 4 < 3 ? g.mode % 4 : x >> 5 & 1;
        p[i] = mode == 0 ? (x & 1 ? lo : hi) : (int32_t)((uint32_t)lo + (span ? x % span : x));
        if (mode == 2 && lo <= 0 && hi >= 0) p[i] /= 4096;
    }
    return p;
}
/* Weights as int16: int8 with a few beyond it, all of -255..255, or int8 alone. */
static inline int16_t *make_wide_weights(struct reader *r, size_t n) {
    struct generator g = make_generator(r);
    int16_t *p = exact(n * sizeof *p);
    for (size_t i = 0; i < n; i++) {
        const uint32_t x = next_random(&g);
        const int beyond = g.mode % 4 == 0 || (g.mode % 4 < 3 && x % 50 == 0);
        p[i] = (int16_t)(beyond ? (int)((x >> 8) % 511) - 255 : (int)(x >> 8 & 255) - 128);
        if (beyond && x >> 4 & 1) p[i] = x >> 5 & 1 ? 255 : -255;
    }
    return p;
}
/* One weight that no int16 may have, or none; returns whether they are still valid. */
static inline int spoil_weight(struct reader *r, int16_t *weights, size_t n) {
    if (n == 0 || !one_in(r, 16)) return 1;
    const int32_t wrong = any_int(r);
    const int is_wrong = (int16_t)wrong < -255 || (int16_t)wrong > 255;
    weights[between(r, 0, n - 1)] = (int16_t)wrong;
    return !is_wrong;
}
static inline float *make_floats(struct reader *r, size_t n) {
    struct generator g = make_generator(r);
    float *p = exact(n * sizeof *p);
    for (size_t i = 0; i < n; i++) {
        uint8_t bytes[10];
        for (size_t j = 0; j < sizeof bytes; j++) bytes[j] = (uint8_t)next_random(&g);
        if (g.mode % 4 == 0) bytes[0] = 12; /* all of them multiples of 1/16: ties abound */
        struct reader some = {bytes, sizeof bytes};
        p[i] = any_float(&some);
    }
    return p;
}
static inline float *make_scales(struct reader *r, size_t n) {
    struct generator g = make_generator(r);
    float *p = exact(n * sizeof *p);
    const float first = any_scale(r);
    for (size_t i = 0; i < n; i++) {
        uint8_t bytes[10];
        for (size_t j = 0; j < sizeof bytes; j++) bytes[j] = (uint8_t)next_random(&g);
        struct reader some = {bytes, sizeof bytes};
        p[i] = g.mode % 2 ? any_scale(&some) : first;
    }
    return p;
}

/* --- arithmetic of sizes, as the API's limits are stated --- */

/* The product of n sizes, or SIZE_MAX where it is more bytes than an array can have. */
static inline size_t product(size_t n, const size_t *sizes) {
    size_t total = 1;
    for (size_t i = 0; i < n; i++)
        if (sizes[i] == 0) return 0;
    for (size_t i = 0; i < n; i++) {
        if (sizes[i] > (size_t)PTRDIFF_MAX / total) return SIZE_MAX;
        total *= sizes[i];
    }
    return total;
}
#define PRODUCT(...) product(sizeof((size_t[]){__VA_ARGS__}) / sizeof(size_t), (size_t[]){__VA_ARGS__})

/* Windows of a pool along an axis, or 0 where the first or the last of them would be padding alone. */
static inline size_t windows(size_t extent, size_t before, size_t after, size_t kernel, size_t stride) {
    const size_t limit = (size_t)PTRDIFF_MAX;
    if (!extent || !kernel || !stride || extent > limit || before > limit - extent || after > limit - extent - before ||
        extent + before + after < kernel || before >= kernel)
        return 0;
    const size_t last = (extent + before + after - kernel) / stride * stride;
    return last < before + extent ? last / stride + 1 : 0;
}

/* --- instruction sets and threads --- */

enum { MAX_ISAS = 16 };
static inline size_t supported_isas(const char **names) {
    qk_isa_info list[MAX_ISAS];
    const size_t built = qk_isa_list(list, MAX_ISAS);
    size_t n = 0;
    for (size_t i = 0; i < built; i++)
        if (list[i].supported) names[n++] = list[i].name;
    return n;
}
/* Runs the block after it on each supported set, the scalar one first. */
#define EACH_ISA(i)                                                                                                    \
    const char *isas[MAX_ISAS];                                                                                        \
    const size_t n_isas = supported_isas(isas);                                                                        \
    for (size_t i = 0; i < n_isas; i++)                                                                                \
        if (qk_use_isa(isas[i]) == QK_OK)

/* Mostly one: a loop of the pool costs more than the rest of a run. */
static inline void choose_threads(struct reader *r) {
    const size_t mode = between(r, 0, 63);
    qk_set_num_threads(mode < 60 ? 1 : (int)mode - 58);
}

/* The first set's bytes are kept, every other's are compared with them. */
static inline void compare(uint8_t *expected, const void *got, size_t bytes, int is_first) {
    if (is_first) memcpy(expected, got, bytes);
    else REQUIRE(memcmp(expected, got, bytes) == 0);
}

/* --- the epilogue --- */

static inline int32_t least_of(qk_dtype dtype) {
    return dtype == QK_S8 ? -128 : 0;
}

/* Of `channels`, for any output; with `hostile`, some of its numbers may be outside of what it may hold. */
static inline qk_epilogue make_epilogue(struct reader *r, size_t channels, int bytes_only, int hostile) {
    qk_epilogue e = {.dtype = (qk_dtype)between(r, 0, bytes_only ? 1 : 3)};
    const int32_t least = least_of(e.dtype), a = (int32_t)between(r, 0, 255), b = (int32_t)between(r, 0, 255);
    e.zero_point = least + (int32_t)between(r, 0, 255);
    e.lo = least + (a & b);
    e.hi = least + (a | b);
    if (one_in(r, 2)) e.lo = least, e.hi = least + 255;
    if (one_in(r, 4)) e.zero_point = least;
    if (e.dtype <= QK_S8 && one_in(r, 3)) e.activation = (qk_activation)between(r, 1, 2);
    e.activation_scale = e.activation ? one_in(r, 4) ? any_float(r) : any_scale(r) : 0;
    if (hostile && one_in(r, 4)) e.activation = (qk_activation)take(r, 1);
    if (hostile && one_in(r, 4)) e.dtype = (qk_dtype)take(r, 1);
    if (hostile && one_in(r, 4)) e.zero_point = any_int(r);
    if (hostile && one_in(r, 4)) e.lo = any_int(r);
    if (hostile && one_in(r, 4)) e.hi = any_int(r);
    e.bias = one_in(r, 4) ? NULL : make_ints(r, channels, INT32_MIN, INT32_MAX);
    e.multiplier = e.dtype == QK_S32 ? NULL : make_scales(r, channels);
    return e;
}
static inline int is_valid_epilogue(const qk_epilogue *e) {
    if (e->dtype == QK_S32 || e->dtype == QK_F32) return e->activation == QK_ACTIVATION_NONE;
    if ((unsigned)e->activation > QK_ACTIVATION_HARD_SIGMOID) return 0;
    const int32_t least = least_of(e->dtype), most = least + 255;
    return (e->dtype == QK_U8 || e->dtype == QK_S8) && e->zero_point >= least && e->zero_point <= most && e->lo >= least &&
           e->hi <= most && e->lo <= e->hi;
}
static inline void free_epilogue(qk_epilogue *e) {
    free((void *)e->bias);
    free((void *)e->multiplier);
}

/* What the header says becomes of a sum, whose low 32 bits count: the definition, in double and int64. */
static inline void finish(const qk_epilogue *e, int64_t sum, size_t channel, void *out, size_t at) {
    const int32_t acc = (int32_t)(uint32_t)(uint64_t)(sum + (e->bias ? e->bias[channel] : 0));
    if (e->dtype == QK_S32) {
        ((int32_t *)out)[at] = acc;
        return;
    }
    const float scaled = (float)acc * e->multiplier[channel];
    if (e->dtype == QK_F32) {
        ((float *)out)[at] = scaled;
        return;
    }
    const float gate = fminf(fmaxf(scaled + 3, 0), 6);
    const float v = e->activation == QK_ACTIVATION_NONE         ? scaled
                    : e->activation == QK_ACTIVATION_HARD_SWISH ? scaled * gate * e->activation_scale
                                                                : gate * e->activation_scale;
    const double q = rint((double)v) + e->zero_point; /* a NaN becomes lo */
    ((uint8_t *)out)[at] = (uint8_t)(int32_t)fmin(fmax(q, e->lo), e->hi);
}

#endif
