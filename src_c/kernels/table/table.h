/* Contract of the table kernel: y[i] = table[x[i]]. */
#ifndef QK_KERNELS_TABLE_H
#define QK_KERNELS_TABLE_H

#include <stddef.h>
#include <stdint.h>

enum { QK_TABLE_SIZE = 256 };

typedef void qk_table_fn(const uint8_t *x, uint8_t *y, size_t n, const uint8_t *table);

qk_table_fn qk_table_u8_scalar, qk_table_u8_avx512vnni;

#endif
