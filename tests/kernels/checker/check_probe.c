/* The probes, which have no result to compare: every byte must make a difference, operations must follow the iterations. */
#include "cases.h"
#include "memory.h"
#include "slots.h"
#include <string.h>

enum { BLOCK = 512, MOST_BLOCKS = 4 };

void check_probe_peak(const struct qk_kernels *scalar, const struct qk_kernels *tested) {
    const size_t iterations = between(1, 20), times = between(2, 5);
    (void)scalar;
    describe("iterations=%zu times=%zu", iterations, times);
    const uint64_t once = tested->probe_peak(iterations);
    if (once == 0 || tested->probe_peak(times * iterations) != times * once)
        fail("the number of operations does not follow the iterations");
}

void check_probe_read(const struct qk_kernels *scalar, const struct qk_kernels *tested) {
    const size_t bytes = BLOCK * swept(1, MOST_BLOCKS), at = swept(0, MOST_BLOCKS * BLOCK - 1) % bytes;
    (void)scalar;
    describe("bytes=%zu at=%zu", bytes, at);
    uint8_t *zeros = input(bytes), *data = input(bytes);
    memset(zeros, 0, bytes), memset(data, 0, bytes);
    data[at] = (uint8_t)between(1, 255);
    seal();
    if (tested->probe_read(data, bytes) == tested->probe_read(zeros, bytes)) fail("the value does not depend on byte %zu", at);
}
