/* An instruction set is a column, an operation a row. Each backend file exports one table; a slot that it leaves empty
 * inherits the kernel of the set below. */
#ifndef QK_BACKEND_H
#define QK_BACKEND_H

#include "../kernels/arithmetic/arithmetic.h"
#include "../kernels/conv_first/conv_first.h"
#include "../kernels/depthwise/depthwise.h"
#include "../kernels/depthwise_any/depthwise_any.h"
#include "../kernels/gemm/gemm.h"
#include "../kernels/pool/pool.h"
#include "../kernels/probe/probe.h"
#include "../kernels/quantize/quantize.h"
#include "../kernels/quantize/quantize_wide.h"
#include "../kernels/saturation/saturation.h"
#include "../kernels/softmax/softmax.h"
#include "../kernels/table/table.h"
#include "../kernels/transpose/transpose.h"

struct qk_kernels {
    qk_quantize_fn *quantize;
    qk_quantize_channels_fn *quantize_channels;
    qk_dequantize_fn *dequantize;
    qk_dequantize_channels_fn *dequantize_channels;
    qk_requantize_fn *requantize;
    qk_requantize_channels_fn *requantize_channels;
    qk_minmax_fn *minmax;
    qk_quantize16_fn *quantize16;
    qk_dequantize16_fn *dequantize16;
    qk_dequantize32_fn *dequantize32;
    const struct qk_gemm_kernel *gemm;        /* any N */
    const struct qk_gemm_kernel *gemm_narrow; /* N that does not fill gemm's panels; NULL in a table: the same as gemm */
    const struct qk_depthwise_kernel *depthwise;
    const struct qk_depthwise_any_kernel *depthwise_any;
    const struct qk_conv_first_kernel *conv_first;
    qk_window_sum_fn *window_sum;
    qk_window_max_fn *window_max;
    qk_arithmetic_fn *add;
    qk_arithmetic_fn *multiply;
    qk_table_fn *table;
    qk_transpose_u8_fn *transpose_u8;
    qk_transpose_u32_fn *transpose_u32;
    qk_softmax_row_fn *softmax_row;
    qk_count_saturations_fn *count_saturations;
    qk_probe_peak_fn *probe_peak;
    qk_probe_read_fn *probe_read;
};

/* Bits of what a CPU and its operating system allow; see cpu.c. */
enum {
    QK_CPU_AVX2 = 1 << 0,       /* AVX2 and FMA, YMM state saved */
    QK_CPU_AVX512VNNI = 1 << 1, /* AVX-512 F, BW, DQ, VL, VBMI and VNNI, ZMM state saved */
};

struct qk_backend {
    const char *name;
    unsigned required_features;
    struct qk_kernels kernels;
};

unsigned qk_cpu_features(void);
size_t qk_cpu_cache_bytes(void); /* of the last-level cache; see cpu.c */

/* The table of the instruction set in use. Objects keep the table they were made with. */
const struct qk_kernels *qk_current_kernels(void);

#endif
