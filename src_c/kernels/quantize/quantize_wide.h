/* Contract of the affine maps of 16-bit and 32-bit integers, as quantize.h in all else.
 *
 * `step` is 0 where all elements share scale[0] and zero_point[0], 1 where each has its own.
 * `flip` is 0 for uint16 and 0x8000 for int16: the caller then adds 32768 to the zero point.
 */
#ifndef QK_KERNELS_QUANTIZE_WIDE_H
#define QK_KERNELS_QUANTIZE_WIDE_H

#include <stddef.h>
#include <stdint.h>

/* q[i] = flip ^ clamp(rint(x[i] / scale[i * step]) + zero_point[i * step], 0, 65535) */
typedef void qk_quantize16_fn(const float *x, uint16_t *q, size_t n, const float *scale, const int32_t *zero_point,
                              size_t step, uint16_t flip);
/* x[i] = scale[i * step] * float(int(q[i] ^ flip) - zero_point[i * step]) */
typedef void qk_dequantize16_fn(const uint16_t *q, float *x, size_t n, const float *scale, const int32_t *zero_point,
                                size_t step, uint16_t flip);
/* x[i] = scale[i * step] * float(q[i]); beyond 2^24 the conversion rounds too */
typedef void qk_dequantize32_fn(const int32_t *q, float *x, size_t n, const float *scale, size_t step);

#define QK_DECLARE_QUANTIZE_WIDE(isa)                                                                                  \
    qk_quantize16_fn qk_quantize_f32u16_##isa;                                                                         \
    qk_dequantize16_fn qk_dequantize_u16f32_##isa;                                                                     \
    qk_dequantize32_fn qk_dequantize_s32f32_##isa;
QK_DECLARE_QUANTIZE_WIDE(scalar)
QK_DECLARE_QUANTIZE_WIDE(avx2)
#undef QK_DECLARE_QUANTIZE_WIDE

#endif
