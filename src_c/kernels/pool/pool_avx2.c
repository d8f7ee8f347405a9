/* 32 channels at a time: four accumulators, each pixel one load of 8 bytes widened for each of them. */
#include "pool.h"
#include <immintrin.h>

static inline __m256i widen(const uint8_t *p) {
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p));
}

void qk_window_sum_avx2(const uint8_t *x, size_t rows, size_t row_stride, size_t columns, size_t column_stride,
                        size_t channels, int32_t bias, int32_t *acc) {
    size_t c = 0;
    for (; c + 32 <= channels; c += 32) {
        __m256i s0 = _mm256_set1_epi32(bias), s1 = s0, s2 = s0, s3 = s0;
        for (size_t i = 0; i < rows; i++) {
            const uint8_t *p = x + i * row_stride + c;
            for (size_t j = 0; j < columns; j++, p += column_stride) {
                s0 = _mm256_add_epi32(s0, widen(p));
                s1 = _mm256_add_epi32(s1, widen(p + 8));
                s2 = _mm256_add_epi32(s2, widen(p + 16));
                s3 = _mm256_add_epi32(s3, widen(p + 24));
            }
        }
        _mm256_storeu_si256((__m256i *)(acc + c), s0);
        _mm256_storeu_si256((__m256i *)(acc + c + 8), s1);
        _mm256_storeu_si256((__m256i *)(acc + c + 16), s2);
        _mm256_storeu_si256((__m256i *)(acc + c + 24), s3);
    }
    for (; c < channels; c++) {
        acc[c] = bias;
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < columns; j++) acc[c] += x[i * row_stride + j * column_stride + c];
    }
}

static inline __m256i max_of_32(const uint8_t *x, size_t rows, size_t row_stride, size_t columns, size_t column_stride) {
    __m256i largest = _mm256_setzero_si256();
    for (size_t i = 0; i < rows; i++) {
        const uint8_t *p = x + i * row_stride;
        for (size_t j = 0; j < columns; j++, p += column_stride)
            largest = _mm256_max_epu8(largest, _mm256_loadu_si256((const __m256i *)p));
    }
    return largest;
}

/* 32 channels at a time; the last ones together with some that are done already, if there are as many. */
void qk_window_max_avx2(const uint8_t *x, size_t rows, size_t row_stride, size_t columns, size_t column_stride,
                        size_t channels, uint8_t *out) {
    if (channels < 32) {
        qk_window_max_scalar(x, rows, row_stride, columns, column_stride, channels, out);
        return;
    }
    for (size_t c = 0; c < channels; c += 32) {
        const size_t from = channels - c < 32 ? channels - 32 : c;
        _mm256_storeu_si256((__m256i *)(out + from), max_of_32(x + from, rows, row_stride, columns, column_stride));
    }
}
