/* The element-wise kernels. Lengths are swept past several steps of every kernel; every channel has parameters of its own. */
#include "cases.h"
#include "memory.h"
#include "slots.h"
#include <math.h>

static size_t any_length(void) {
    return swept(0, 130) + (below(4) ? 0 : 32 * below(8));
}

struct affine {
    size_t n;
    float *scale;
    int32_t *zero_point;
    uint8_t flip;
    int stream;
};

/* `parameters`: one scale and zero point for all, or one for each element */
static struct affine any_affine(size_t n, size_t parameters) {
    const struct affine a = {n, input(parameters * sizeof(float)), input(parameters * sizeof(int32_t)),
                             below(2) ? 0x80 : 0, (int)below(2)};
    for (size_t i = 0; i < parameters; i++) a.scale[i] = any_scale(), a.zero_point[i] = any_zero_point();
    if (parameters == 1)
        describe("n=%zu scale=%a zero_point=%d flip=%d stream=%d", n, (double)*a.scale, (int)*a.zero_point, a.flip, a.stream);
    else describe("n=%zu flip=%d", n, a.flip);
    return a;
}

static float *any_floats(const struct affine *a, int per_channel) {
    float *x = input(a->n * sizeof *x);
    const int ordinary = below(2) == 0; /* no ties and no odd ones: what kernels have a quick way for */
    for (size_t i = 0; i < a->n; i++) {
        const float scale = a->scale[per_channel ? i : 0];
        x[i] = ordinary ? ((float)below(300) - 150.0f + (float)between(1, 40) / 100.0f) * scale : any_float(scale);
    }
    return x;
}

void check_quantize(const struct qk_kernels *scalar, const struct qk_kernels *tested) {
    const struct affine a = any_affine(any_length(), 1);
    const float *x = any_floats(&a, 0);
    const struct outputs q = outputs(a.n);
    seal();
    scalar->quantize(x, q.expected, a.n, *a.scale, *a.zero_point, a.flip, a.stream);
    tested->quantize(x, q.got, a.n, *a.scale, *a.zero_point, a.flip, a.stream);
    compare(q, a.n);
}

void check_quantize_channels(const struct qk_kernels *scalar, const struct qk_kernels *tested) {
    const size_t n = any_length();
    const struct affine a = any_affine(n, n);
    const float *x = any_floats(&a, 1);
    const struct outputs q = outputs(n);
    seal();
    scalar->quantize_channels(x, q.expected, n, a.scale, a.zero_point, a.flip);
    tested->quantize_channels(x, q.got, n, a.scale, a.zero_point, a.flip);
    compare(q, n);
}

void check_dequantize(const struct qk_kernels *scalar, const struct qk_kernels *tested) {
    const struct affine a = any_affine(any_length(), 1);
    uint8_t *q = input(a.n);
    fill_bytes(q, a.n);
    const struct outputs x = outputs(a.n * sizeof(float));
    seal();
    scalar->dequantize(q, x.expected, a.n, *a.scale, *a.zero_point, a.flip, a.stream);
    tested->dequantize(q, x.got, a.n, *a.scale, *a.zero_point, a.flip, a.stream);
    compare(x, a.n * sizeof(float));
}

void check_dequantize_channels(const struct qk_kernels *scalar, const struct qk_kernels *tested) {
    const size_t n = any_length();
    const struct affine a = any_affine(n, n);
    uint8_t *q = input(n);
    fill_bytes(q, n);
    const struct outputs x = outputs(n * sizeof(float));
    seal();
    scalar->dequantize_channels(q, x.expected, n, a.scale, a.zero_point, a.flip);
    tested->dequantize_channels(q, x.got, n, a.scale, a.zero_point, a.flip);
    compare(x, n * sizeof(float));
}

static void describe_requant(size_t n, const struct qk_requant *r) {
    describe("n=%zu zero_point=%d lo=%d hi=%d flip=%d", n, (int)r->zero_point, r->lo, r->hi, r->flip);
}

void check_requantize(const struct qk_kernels *scalar, const struct qk_kernels *tested) {
    const size_t n = any_length();
    const struct qk_requant r = any_requant();
    describe_requant(n, &r);
    int32_t *acc = input(n * sizeof *acc);
    float multiplier;
    fill_ints(acc, n), fill_multipliers(&multiplier, 1);
    const struct outputs q = outputs(n);
    seal();
    scalar->requantize(acc, q.expected, n, multiplier, &r);
    tested->requantize(acc, q.got, n, multiplier, &r);
    compare(q, n);
}

void check_requantize_channels(const struct qk_kernels *scalar, const struct qk_kernels *tested) {
    const size_t n = any_length();
    const struct qk_requant r = any_requant();
    describe_requant(n, &r);
    int32_t *acc = input(n * sizeof *acc);
    float *multiplier = input(n * sizeof *multiplier);
    fill_ints(acc, n), fill_multipliers(multiplier, n);
    const struct outputs q = outputs(n);
    seal();
    scalar->requantize_channels(acc, q.expected, n, multiplier, &r);
    tested->requantize_channels(acc, q.got, n, multiplier, &r);
    compare(q, n);
}

/* By value: which of +0.0 and -0.0 is the lower is not defined. */
void check_minmax(const struct qk_kernels *scalar, const struct qk_kernels *tested) {
    const size_t n = any_length(), mode = below(3);
    describe("n=%zu", n);
    float *x = input(n * sizeof *x);
    for (size_t i = 0; i < n; i++) x[i] = mode == 0 ? NAN : mode == 1 ? any_float(1.0f) : (float)below(1000) - 1200.0f;
    float lo[2], hi[2];
    lo[0] = lo[1] = below(2) ? INFINITY : 0.0f;
    hi[0] = hi[1] = below(2) ? -INFINITY : 0.0f;
    seal();
    scalar->minmax(x, n, &lo[0], &hi[0]);
    tested->minmax(x, n, &lo[1], &hi[1]);
    if (!(lo[0] == lo[1] && hi[0] == hi[1]))
        fail("the range is %g to %g, the scalar kernel's %g to %g", (double)lo[1], (double)hi[1], (double)lo[0],
             (double)hi[0]);
}
