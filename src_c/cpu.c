/* What this CPU and its operating system allow: the only place that asks cpuid and XCR0. */
#include "backends/backend.h"
#include <pthread.h>

enum { CACHE_UNKNOWN = 32 << 20 };

#if defined(__x86_64__)
#include <cpuid.h>

static uint64_t enabled_state(void) {
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

unsigned qk_cpu_features(void) {
    enum { OSXSAVE = 1u << 27, FMA = 1u << 12, YMM = 0x6, ZMM = 0xe6 };
    unsigned a, b, c, d, features = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & OSXSAVE)) return 0;
    const int fma = (c & FMA) != 0;
    const uint64_t state = enabled_state();
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return 0;
    const int avx2 = b >> 5 & 1;
    const unsigned f_dq_bw_vl = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;
    const unsigned vbmi_vnni = 1u << 1 | 1u << 11;
    if (avx2 && fma && (state & YMM) == YMM) {
        features |= QK_CPU_AVX2;
        if ((b & f_dq_bw_vl) == f_dq_bw_vl && (c & vbmi_vnni) == vbmi_vnni && (state & ZMM) == ZMM)
            features |= QK_CPU_AVX512VNNI;
    }
    return features;
}

/* Leaf 4 (Intel) and 0x8000001d (AMD) describe one cache a subleaf, in the same form; type 0 ends the list. */
static size_t largest_cache(unsigned leaf) {
    unsigned a, b, c, d;
    size_t largest = 0;
    for (unsigned i = 0; i < 16 && __get_cpuid_count(leaf, i, &a, &b, &c, &d) && (a & 31) != 0; i++) {
        const size_t ways = (b >> 22) + 1, partitions = (b >> 12 & 1023) + 1, line = (b & 4095) + 1;
        const size_t bytes = ways * partitions * line * ((size_t)c + 1);
        if (bytes > largest) largest = bytes;
    }
    return largest;
}

static size_t cache_bytes;
static void measure_cache(void) {
    const size_t intel = largest_cache(4), amd = largest_cache(0x8000001d);
    cache_bytes = intel > amd ? intel : amd;
    if (cache_bytes == 0) cache_bytes = CACHE_UNKNOWN;
}

size_t qk_cpu_cache_bytes(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT; /* cpuid is slow: a virtual machine traps it */
    pthread_once(&once, measure_cache);
    return cache_bytes;
}
#else
unsigned qk_cpu_features(void) { return 0; }
size_t qk_cpu_cache_bytes(void) { return CACHE_UNKNOWN; }
#endif
