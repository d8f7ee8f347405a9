#include "table.h"

void qk_table_u8_scalar(const uint8_t *x, uint8_t *y, size_t n, const uint8_t *table) {
    for (size_t i = 0; i < n; i++) y[i] = table[x[i]];
}
