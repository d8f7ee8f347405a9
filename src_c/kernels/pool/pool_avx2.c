#include "pool.h"
#include <immintrin.h>

void qk_window_sum_avx2(const uint8_t *x, size_t rows, size_t row_stride, size_t columns, size_t column_stride,
                        size_t channels, int32_t bias, int32_t *acc) {
    size_t c = 0;
    for (; c + 16 <= channels; c += 16) {
        __m256i s0 = _mm256_set1_epi32(bias), s1 = s0;
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < columns; j++) {
                const __m128i bytes = _mm_loadu_si128((const __m128i *)(x + i * row_stride + j * column_stride + c));
                s0 = _mm256_add_epi32(s0, _mm256_cvtepu8_epi32(bytes));
                s1 = _mm256_add_epi32(s1, _mm256_cvtepu8_epi32(_mm_unpackhi_epi64(bytes, bytes)));
            }
        _mm256_storeu_si256((__m256i *)(acc + c), s0);
        _mm256_storeu_si256((__m256i *)(acc + c + 8), s1);
    }
    for (; c < channels; c++) {
        acc[c] = bias;
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < columns; j++) acc[c] += x[i * row_stride + j * column_stride + c];
    }
}
