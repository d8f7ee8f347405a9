#include "probe.h"
#include <immintrin.h>

/* Twelve accumulators: two units of five cycles' latency need ten. */
uint64_t qk_probe_peak_avx512vnni(size_t iterations) {
    __m512i x = _mm512_set1_epi8(3), w = _mm512_set1_epi8(1);
    __m512i a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x, k = x, l = x;
    for (size_t n = 0; n < iterations; n++)
        __asm__ volatile("vpdpbusd %13, %12, %0\n\tvpdpbusd %13, %12, %1\n\tvpdpbusd %13, %12, %2\n\t"
                         "vpdpbusd %13, %12, %3\n\tvpdpbusd %13, %12, %4\n\tvpdpbusd %13, %12, %5\n\t"
                         "vpdpbusd %13, %12, %6\n\tvpdpbusd %13, %12, %7\n\tvpdpbusd %13, %12, %8\n\t"
                         "vpdpbusd %13, %12, %9\n\tvpdpbusd %13, %12, %10\n\tvpdpbusd %13, %12, %11"
                         : "+v"(a), "+v"(b), "+v"(c), "+v"(d), "+v"(e), "+v"(f), "+v"(g), "+v"(h), "+v"(i), "+v"(j),
                           "+v"(k), "+v"(l)
                         : "v"(x), "v"(w));
    return (uint64_t)iterations * 12 * 64;
}

uint64_t qk_probe_read_avx512vnni(const void *data, size_t bytes) {
    __m512i s0 = _mm512_setzero_si512(), s1 = s0, s2 = s0, s3 = s0;
    for (const uint8_t *p = data, *end = p + bytes; p < end; p += 512) {
        s0 = _mm512_or_si512(_mm512_or_si512(s0, _mm512_load_si512(p)), _mm512_load_si512(p + 256));
        s1 = _mm512_or_si512(_mm512_or_si512(s1, _mm512_load_si512(p + 64)), _mm512_load_si512(p + 320));
        s2 = _mm512_or_si512(_mm512_or_si512(s2, _mm512_load_si512(p + 128)), _mm512_load_si512(p + 384));
        s3 = _mm512_or_si512(_mm512_or_si512(s3, _mm512_load_si512(p + 192)), _mm512_load_si512(p + 448));
    }
    const __m512i all = _mm512_or_si512(_mm512_or_si512(s0, s1), _mm512_or_si512(s2, s3));
    return (uint64_t)_mm512_reduce_or_epi64(all);
}
