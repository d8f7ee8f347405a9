/* What this machine can do, from the kernels' probes. */
#include "op.h"

enum { ITERATIONS = 1 << 12 };

/* `seconds` from now: at once for what is no time, and within what the clock can count. */
static uint64_t deadline(double seconds) {
    const double longest = 1e9;
    return qk_clock_ns() + (seconds > 0 ? (uint64_t)((seconds < longest ? seconds : longest) * 1e9) : 0);
}

double qk_measure_peak(double seconds) {
    qk_probe_peak_fn *probe = qk_current_kernels()->probe_peak;
    const uint64_t end = deadline(seconds);
    double best = 0;
    /* the best of many short goes: an interruption only ever slows one down */
    while (qk_clock_ns() < end || best == 0) {
        const uint64_t before = qk_clock_ns();
        const uint64_t macs = probe(ITERATIONS);
        const uint64_t took = qk_clock_ns() - before;
        if (took && (double)macs / (double)took > best) best = (double)macs / (double)took;
    }
    return best * 1e9;
}

double qk_measure_read_bandwidth(const void *buffer, size_t size, double seconds) {
    enum { ALIGNMENT = 64, BLOCK = 512 }; /* as the probes want it */
    const size_t skipped = (0 - (uintptr_t)buffer) % ALIGNMENT;
    if (size < skipped + BLOCK) return 0;
    const void *data = (const uint8_t *)buffer + skipped;
    const size_t bytes = (size - skipped) / BLOCK * BLOCK;
    qk_probe_read_fn *probe = qk_current_kernels()->probe_read;
    const uint64_t end = deadline(seconds);
    const uint64_t passes = bytes >= 1 << 20 ? 1 : (1 << 20) / bytes;
    probe(data, bytes); /* into the cache, if it fits one */
    double best = 0;
    while (qk_clock_ns() < end || best == 0) {
        const uint64_t before = qk_clock_ns();
        for (uint64_t i = 0; i < passes; i++) probe(data, bytes);
        const uint64_t took = qk_clock_ns() - before;
        const double rate = took ? (double)(passes * bytes) / (double)took : 0;
        if (rate > best) best = rate;
    }
    return best * 1e9;
}
