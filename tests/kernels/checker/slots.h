/* Every slot of struct qk_kernels has a line here and a function check_<slot>, which makes one random case, runs the scalar
 * kernel and the tested one on it and compares what they wrote. A slot without a line does not compile (main.c); a kernel
 * that fills a slot of some instruction set is run by being there. */
#ifndef CHECKER_SLOTS_H
#define CHECKER_SLOTS_H

#include "backends/backend.h"

#define EACH_SLOT(SLOT)                                                                                                \
    SLOT(quantize)                                                                                                     \
    SLOT(quantize_channels)                                                                                            \
    SLOT(dequantize)                                                                                                   \
    SLOT(dequantize_channels)                                                                                          \
    SLOT(requantize)                                                                                                   \
    SLOT(requantize_channels)                                                                                          \
    SLOT(minmax)                                                                                                       \
    SLOT(quantize16)                                                                                                   \
    SLOT(dequantize16)                                                                                                 \
    SLOT(dequantize32)                                                                                                 \
    SLOT(gemm)                                                                                                         \
    SLOT(gemm_narrow)                                                                                                  \
    SLOT(depthwise)                                                                                                    \
    SLOT(depthwise_any)                                                                                                \
    SLOT(conv_first)                                                                                                   \
    SLOT(window_sum)                                                                                                   \
    SLOT(window_max)                                                                                                   \
    SLOT(add)                                                                                                          \
    SLOT(multiply)                                                                                                     \
    SLOT(table)                                                                                                        \
    SLOT(transpose_u8)                                                                                                 \
    SLOT(transpose_u32)                                                                                                \
    SLOT(softmax_row)                                                                                                  \
    SLOT(count_saturations)                                                                                            \
    SLOT(probe_peak)                                                                                                   \
    SLOT(probe_read)

typedef void check_fn(const struct qk_kernels *scalar, const struct qk_kernels *tested);

#define DECLARE_CHECK(slot) check_fn check_##slot;
EACH_SLOT(DECLARE_CHECK)
#undef DECLARE_CHECK

#endif
