/* 64 channels at a time: four accumulators, each pixel one load of 16 bytes widened for each of them. */
#include "pool.h"
#include <immintrin.h>

void qk_window_sum_avx512vnni(const uint8_t *x, size_t rows, size_t row_stride, size_t columns, size_t column_stride,
                              size_t channels, int32_t bias, int32_t *acc) {
    size_t c = 0;
    for (; c + 64 <= channels; c += 64) {
        __m512i s0 = _mm512_set1_epi32(bias), s1 = s0, s2 = s0, s3 = s0;
        for (size_t i = 0; i < rows; i++) {
            const __m128i *p = (const __m128i *)(x + i * row_stride + c);
            for (size_t j = 0; j < columns; j++, p = (const __m128i *)((const uint8_t *)p + column_stride)) {
                s0 = _mm512_add_epi32(s0, _mm512_cvtepu8_epi32(_mm_loadu_si128(p)));
                s1 = _mm512_add_epi32(s1, _mm512_cvtepu8_epi32(_mm_loadu_si128(p + 1)));
                s2 = _mm512_add_epi32(s2, _mm512_cvtepu8_epi32(_mm_loadu_si128(p + 2)));
                s3 = _mm512_add_epi32(s3, _mm512_cvtepu8_epi32(_mm_loadu_si128(p + 3)));
            }
        }
        _mm512_storeu_si512(acc + c, s0);
        _mm512_storeu_si512(acc + c + 16, s1);
        _mm512_storeu_si512(acc + c + 32, s2);
        _mm512_storeu_si512(acc + c + 48, s3);
    }
    for (; c < channels; c += 16) {
        const __mmask16 mask = channels - c >= 16 ? 0xffff : (__mmask16)((1u << (channels - c)) - 1);
        __m512i sum = _mm512_set1_epi32(bias);
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < columns; j++)
                sum = _mm512_add_epi32(
                    sum, _mm512_cvtepu8_epi32(_mm_maskz_loadu_epi8(mask, x + i * row_stride + j * column_stride + c)));
        _mm512_mask_storeu_epi32(acc + c, mask, sum);
    }
}

/* 64 channels at a time. */
void qk_window_max_avx512vnni(const uint8_t *x, size_t rows, size_t row_stride, size_t columns, size_t column_stride,
                              size_t channels, uint8_t *out) {
    for (size_t c = 0; c < channels; c += 64) {
        const __mmask64 mask = channels - c >= 64 ? ~(__mmask64)0 : ((__mmask64)1 << (channels - c)) - 1;
        __m512i largest = _mm512_setzero_si512();
        for (size_t i = 0; i < rows; i++) {
            const uint8_t *p = x + i * row_stride + c;
            for (size_t j = 0; j < columns; j++, p += column_stride)
                largest = _mm512_max_epu8(largest, _mm512_maskz_loadu_epi8(mask, p));
        }
        _mm512_mask_storeu_epi8(out + c, mask, largest);
    }
}
