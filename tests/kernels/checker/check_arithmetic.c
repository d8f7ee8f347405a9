/* The sum and the product of quantized arrays: all lengths of several steps; scales that make ties, and ones whose sums and
 * products leave float32, so that infinities meet. */
#include "cases.h"
#include "memory.h"
#include "slots.h"
#include <float.h>
#include <math.h>

static float any_factor(void) {
    static const float decimal[] = {0.1f, 0.3f, 0.7f, 0.05f, 1.0f, 0.5f, 2.5f, -0.1f, -1.0f};
    static const float odd[] = {0.0f, 1e-42f, 1e30f, FLT_MAX, -FLT_MAX, INFINITY, -INFINITY};
    switch (below(4)) {
    case 0: return odd[below(sizeof odd / sizeof *odd)];
    case 1: return decimal[below(sizeof decimal / sizeof *decimal)];
    case 2: return ldexpf(1.0f, -(int)below(14));
    default: return ldexpf(1.0f + uniform(), -(int)below(14));
    }
}

static void check_arithmetic(qk_arithmetic_fn *scalar, qk_arithmetic_fn *tested) {
    const size_t n = swept(0, 200) + (below(4) ? 0 : 64 * below(8));
    struct qk_arithmetic p = {any_zero_point(), any_zero_point(), any_factor(), any_factor(), any_requant()};
    describe("n=%zu zero_a=%d zero_b=%d scale_a=%a scale_b=%a zero_point=%d lo=%d hi=%d flip=%d", n, (int)p.zero_a,
             (int)p.zero_b, (double)p.scale_a, (double)p.scale_b, (int)p.requant.zero_point, p.requant.lo, p.requant.hi,
             p.requant.flip);
    uint8_t *a = input(n), *b = input(n);
    fill_bytes(a, n), fill_bytes(b, n);
    const struct outputs out = outputs(n);
    seal();
    scalar(a, b, out.expected, n, &p);
    tested(a, b, out.got, n, &p);
    compare(out, n);
}

void check_add(const struct qk_kernels *scalar, const struct qk_kernels *tested) {
    check_arithmetic(scalar->add, tested->add);
}

void check_multiply(const struct qk_kernels *scalar, const struct qk_kernels *tested) {
    check_arithmetic(scalar->multiply, tested->multiply);
}
