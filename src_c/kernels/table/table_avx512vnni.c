/* The table in four registers: each half of it is looked up by the low seven bits, the eighth chooses between the two. */
#include "table.h"
#include <immintrin.h>

void qk_table_u8_avx512vnni(const uint8_t *x, uint8_t *y, size_t n, const uint8_t *table) {
    const __m512i t0 = _mm512_loadu_si512(table), t1 = _mm512_loadu_si512(table + 64);
    const __m512i t2 = _mm512_loadu_si512(table + 128), t3 = _mm512_loadu_si512(table + 192);
#define LOOKED_UP(index)                                                                                               \
    _mm512_mask_blend_epi8(_mm512_movepi8_mask(index), _mm512_permutex2var_epi8(t0, index, t1),                        \
                           _mm512_permutex2var_epi8(t2, index, t3))
    size_t i = 0;
    for (; i + 64 <= n; i += 64) {
        const __m512i index = _mm512_loadu_si512(x + i);
        _mm512_storeu_si512(y + i, LOOKED_UP(index));
    }
    if (i == n) return; /* masked stores of bytes are slow: only the last is one */
    const __mmask64 mask = ((__mmask64)1 << (n - i)) - 1;
    const __m512i index = _mm512_maskz_loadu_epi8(mask, x + i);
    _mm512_mask_storeu_epi8(y + i, mask, LOOKED_UP(index));
}
