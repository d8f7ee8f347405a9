/* Two pixels a step: 9 bytes of each of three rows, and the 9 bytes 6 further on, are placed by one byte permute. */
#include "conv_first.h"
#include <immintrin.h>

/* The rows lie at 0, 16 and 64 of the pair of registers; bytes that a patch does not use are copies of byte 0. */
static __m512i patch_index(void) {
    uint8_t index[64] = {0};
    for (size_t pixel = 0; pixel < 2; pixel++)
        for (size_t i = 0; i < 3; i++)
            for (size_t j = 0; j < 9; j++)
                index[pixel * QK_PATCH + 9 * i + j] = (uint8_t)((i == 2 ? 64 : 16 * i) + 6 * pixel + j);
    return _mm512_loadu_si512(index);
}

void qk_gather3x3s2_avx512vnni(const uint8_t *const rows[3], size_t width_out, uint8_t *patches) {
    const __m512i index = patch_index();
    size_t x = 0;
    for (; x + 2 <= width_out; x += 2) {
        const __m128i row0 = _mm_loadu_si128((const __m128i *)(rows[0] + 6 * x));
        const __m128i row1 = _mm_loadu_si128((const __m128i *)(rows[1] + 6 * x));
        const __m128i row2 = _mm_loadu_si128((const __m128i *)(rows[2] + 6 * x));
        const __m512i first = _mm512_castsi256_si512(_mm256_inserti128_si256(_mm256_castsi128_si256(row0), row1, 1));
        const __m512i both = _mm512_permutex2var_epi8(first, index, _mm512_castsi128_si512(row2));
        _mm512_storeu_si512(patches + QK_PATCH * x, both);
    }
    if (x < width_out) {
        const uint8_t *const last[3] = {rows[0] + 6 * x, rows[1] + 6 * x, rows[2] + 6 * x};
        uint8_t *patch = patches + QK_PATCH * x;
        for (size_t i = 0; i < 27; i++) patch[i] = last[i / 9][i % 9];
    }
}
