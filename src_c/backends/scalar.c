#include "backend.h"

const struct qk_backend qk_backend_scalar = {
    .name = "scalar",
    .required_features = 0,
    .kernels = {
        .quantize = qk_quantize_f32u8_scalar,
        .quantize_channels = qk_quantize_channels_f32u8_scalar,
        .dequantize = qk_dequantize_u8f32_scalar,
        .dequantize_channels = qk_dequantize_channels_u8f32_scalar,
        .requantize = qk_requantize_s32u8_scalar,
        .requantize_channels = qk_requantize_channels_s32u8_scalar,
        .minmax = qk_minmax_f32_scalar,
        .gemm = &qk_gemm_u8s8_4x4_scalar,
        .depthwise = &qk_depthwise3x3_u8s8_scalar,
        .conv_first = &qk_conv_first_u8s8_scalar,
        .window_sum = qk_window_sum_scalar,
        .softmax_row = qk_softmax_row_scalar,
        .count_saturations = qk_count_saturations_scalar,
        .probe_peak = qk_probe_peak_scalar,
        .probe_read = qk_probe_read_scalar,
    },
};
