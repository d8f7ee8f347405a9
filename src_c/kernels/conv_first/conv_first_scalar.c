#include "conv_first.h"
#include <string.h>

void qk_gather3x3s2_scalar(const uint8_t *const rows[3], size_t width_out, uint8_t *patches) {
    for (size_t x = 0; x < width_out; x++, patches += QK_PATCH)
        for (size_t i = 0; i < 3; i++) memcpy(patches + 9 * i, rows[i] + 6 * x, 9);
}
