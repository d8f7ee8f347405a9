/* Softmax: all lengths of several vectors; ranges from one value for all to differences that leave nothing; rows with NaN and
 * infinities. */
#include "cases.h"
#include "memory.h"
#include "slots.h"
#include <float.h>
#include <math.h>

void check_softmax_row(const struct qk_kernels *scalar, const struct qk_kernels *tested) {
    static const float odd[] = {-FLT_MAX, 1e30f, INFINITY, -INFINITY, NAN};
    const size_t n = swept(1, 200), mode = below(4);
    const float range = ldexpf(1.0f, (int)below(12) - 3);
    describe("n=%zu range=%g mode=%zu", n, (double)range, mode);
    float *x = input(n * sizeof *x);
    for (size_t i = 0; i < n; i++) x[i] = mode == 0 ? any_float(range) : range * (uniform() - 0.5f);
    if (mode == 1) x[below(n)] = odd[below(5)];
    const struct outputs y = outputs(n * sizeof(float));
    seal();
    scalar->softmax_row(x, y.expected, n);
    tested->softmax_row(x, y.got, n);
    compare(y, n * sizeof(float));
}
