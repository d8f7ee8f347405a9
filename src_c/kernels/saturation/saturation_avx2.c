/* Bytes widened to int16, so that VPMADDWD gives the exact sums of two; eight columns at a time, each lane its own count. */
#include "saturation.h"
#include <immintrin.h>

/* -1 where the sum leaves int16 */
static inline __m256i leaves(__m256i sum) {
    return _mm256_or_si256(_mm256_cmpgt_epi32(sum, _mm256_set1_epi32(INT16_MAX)),
                           _mm256_cmpgt_epi32(_mm256_set1_epi32(INT16_MIN), sum));
}

static uint64_t sum_of_lanes(__m256i counts) {
    uint32_t lanes[8];
    uint64_t sum = 0;
    _mm256_storeu_si256((__m256i *)lanes, counts);
    for (int i = 0; i < 8; i++) sum += lanes[i];
    return sum;
}

uint64_t qk_count_saturations_avx2(const uint8_t *a, const int8_t *b, size_t pairs, size_t columns) {
    uint64_t count = 0;
    for (size_t j = 0; j < columns; j += QK_SATURATION_COLUMNS) {
        __m256i counts = _mm256_setzero_si256(); /* at most `pairs` a lane */
        for (size_t p = 0; p < pairs; p++) {
            const __m256i left = _mm256_set1_epi32(a[2 * p] | a[2 * p + 1] << 16);
            const __m256i right = _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(b + 2 * (p * columns + j))));
            counts = _mm256_sub_epi32(counts, leaves(_mm256_madd_epi16(left, right)));
        }
        count += sum_of_lanes(counts);
    }
    return count;
}
