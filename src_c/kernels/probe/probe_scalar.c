#include "probe.h"
#include <string.h>

uint64_t qk_probe_peak_scalar(size_t iterations) {
    /* volatile once an iteration, so that the compiler neither folds the products nor vectorizes them */
    volatile int32_t operand = 3;
    uint32_t sums[8] = {0};
    for (size_t i = 0; i < iterations; i++) {
        const uint32_t b = (uint32_t)operand;
        for (int j = 0; j < 8; j++) sums[j] += b * (uint32_t)(i + (size_t)j);
    }
    for (int j = 0; j < 8; j++) operand = (int32_t)sums[j];
    return (uint64_t)iterations * 8;
}

uint64_t qk_probe_read_scalar(const void *data, size_t bytes) {
    uint64_t sums[4] = {0};
    for (size_t i = 0; i < bytes; i += sizeof sums) {
        uint64_t block[4];
        memcpy(block, (const uint8_t *)data + i, sizeof block);
        for (int j = 0; j < 4; j++) sums[j] += block[j];
    }
    return sums[0] ^ sums[1] ^ sums[2] ^ sums[3];
}
