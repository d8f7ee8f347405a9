/* Contract of the saturation counter: how many sums of two products leave int16, where VPMADDUBSW would clip them.
 *
 * VPMADDUBSW multiplies unsigned bytes of its first operand with signed bytes of its second and adds each two neighbours
 * with signed saturation to 16 bits (Intel SDM, volume 2, PMADDUBSW). Its two neighbours are here
 *   a[2p] b[p][j][0] + a[2p + 1] b[p][j][1],  p in [0, pairs), j in [0, columns)
 * and whatever lies outside [-32768, 32767] counts.
 */
#ifndef QK_KERNELS_SATURATION_H
#define QK_KERNELS_SATURATION_H

#include <stddef.h>
#include <stdint.h>

enum { QK_SATURATION_COLUMNS = 8 }; /* `columns` is a multiple of it; columns of zeros count nothing */

/* a: 2 * pairs bytes; b: [pairs][columns][2]; pairs < 2^31. */
typedef uint64_t qk_count_saturations_fn(const uint8_t *a, const int8_t *b, size_t pairs, size_t columns);

qk_count_saturations_fn qk_count_saturations_scalar;
qk_count_saturations_fn qk_count_saturations_avx2;

#endif
