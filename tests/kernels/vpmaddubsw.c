/* The definition of the saturation counter against the instruction itself: a sum counts where VPMADDUBSW gives another
 * one. Every pair of weights, with activations at both ends of their range and around the middle.
 * Exit status 0 the same, 1 a difference, 77 no AVX2. */
#include "kernels/saturation/saturation.h"
#include <immintrin.h>
#include <stdio.h>

static const uint8_t activations[] = {0, 1, 2, 3, 63, 64, 65, 126, 127, 128, 129, 130, 191, 192, 193, 252, 253, 254, 255};
enum { N = sizeof activations };

int main(void) {
    if (!__builtin_cpu_supports("avx2")) return 77;
    unsigned long compared = 0, clipped = 0;
    for (int first = -128; first < 128; first++)
        for (int second = -128; second < 128; second++)
            for (int i = 0; i < N * N; i++) {
                const uint8_t a[2] = {activations[i / N], activations[i % N]};
                const int8_t b[2] = {(int8_t)first, (int8_t)second};
                const __m256i sums = _mm256_maddubs_epi16(_mm256_set1_epi16((short)(a[0] | a[1] << 8)),
                                                          _mm256_set1_epi16((short)((uint8_t)b[0] | (uint8_t)b[1] << 8)));
                const int differs = (short)_mm256_extract_epi16(sums, 5) != a[0] * b[0] + a[1] * b[1];
                if (qk_count_saturations_scalar(a, b, 1, 1) != (uint64_t)differs) {
                    fprintf(stderr, "%d * %d + %d * %d\n", a[0], b[0], a[1], b[1]);
                    return 1;
                }
                compared++, clipped += (unsigned)differs;
            }
    printf("%lu sums compared, %lu of them clipped\n", compared, clipped);
    return clipped == 0;
}
