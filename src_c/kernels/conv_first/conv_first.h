/* Contract of the first convolution's gather: 3x3, stride 2, 3 channels.
 *
 * The 27 bytes of each output pixel's patch are copied side by side, so that the matrix kernel can run over them. Rows are
 * 'rows of padded pixels': output pixel x starts at byte 6 * x of each of the three rows.
 *   rows     three rows, each readable for 6 * width_out + 64 bytes
 *   patches  width_out patches of QK_PATCH bytes; bytes 27.. of each are unspecified (the weights there are zero)
 */
#ifndef QK_KERNELS_CONV_FIRST_H
#define QK_KERNELS_CONV_FIRST_H

#include <stddef.h>
#include <stdint.h>

enum { QK_PATCH = 32 };

typedef void qk_gather3x3s2_fn(const uint8_t *const rows[3], size_t width_out, uint8_t *patches);

qk_gather3x3s2_fn qk_gather3x3s2_scalar;
qk_gather3x3s2_fn qk_gather3x3s2_avx2;
qk_gather3x3s2_fn qk_gather3x3s2_avx512vnni;

#endif
