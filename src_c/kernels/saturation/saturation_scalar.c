#include "saturation.h"

uint64_t qk_count_saturations_scalar(const uint8_t *a, const int8_t *b, size_t pairs, size_t columns) {
    uint64_t count = 0;
    for (size_t p = 0; p < pairs; p++)
        for (size_t j = 0; j < columns; j++, b += 2) {
            const int32_t sum = a[2 * p] * b[0] + a[2 * p + 1] * b[1];
            count += sum < INT16_MIN || sum > INT16_MAX;
        }
    return count;
}
