/* Contract of the softmax kernel: y[i] = exp(x[i] - max x) / sum, one row of n >= 1 elements, float32.
 *
 * The result depends on no instruction set, and on no C library: the exponential is written out, without fused
 * multiply-adds, and the sum is taken in double in 16 stripes, element i in stripe i % 16, which are then added in pairs
 * (s[i] += s[i + 8], then 4, 2, 1).
 *
 * e^x for x <= 0, to about one unit in the last place: x = n ln 2 + r, e^x = 2^n e^r with the Taylor series of e^r to the
 * seventh power, |r| <= ln 2 / 2. Adding 1.5 * 2^23 to a float leaves no room for a fraction: what is added is rounded, and
 * stands as an integer in the low bits. What would lie below the normal numbers is 0: subnormals are slow and mean nothing
 * here.
 *
 * A row that holds a NaN, or whose largest element is infinite, becomes the one quiet NaN of NAN throughout: what arithmetic
 * makes of several NaN depends on the order of operands, which is the compiler's.
 */
#ifndef QK_KERNELS_SOFTMAX_H
#define QK_KERNELS_SOFTMAX_H

#include <stddef.h>

enum { QK_SOFTMAX_STRIPES = 16 };

#define QK_EXP_LOWEST (-87.0f)
#define QK_EXP_LOG2_E 1.44269504f
#define QK_EXP_LN2_HIGH 0.693359375f
#define QK_EXP_LN2_LOW (-2.12194440e-4f)
#define QK_EXP_ROUND 12582912.0f

typedef void qk_softmax_row_fn(const float *x, float *y, size_t n);

qk_softmax_row_fn qk_softmax_row_scalar;
qk_softmax_row_fn qk_softmax_row_avx512vnni;

#endif
