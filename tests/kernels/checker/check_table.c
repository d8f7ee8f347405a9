/* The table: all lengths of several vectors, any entries, every index. */
#include "cases.h"
#include "memory.h"
#include "slots.h"

void check_table(const struct qk_kernels *scalar, const struct qk_kernels *tested) {
    const size_t n = swept(0, 200) + (below(4) ? 0 : QK_TABLE_SIZE);
    describe("n=%zu", n);
    uint8_t *x = input(n), *table = input(QK_TABLE_SIZE);
    const size_t first = below(QK_TABLE_SIZE);
    if (below(2)) fill_bytes(x, n);
    else for (size_t i = 0; i < n; i++) x[i] = (uint8_t)(first + i);
    fill_bytes(table, QK_TABLE_SIZE);
    const struct outputs y = outputs(n);
    seal();
    scalar->table(x, y.expected, n, table);
    tested->table(x, y.got, n, table);
    compare(y, n);
}
