#include "cases.h"
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

sigjmp_buf case_failed;
char case_text[256], case_fault[256];
static uint64_t state;
static size_t rest_of_number, combinations;

/* SplitMix64 (Steele, Lea, Flood, 2014): any state will do, so that a case's is made from its name. */
static uint64_t next_word(void) {
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

void begin_case(uint64_t seed, const char *slot, size_t number) {
    state = seed;
    for (; *slot; slot++) state = next_word() ^ (uint8_t)*slot;
    state = next_word() ^ number;
    rest_of_number = number;
    combinations = 1;
    case_text[0] = case_fault[0] = '\0';
}

size_t sweep_size(void) {
    return combinations;
}

void describe(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(case_text, sizeof case_text, format, arguments);
    va_end(arguments);
}

_Noreturn void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(case_fault, sizeof case_fault, format, arguments);
    va_end(arguments);
    siglongjmp(case_failed, 1);
}

size_t swept(size_t lo, size_t hi) {
    const size_t values = hi - lo + 1, value = lo + rest_of_number % values;
    rest_of_number /= values;
    combinations *= values;
    return value;
}

uint32_t next_random(void) {
    return (uint32_t)(next_word() >> 32);
}
size_t below(size_t n) {
    return next_random() % n;
}
size_t between(size_t lo, size_t hi) {
    return lo + below(hi - lo + 1);
}
float uniform(void) {
    return (float)(next_random() >> 8) * 0x1p-24f;
}

void fill_bytes(void *p, size_t n) {
    static const uint8_t extremes[] = {0, 255, 128, 127, 1};
    const size_t mode = below(COUNT(extremes) + 3);
    uint8_t *to = p;
    for (size_t i = 0; i < n; i++)
        to[i] = mode < COUNT(extremes) ? extremes[mode] : mode == COUNT(extremes) ? extremes[below(COUNT(extremes))]
                                                                               : (uint8_t)next_random();
}

void fill_weights(int16_t *p, size_t n) {
    const size_t mode = below(4);
    for (size_t i = 0; i < n; i++) {
        const int beyond = mode == 0 || (mode < 3 && below(50) == 0);
        p[i] = (int16_t)(beyond ? (int)below(511) - 255 : (int)below(256) - 128);
        if (beyond && below(4) == 0) p[i] = below(2) ? 255 : -255;
    }
}

void fill_ints(int32_t *p, size_t n) {
    static const int32_t extremes[] = {INT32_MIN, INT32_MAX, INT32_MIN + 1, 0, -1, 1, 1 << 24, -(1 << 24) - 1};
    const size_t mode = below(4);
    for (size_t i = 0; i < n; i++) {
        if (mode == 0) p[i] = 0;
        else if (mode == 1) p[i] = (int32_t)below(2001) - 1000;
        else p[i] = mode == 2 || below(2) ? extremes[below(COUNT(extremes))] : (int32_t)next_random();
    }
}

void fill_multipliers(float *p, size_t n) {
    static const float odd[] = {0.0f,   -0.0f, 1.0f,    -0.5f,    1e-38f,    1e-42f,   -1e-10f,
                                -1e10f, 1e30f, FLT_MAX, -FLT_MAX, 0x1p-149f, INFINITY, -INFINITY};
    const size_t mode = below(4);
    for (size_t i = 0; i < n; i++) {
        if (mode == 0) p[i] = 0.5f; /* odd sums are ties */
        else if (mode == 1) p[i] = ldexpf(1.0f, -(int)below(12));
        else if (mode == 2) p[i] = odd[below(COUNT(odd))];
        else p[i] = ldexpf(1.0f + uniform(), -(int)below(25));
    }
}

int32_t any_zero_point(void) {
    const size_t mode = below(4);
    return mode == 0 ? 0 : mode == 1 ? 255 : (int32_t)below(256);
}

struct qk_requant any_requant(void) {
    const int plain = below(4) == 0, whole = plain || below(2) == 0;
    const int zero_point = plain ? 0 : any_zero_point(), lo = whole ? 0 : (int)below(256);
    const int hi = whole ? 255 : (int)between((size_t)lo, 255);
    return (struct qk_requant){(float)(hi - zero_point), (float)(lo - zero_point), zero_point, (uint8_t)lo, (uint8_t)hi,
                               !plain && below(2) ? 0x80 : 0, 0, QK_NO_ACTIVATION, 0};
}

struct qk_requant any_activated_requant(void) {
    static const float odd[] = {0.0f, -0.0f, -0.5f, 1e-42f, FLT_MAX, -FLT_MAX, INFINITY, -INFINITY, NAN};
    struct qk_requant r = any_requant();
    if (below(2)) return r;
    r.activation = (uint8_t)between(QK_HARD_SWISH, QK_HARD_SIGMOID);
    r.activation_scale = below(4) ? ldexpf(1.0f + uniform(), (int)below(16) - 6) : odd[below(COUNT(odd))];
    return r;
}

float any_scale(void) {
    static const float odd[] = {1.0f, 0.1f, 1e-38f, 1e-44f, 0x1p-149f, FLT_MIN, 1e30f, 3e38f, 0x1p-7f};
    switch (below(5)) {
    case 0: return odd[below(COUNT(odd))];
    case 1: return ldexpf(1.0f + uniform(), (int)between(0, 249) - 149); /* to 2^100, above 1e30 */
    case 2: return ldexpf(1.0f, (int)between(0, 40) - 20);
    default: return ldexpf(1.0f + uniform(), (int)between(0, 19) - 14);
    }
}

static float from_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

float any_float(float scale) {
    static const uint32_t odd[] = {
        0x00000000, 0x80000000, 0x00000001, 0x80000001, /* zeros, the lowest subnormal numbers */
        0x00800000, 0x7f7fffff, 0xff7fffff,             /* the lowest normal number, the highest ones */
        0x7f800000, 0xff800000, 0x7fc00000, 0xffc00001, 0x7f800001, /* infinities; NaN quiet, negative, signalling */
    };
    const float steps = (float)below(600) - 300.0f;
    switch (below(5)) {
    case 0: return from_bits(odd[below(COUNT(odd))]);
    case 1: return (steps + 0.5f) * scale;
    case 2: return nextafterf((steps + 0.5f) * scale, below(2) ? FLT_MAX : -FLT_MAX);
    case 3: return from_bits(next_random());
    default: return (steps + uniform()) * scale;
    }
}
