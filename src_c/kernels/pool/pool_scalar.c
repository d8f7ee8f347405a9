#include "pool.h"

void qk_window_sum_scalar(const uint8_t *x, size_t rows, size_t row_stride, size_t columns, size_t column_stride,
                          size_t channels, int32_t bias, int32_t *acc) {
    for (size_t c = 0; c < channels; c++) {
        acc[c] = bias;
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < columns; j++) acc[c] += x[i * row_stride + j * column_stride + c];
    }
}

void qk_window_max_scalar(const uint8_t *x, size_t rows, size_t row_stride, size_t columns, size_t column_stride,
                          size_t channels, uint8_t *out) {
    for (size_t c = 0; c < channels; c++) {
        out[c] = 0;
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < columns; j++) {
                const uint8_t value = x[i * row_stride + j * column_stride + c];
                if (value > out[c]) out[c] = value;
            }
    }
}
