/* The last step of every integer kernel: from an int32 accumulator to a byte.
 *
 *   q = clamp(round_half_even(float32(acc) * multiplier) + zero_point, lo, hi)
 *
 * Kernels write uint8. For int8 output the caller adds 128 to zero_point, lo and hi and sets flip = 0x80: the byte
 * pattern of an int8 is that of the uint8 128 above it with the sign bit flipped.
 *
 * Overflow: |product| may reach infinity. vcvtps2dq turns everything from 2^31 upwards into INT32_MIN, so kernels bound
 * the product from above by `hi_float` (exact: hi - zero_point is a small integer, and clamping to an integer commutes
 * with rounding). From below INT32_MIN saturates rightly by itself.
 */
#ifndef QK_KERNELS_REQUANT_H
#define QK_KERNELS_REQUANT_H

#include <stdint.h>

struct qk_requant {
    float hi_float;     /* hi - zero_point */
    float lo_float;     /* lo - zero_point */
    int32_t zero_point; /* 0..255 */
    uint8_t lo, hi;     /* 0..255, lo <= hi */
    uint8_t flip;       /* 0, or 0x80 for int8 output */
};

#endif
