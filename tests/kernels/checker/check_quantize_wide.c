/* The affine maps of 16-bit and 32-bit integers: all lengths of several vectors, one scale for all or one for each. */
#include "cases.h"
#include "memory.h"
#include "slots.h"

struct affine {
    size_t n, step;
    float *scale;
    int32_t *zero_point;
    uint16_t flip;
};

static struct affine any_affine(void) {
    struct affine a = {.n = swept(0, 70) + (below(8) ? 0 : 64), .step = swept(0, 1), .flip = below(2) ? 0x8000 : 0};
    const size_t parameters = a.step ? a.n : 1;
    a.scale = input(parameters * sizeof *a.scale), a.zero_point = input(parameters * sizeof *a.zero_point);
    for (size_t i = 0; i < parameters; i++) {
        a.scale[i] = any_scale();
        a.zero_point[i] = below(4) ? (int32_t)below(65536) : 65535 * (int32_t)below(2);
    }
    describe("n=%zu step=%zu flip=%#x", a.n, a.step, a.flip);
    return a;
}

void check_quantize16(const struct qk_kernels *scalar, const struct qk_kernels *tested) {
    const struct affine a = any_affine();
    float *x = input(a.n * sizeof *x);
    /* any_float goes to 300 steps of its scale: from the zero point to far beyond the ends */
    for (size_t i = 0; i < a.n; i++) x[i] = any_float(a.scale[i * a.step] * (float)between(1, 300));
    const struct outputs q = outputs(a.n * sizeof(uint16_t));
    seal();
    scalar->quantize16(x, q.expected, a.n, a.scale, a.zero_point, a.step, a.flip);
    tested->quantize16(x, q.got, a.n, a.scale, a.zero_point, a.step, a.flip);
    compare(q, a.n * sizeof(uint16_t));
}

void check_dequantize16(const struct qk_kernels *scalar, const struct qk_kernels *tested) {
    const struct affine a = any_affine();
    uint16_t *q = input(a.n * sizeof *q);
    for (size_t i = 0; i < a.n; i++) q[i] = (uint16_t)(below(4) ? below(65536) : 65535 * below(2));
    const struct outputs x = outputs(a.n * sizeof(float));
    seal();
    scalar->dequantize16(q, x.expected, a.n, a.scale, a.zero_point, a.step, a.flip);
    tested->dequantize16(q, x.got, a.n, a.scale, a.zero_point, a.step, a.flip);
    compare(x, a.n * sizeof(float));
}

void check_dequantize32(const struct qk_kernels *scalar, const struct qk_kernels *tested) {
    const struct affine a = any_affine();
    int32_t *q = input(a.n * sizeof *q);
    fill_ints(q, a.n);
    const struct outputs x = outputs(a.n * sizeof(float));
    seal();
    scalar->dequantize32(q, x.expected, a.n, a.scale, a.step);
    tested->dequantize32(q, x.got, a.n, a.scale, a.step);
    compare(x, a.n * sizeof(float));
}
