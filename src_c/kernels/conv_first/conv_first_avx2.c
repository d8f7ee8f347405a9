/* A patch is two overlapping 16-byte stores: 9 bytes of row 0 and the first 7 of row 1; the rest of row 1 and row 2. */
#include "conv_first.h"
#include <immintrin.h>

void qk_gather3x3s2_avx2(const uint8_t *const rows[3], size_t width_out, uint8_t *patches) {
    for (size_t x = 0; x < width_out; x++, patches += QK_PATCH) {
        const __m128i row0 = _mm_loadu_si128((const __m128i *)(rows[0] + 6 * x));
        const __m128i row1 = _mm_loadu_si128((const __m128i *)(rows[1] + 6 * x));
        const __m128i row2 = _mm_loadu_si128((const __m128i *)(rows[2] + 6 * x));
        const __m128i head = _mm_alignr_epi8(row1, _mm_slli_si128(row0, 7), 7);
        const __m128i tail = _mm_alignr_epi8(row2, _mm_slli_si128(row1, 7), 14);
        _mm_storeu_si128((__m128i *)patches, head);
        _mm_storeu_si128((__m128i *)(patches + 16), tail);
    }
}
