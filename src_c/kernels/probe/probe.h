/* Contract of the probes that say what the machine allows. */
#ifndef QK_KERNELS_PROBE_H
#define QK_KERNELS_PROBE_H

#include <stddef.h>
#include <stdint.h>

/* Runs the set's dot-product instruction on registers alone, with enough independent accumulators to hide its latency,
 * and returns the number of multiply-accumulates done. */
typedef uint64_t qk_probe_peak_fn(size_t iterations);
/* Reads every byte once with the widest loads; returns a value that depends on all of them. `data` 64-byte aligned, bytes
 * a multiple of 512. */
typedef uint64_t qk_probe_read_fn(const void *data, size_t bytes);

#define QK_DECLARE_PROBE(isa)                                                                                          \
    qk_probe_peak_fn qk_probe_peak_##isa;                                                                              \
    qk_probe_read_fn qk_probe_read_##isa;
QK_DECLARE_PROBE(scalar)
QK_DECLARE_PROBE(avx2)
QK_DECLARE_PROBE(avx512vnni)
#undef QK_DECLARE_PROBE

#endif
