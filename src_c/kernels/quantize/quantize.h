/* Contract of the element-wise kernels. No alignment is asked for; nothing outside [0, n) is read or written.
 *
 * `flip` is 0 for uint8 and 0x80 for int8: the caller then adds 128 to the zero point (see requant.h).
 * The division is a float32 division, rounding is half to even; NaN gives the zero point; +-inf and whatever lies
 * outside saturates. Requantized, infinity times zero is `lo` (requant.h).
 */
#ifndef QK_KERNELS_QUANTIZE_H
#define QK_KERNELS_QUANTIZE_H

#include "../requant.h"
#include <stddef.h>
#include <stdint.h>

/* q[i] = flip ^ clamp(rint(x[i] / scale) + zero_point, 0, 255)
 * `stream`: the output is too large for the caches and should not pass through them (a hint) */
typedef void qk_quantize_fn(const float *x, uint8_t *q, size_t n, float scale, int32_t zero_point, uint8_t flip,
                            int stream);
/* the same with scale[i], zero_point[i] of their own for each element */
typedef void qk_quantize_channels_fn(const float *x, uint8_t *q, size_t n, const float *scale, const int32_t *zero_point,
                                     uint8_t flip);
/* x[i] = scale * float(int(q[i] ^ flip) - zero_point) */
typedef void qk_dequantize_fn(const uint8_t *q, float *x, size_t n, float scale, int32_t zero_point, uint8_t flip,
                              int stream);
typedef void qk_dequantize_channels_fn(const uint8_t *q, float *x, size_t n, const float *scale,
                                       const int32_t *zero_point, uint8_t flip);
/* q[i] = requantized acc[i], see requant.h */
typedef void qk_requantize_fn(const int32_t *acc, uint8_t *q, size_t n, float multiplier, const struct qk_requant *r);
typedef void qk_requantize_channels_fn(const int32_t *acc, uint8_t *q, size_t n, const float *multiplier,
                                       const struct qk_requant *r);
/* lowers *lo and raises *hi to the extremes of x; NaN is passed over */
typedef void qk_minmax_fn(const float *x, size_t n, float *lo, float *hi);

#define QK_DECLARE_QUANTIZE(isa)                                                                                       \
    qk_quantize_fn qk_quantize_f32u8_##isa;                                                                            \
    qk_quantize_channels_fn qk_quantize_channels_f32u8_##isa;                                                          \
    qk_dequantize_fn qk_dequantize_u8f32_##isa;                                                                        \
    qk_dequantize_channels_fn qk_dequantize_channels_u8f32_##isa;                                                      \
    qk_requantize_fn qk_requantize_s32u8_##isa;                                                                        \
    qk_requantize_channels_fn qk_requantize_channels_s32u8_##isa;                                                      \
    qk_minmax_fn qk_minmax_f32_##isa;
QK_DECLARE_QUANTIZE(scalar)
QK_DECLARE_QUANTIZE(avx2)
QK_DECLARE_QUANTIZE(avx512vnni)
#undef QK_DECLARE_QUANTIZE

#endif
