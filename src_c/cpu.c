/* What this CPU and its operating system allow: the only place that asks cpuid and XCR0. */
#include "backends/backend.h"

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
#else
unsigned qk_cpu_features(void) { return 0; }
#endif
