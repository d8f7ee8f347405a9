#include "probe.h"
#include <immintrin.h>

/* vpmaddwd and the add that collects its sums, twelve independent times. */
uint64_t qk_probe_peak_avx2(size_t iterations) {
    __m256i x = _mm256_set1_epi16(3), w = _mm256_set1_epi16(1), t = x, u = x;
    __m256i a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x, k = x, l = x;
#define PAIR(p, q) "vpmaddwd %15, %14, %12\n\tvpmaddwd %15, %14, %13\n\tvpaddd %12, " p ", " p "\n\tvpaddd %13, " q ", " q "\n\t"
    for (size_t n = 0; n < iterations; n++)
        __asm__ volatile(PAIR("%0", "%1") PAIR("%2", "%3") PAIR("%4", "%5") PAIR("%6", "%7") PAIR("%8", "%9")
                             PAIR("%10", "%11")
                         : "+x"(a), "+x"(b), "+x"(c), "+x"(d), "+x"(e), "+x"(f), "+x"(g), "+x"(h), "+x"(i), "+x"(j),
                           "+x"(k), "+x"(l), "=&x"(t), "=&x"(u)
                         : "x"(x), "x"(w));
#undef PAIR
    return (uint64_t)iterations * 12 * 16;
}

uint64_t qk_probe_read_avx2(const void *data, size_t bytes) {
    __m256i s0 = _mm256_setzero_si256(), s1 = s0, s2 = s0, s3 = s0;
    for (const uint8_t *p = data, *end = p + bytes; p < end; p += 128) {
        const __m256i *v = (const __m256i *)p;
        s0 = _mm256_or_si256(s0, _mm256_load_si256(v));
        s1 = _mm256_or_si256(s1, _mm256_load_si256(v + 1));
        s2 = _mm256_or_si256(s2, _mm256_load_si256(v + 2));
        s3 = _mm256_or_si256(s3, _mm256_load_si256(v + 3));
    }
    uint64_t words[4];
    _mm256_storeu_si256((__m256i *)words, _mm256_or_si256(_mm256_or_si256(s0, s1), _mm256_or_si256(s2, s3)));
    return words[0] | words[1] | words[2] | words[3];
}
