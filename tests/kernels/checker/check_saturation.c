/* The saturation counter: all numbers of pairs and of columns, random weights and ones whose sums lie at the ends of int16. */
#include "cases.h"
#include "memory.h"
#include "slots.h"

void check_count_saturations(const struct qk_kernels *scalar, const struct qk_kernels *tested) {
    const size_t pairs = swept(0, 70), columns = QK_SATURATION_COLUMNS * swept(1, 9);
    const int at_the_ends = below(2) == 0;
    describe("pairs=%zu columns=%zu at_the_ends=%d", pairs, columns, at_the_ends);
    uint8_t *a = input(2 * pairs), *bytes = input(2 * pairs * columns);
    int8_t *b = (int8_t *)bytes;
    fill_bytes(a, 2 * pairs), fill_bytes(bytes, 2 * pairs * columns);
    for (size_t i = 0; i < 2 * pairs && at_the_ends; i++) a[i] = (uint8_t)(255 - below(2));
    for (size_t i = 0; i < 2 * pairs * columns && at_the_ends; i++)
        b[i] = (int8_t)(below(2) ? 64 + (int)below(2) : -64 - (int)below(2));
    seal();
    const uint64_t expected = scalar->count_saturations(a, b, pairs, columns);
    const uint64_t got = tested->count_saturations(a, b, pairs, columns);
    if (got != expected)
        fail("the count is %llu, the scalar kernel's %llu", (unsigned long long)got, (unsigned long long)expected);
}
