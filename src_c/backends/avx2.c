#include "backend.h"

const struct qk_backend qk_backend_avx2 = {
    .name = "avx2",
    .required_features = QK_CPU_AVX2,
    .kernels = {
        .quantize = qk_quantize_f32u8_avx2,
        .quantize_channels = qk_quantize_channels_f32u8_avx2,
        .dequantize = qk_dequantize_u8f32_avx2,
        .dequantize_channels = qk_dequantize_channels_u8f32_avx2,
        .requantize = qk_requantize_s32u8_avx2,
        .requantize_channels = qk_requantize_channels_s32u8_avx2,
        .minmax = qk_minmax_f32_avx2,
        .quantize16 = qk_quantize_f32u16_avx2,
        .dequantize16 = qk_dequantize_u16f32_avx2,
        .dequantize32 = qk_dequantize_s32f32_avx2,
        .gemm = &qk_gemm_u8s8_6x16_avx2,
        .depthwise = &qk_depthwise3x3_u8s8_avx2,
        .depthwise_any = &qk_depthwise_any_u8s8_avx2,
        .conv_first = &qk_conv_first_u8s8_6x16_avx2,
        .window_sum = qk_window_sum_avx2,
        .window_max = qk_window_max_avx2,
        .add = qk_add_u8_avx2,
        .multiply = qk_multiply_u8_avx2,
        .count_saturations = qk_count_saturations_avx2,
        .probe_peak = qk_probe_peak_avx2,
        .probe_read = qk_probe_read_avx2,
    },
};
