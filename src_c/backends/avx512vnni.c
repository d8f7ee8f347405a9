#include "backend.h"

const struct qk_backend qk_backend_avx512vnni = {
    .name = "avx512vnni",
    .required_features = QK_CPU_AVX512VNNI,
    .kernels = {
        .quantize = qk_quantize_f32u8_avx512vnni,
        .quantize_channels = qk_quantize_channels_f32u8_avx512vnni,
        .dequantize = qk_dequantize_u8f32_avx512vnni,
        .dequantize_channels = qk_dequantize_channels_u8f32_avx512vnni,
        .requantize = qk_requantize_s32u8_avx512vnni,
        .requantize_channels = qk_requantize_channels_s32u8_avx512vnni,
        .minmax = qk_minmax_f32_avx512vnni,
        .gemm = &qk_gemm_u8s8_7x64_avx512vnni,
        .gemm_narrow = &qk_gemm_u8s8_14x32_avx512vnni,
        .depthwise = &qk_depthwise3x3_u8s8_avx512vnni,
        .depthwise_any = &qk_depthwise_any_u8s8_avx512vnni,
        .conv_first = &qk_conv_first_u8s8_8x32_avx512vnni,
        .window_sum = qk_window_sum_avx512vnni,
        .window_max = qk_window_max_avx512vnni,
        .add = qk_add_u8_avx512vnni,
        .multiply = qk_multiply_u8_avx512vnni,
        .table = qk_table_u8_avx512vnni,
        .softmax_row = qk_softmax_row_avx512vnni,
        .probe_peak = qk_probe_peak_avx512vnni,
        .probe_read = qk_probe_read_avx512vnni,
    },
};
