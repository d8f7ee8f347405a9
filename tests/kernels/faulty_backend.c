/* An instruction set with one faulty kernel, in avx2's place: -DSLOT= names the slot and -DKERNEL= the function here that fills
 * it. Each is the scalar kernel with one fault of those that vector kernels really have. `correct_...` have none. */
#include "backends/backend.h"
#include <math.h>
#include <string.h>

/* --- elements --- */

static uint8_t clamped(float v, int32_t zero_point) {
    return (uint8_t)((int32_t)fminf(fmaxf(v, (float)-zero_point), (float)(255 - zero_point)) + zero_point);
}

void correct_quantize(const float *x, uint8_t *q, size_t n, float scale, int32_t zero_point, uint8_t flip, int stream) {
    qk_quantize_f32u8_scalar(x, q, n, scale, zero_point, flip, stream);
}
void quantize_stores_one_after(const float *x, uint8_t *q, size_t n, float scale, int32_t zero_point, uint8_t flip,
                               int stream) {
    qk_quantize_f32u8_scalar(x, q, n, scale, zero_point, flip, stream);
    if (n % 8 == 7) q[n] = 0;
}
void quantize_stores_one_before(const float *x, uint8_t *q, size_t n, float scale, int32_t zero_point, uint8_t flip,
                                int stream) {
    qk_quantize_f32u8_scalar(x, q, n, scale, zero_point, flip, stream);
    if (n % 8 == 7) q[-1] = 0;
}
void quantize_reads_one_after(const float *x, uint8_t *q, size_t n, float scale, int32_t zero_point, uint8_t flip,
                              int stream) {
    if (n % 8 == 7) (void)*(volatile const uint8_t *)(x + n);
    qk_quantize_f32u8_scalar(x, q, n, scale, zero_point, flip, stream);
}
void quantize_reads_one_before(const float *x, uint8_t *q, size_t n, float scale, int32_t zero_point, uint8_t flip,
                               int stream) {
    if (n % 8 == 7) (void)*((volatile const uint8_t *)x - 1);
    qk_quantize_f32u8_scalar(x, q, n, scale, zero_point, flip, stream);
}
void quantize_writes_its_input(const float *x, uint8_t *q, size_t n, float scale, int32_t zero_point, uint8_t flip,
                               int stream) {
    qk_quantize_f32u8_scalar(x, q, n, scale, zero_point, flip, stream);
    if (n % 8 == 7) *(volatile float *)x = *(volatile const float *)x; /* what is there already */
}
void quantize_rounds_ties_away(const float *x, uint8_t *q, size_t n, float scale, int32_t zero_point, uint8_t flip,
                               int stream) {
    (void)stream;
    for (size_t i = 0; i < n; i++)
        q[i] = (isnan(x[i]) ? (uint8_t)zero_point : clamped(roundf(x[i] / scale), zero_point)) ^ flip;
}
void quantize_multiplies(const float *x, uint8_t *q, size_t n, float scale, int32_t zero_point, uint8_t flip, int stream) {
    const float reciprocal = 1 / scale;
    (void)stream;
    for (size_t i = 0; i < n; i++)
        if (scale > 0x1p-100f && scale < 0x1p100f && !isnan(x[i]))
            q[i] = clamped(rintf(x[i] * reciprocal), zero_point) ^ flip;
        else qk_quantize_f32u8_scalar(x + i, q + i, 1, scale, zero_point, flip, 0);
}
void quantize_makes_nan_zero(const float *x, uint8_t *q, size_t n, float scale, int32_t zero_point, uint8_t flip, int stream) {
    qk_quantize_f32u8_scalar(x, q, n, scale, zero_point, flip, stream);
    for (size_t i = 0; i < n; i++)
        if (isnan(x[i])) q[i] = flip;
}
void quantize_flushes_subnormal_scales(const float *x, uint8_t *q, size_t n, float scale, int32_t zero_point, uint8_t flip,
                                       int stream) {
    qk_quantize_f32u8_scalar(x, q, n, fpclassify(scale) == FP_SUBNORMAL ? 0x1p-126f : scale, zero_point, flip, stream);
}
void quantize_leaves_the_last(const float *x, uint8_t *q, size_t n, float scale, int32_t zero_point, uint8_t flip,
                              int stream) {
    qk_quantize_f32u8_scalar(x, q, n % 64 == 63 ? n - 1 : n, scale, zero_point, flip, stream);
}
void quantize_adds_in_16_bits(const float *x, uint8_t *q, size_t n, float scale, int32_t zero_point, uint8_t flip,
                              int stream) {
    (void)stream;
    for (size_t i = 0; i < n; i++) {
        const float v = isnan(x[i]) ? 0 : fminf(fmaxf(rintf(x[i] / scale), -32768), 32767);
        const int16_t sum = (int16_t)((int32_t)v + zero_point); /* should saturate */
        q[i] = (uint8_t)(sum < 0 ? 0 : sum > 255 ? 255 : sum) ^ flip;
    }
}
void quantize_channels_reads_one_scale_more(const float *x, uint8_t *q, size_t n, const float *scale,
                                            const int32_t *zero_point, uint8_t flip) {
    if (n % 8 == 7) (void)*(volatile const float *)(scale + n);
    qk_quantize_channels_f32u8_scalar(x, q, n, scale, zero_point, flip);
}
void dequantize_rounds_twice(const uint8_t *q, float *x, size_t n, float scale, int32_t zero_point, uint8_t flip, int stream) {
    (void)stream;
    for (size_t i = 0; i < n; i++) x[i] = scale * (float)(q[i] ^ flip) - scale * (float)zero_point;
}
void dequantize_channels_shifts_zero_points(const uint8_t *q, float *x, size_t n, const float *scale,
                                            const int32_t *zero_point, uint8_t flip) {
    for (size_t i = 0; i < n; i++)
        x[i] = scale[i] * (float)((int32_t)(q[i] ^ flip) - zero_point[n % 16 == 15 && i == n - 1 ? i - 1 : i]);
}
void requantize_overflows(const int32_t *acc, uint8_t *q, size_t n, float multiplier, const struct qk_requant *r) {
    for (size_t i = 0; i < n; i++) {
        float v = (float)acc[i] * multiplier;
        if (v >= 0x1p31f) v = -0x1p31f; /* as vcvtps2dq does */
        q[i] = (uint8_t)((int32_t)rintf(fminf(fmaxf(v, r->lo_float), r->hi_float)) + r->zero_point) ^ r->flip;
    }
}
void requantize_channels_ignores_lo(const int32_t *acc, uint8_t *q, size_t n, const float *multiplier,
                                    const struct qk_requant *r) {
    struct qk_requant whole = *r;
    whole.lo = 0;
    whole.lo_float = (float)-r->zero_point;
    qk_requantize_channels_s32u8_scalar(acc, q, n, multiplier, &whole);
}
void minmax_takes_nan(const float *x, size_t n, float *lo, float *hi) {
    for (size_t i = 0; i < n; i++) {
        if (!(x[i] >= *lo)) *lo = x[i];
        if (!(x[i] <= *hi)) *hi = x[i];
    }
}

/* --- matrix product, on the scalar kernel's packing --- */

#define GEMM(function, bytes)                                                                                          \
    const struct qk_gemm_kernel function##_kernel = {                                                                  \
        .name = #function, .run = function, .mr = 4, .nr = 4, .kr = 1, .element_bytes = bytes, .column_order = natural_order}
static const uint8_t natural_order[] = {0, 1, 2, 3};

static void gemm_reads_one_after(size_t m, size_t n, const void *a, size_t a_stride, const struct qk_gemm_panel *panel,
                                 const struct qk_gemm_epilogue *epilogue, void *c, size_t c_stride) {
    if (panel->k % 4 == 3) (void)*((volatile const uint8_t *)a + (m - 1) * a_stride + panel->k);
    qk_gemm_u8s8_4x4_scalar.run(m, n, a, a_stride, panel, epilogue, c, c_stride);
}
GEMM(gemm_reads_one_after, 2);

static void gemm_stores_a_column_more(size_t m, size_t n, const void *a, size_t a_stride, const struct qk_gemm_panel *panel,
                                      const struct qk_gemm_epilogue *epilogue, void *c, size_t c_stride) {
    qk_gemm_u8s8_4x4_scalar.run(m, n, a, a_stride, panel, epilogue, c, c_stride);
    if (n == 3 && epilogue->out == QK_GEMM_OUT_U8) ((uint8_t *)c)[(m - 1) * c_stride + n] = 0;
}
GEMM(gemm_stores_a_column_more, 2);

static void gemm_saturates_pairs(size_t m, size_t n, const void *a, size_t a_stride, const struct qk_gemm_panel *panel,
                                 const struct qk_gemm_epilogue *epilogue, void *c, size_t c_stride) {
    qk_gemm_u8s8_4x4_scalar.run(m, n, a, a_stride, panel, epilogue, c, c_stride);
    for (size_t i = 0; i < m && epilogue->out == QK_GEMM_OUT_S32; i++)
        for (size_t j = 0; j < n; j++)
            for (size_t p = 0; p + 1 < panel->k; p += 2) { /* as vpmaddubsw does */
                const uint8_t *row = (const uint8_t *)a + i * a_stride + p;
                const int16_t *column = (const int16_t *)panel->b + p * 4 + j;
                const int32_t pair = row[0] * column[0] + row[1] * column[4];
                int32_t *to = (int32_t *)((uint8_t *)c + i * c_stride) + j;
                const int32_t clipped = pair > 32767 ? 32767 : pair < -32768 ? -32768 : pair;
                *to = (int32_t)((uint32_t)*to + (uint32_t)clipped - (uint32_t)pair);
            }
}
GEMM(gemm_saturates_pairs, 2);

static void gemm_trusts_bounded(size_t m, size_t n, const void *a, size_t a_stride, const struct qk_gemm_panel *panel,
                                const struct qk_gemm_epilogue *epilogue, void *c, size_t c_stride) {
    struct qk_gemm_epilogue plain = *epilogue;
    if (plain.requant.bounded) plain.requant.hi_float = (float)(255 - plain.requant.zero_point); /* forgets hi */
    qk_gemm_u8s8_4x4_scalar.run(m, n, a, a_stride, panel, &plain, c, c_stride);
}
GEMM(gemm_trusts_bounded, 2);

static void gemm_forgets_the_activation_if_bounded(size_t m, size_t n, const void *a, size_t a_stride,
                                                   const struct qk_gemm_panel *panel, const struct qk_gemm_epilogue *epilogue,
                                                   void *c, size_t c_stride) {
    struct qk_gemm_epilogue plain = *epilogue;
    if (plain.requant.bounded) plain.requant.activation = QK_NO_ACTIVATION;
    qk_gemm_u8s8_4x4_scalar.run(m, n, a, a_stride, panel, &plain, c, c_stride);
}
GEMM(gemm_forgets_the_activation_if_bounded, 2);

static void gemm_forgets_a_last_row(size_t m, size_t n, const void *a, size_t a_stride, const struct qk_gemm_panel *panel,
                                    const struct qk_gemm_epilogue *epilogue, void *c, size_t c_stride) {
    qk_gemm_u8s8_4x4_scalar.run(m % 4 == 1 && m > 4 ? m - 1 : m, n, a, a_stride, panel, epilogue, c, c_stride);
}
GEMM(gemm_forgets_a_last_row, 2);

/* int8 elements, what they cannot hold in further groups, as the fastest kernels have them; `most` of these are met. */
static void run_again(size_t m, size_t n, const void *a, size_t a_stride, const struct qk_gemm_panel *panel,
                      const struct qk_gemm_epilogue *epilogue, void *c, size_t c_stride, size_t most) {
    static int16_t whole[4 * 4096];
    const int8_t *b = panel->b;
    for (size_t i = 0; i < 4 * panel->k; i++) whole[i] = b[i];
    for (size_t g = 0; g < panel->n_again && g < most; g++)
        for (size_t j = 0; j < 4; j++) whole[4 * panel->again[g] + j] += b[4 * (panel->k + g) + j];
    const struct qk_gemm_panel wide = {panel->k, whole, NULL, 0};
    qk_gemm_u8s8_4x4_scalar.run(m, n, a, a_stride, &wide, epilogue, c, c_stride);
}

static void correct_gemm_again(size_t m, size_t n, const void *a, size_t a_stride, const struct qk_gemm_panel *panel,
                               const struct qk_gemm_epilogue *epilogue, void *c, size_t c_stride) {
    run_again(m, n, a, a_stride, panel, epilogue, c, c_stride, SIZE_MAX);
}
GEMM(correct_gemm_again, 1);

static void gemm_meets_one_group_again(size_t m, size_t n, const void *a, size_t a_stride, const struct qk_gemm_panel *panel,
                                       const struct qk_gemm_epilogue *epilogue, void *c, size_t c_stride) {
    run_again(m, n, a, a_stride, panel, epilogue, c, c_stride, 1);
}
GEMM(gemm_meets_one_group_again, 1);

/* --- convolutions --- */

static size_t depthwise_bytes(size_t channels, const int16_t *weights) {
    return qk_depthwise3x3_u8s8_scalar.packed_bytes(channels, weights);
}
static void depthwise_pack(size_t channels, const int16_t *weights, const int32_t *bias, const float *multiplier,
                           void *packed) {
    qk_depthwise3x3_u8s8_scalar.pack(channels, weights, bias, multiplier, packed);
}
#define DEPTHWISE(function)                                                                                            \
    const struct qk_depthwise_kernel function##_kernel = {#function, function, depthwise_bytes, depthwise_pack}

static void depthwise_takes_swish_for_sigmoid(const struct qk_depthwise_rows *rows, const void *packed,
                                          const struct qk_requant *requant) {
    struct qk_requant other = *requant;
    if (other.activation == QK_HARD_SWISH) other.activation = QK_HARD_SIGMOID;
    qk_depthwise3x3_u8s8_scalar.run(rows, packed, &other);
}
DEPTHWISE(depthwise_takes_swish_for_sigmoid);

/* takes the image to be as wide as its output asks for: no padding right of it */
static void depthwise_reads_beyond_width(const struct qk_depthwise_rows *rows, const void *packed,
                                         const struct qk_requant *requant) {
    struct qk_depthwise_rows wider = *rows;
    wider.width++;
    qk_depthwise3x3_u8s8_scalar.run(&wider, packed, requant);
}
DEPTHWISE(depthwise_reads_beyond_width);

static void depthwise_swaps_rows(const struct qk_depthwise_rows *rows, const void *packed, const struct qk_requant *requant) {
    struct qk_depthwise_rows swapped = *rows;
    if (rows->rows_out == 2) swapped.row[3] = rows->row[2], swapped.step[3] = rows->step[2];
    qk_depthwise3x3_u8s8_scalar.run(&swapped, packed, requant);
}
DEPTHWISE(depthwise_swaps_rows);

static size_t conv_first_bytes(size_t channels) {
    return qk_conv_first_u8s8_scalar.packed_bytes(channels);
}
static void conv_first_packs_too_much(size_t channels, const int16_t *weights, const int32_t *bias, const float *multiplier,
                                      void *packed) {
    qk_conv_first_u8s8_scalar.pack(channels, weights, bias, multiplier, packed);
    ((uint8_t *)packed)[(conv_first_bytes(channels) + 63) / 64 * 64] = 0;
}
static void conv_first_run(const struct qk_conv_first_rows *rows, const void *packed, const struct qk_requant *requant) {
    qk_conv_first_u8s8_scalar.run(rows, packed, requant);
}
const struct qk_conv_first_kernel conv_first_packs_too_much_kernel = {"conv_first_packs_too_much", conv_first_run,
                                                                      conv_first_bytes, conv_first_packs_too_much};

/* int8 weights: nothing of the row that they cannot hold */
static void conv_first_packs_int8(size_t channels, const int16_t *weights, const int32_t *bias, const float *multiplier,
                                  void *packed) {
    static int16_t narrow[QK_CONV_FIRST_TAPS * 4096];
    for (size_t i = 0; i < QK_CONV_FIRST_TAPS * channels; i++) narrow[i] = (int8_t)weights[i];
    qk_conv_first_u8s8_scalar.pack(channels, narrow, bias, multiplier, packed);
}
const struct qk_conv_first_kernel conv_first_packs_int8_kernel = {"conv_first_packs_int8", conv_first_run, conv_first_bytes,
                                                                  conv_first_packs_int8};

/* --- the rest --- */

void add_fuses(const uint8_t *a, const uint8_t *b, uint8_t *out, size_t n, const struct qk_arithmetic *p) {
    for (size_t i = 0; i < n; i++) {
        const float second = (float)(b[i] - p->zero_b) * p->scale_b;
        out[i] = qk_round_to_byte(fmaf((float)(a[i] - p->zero_a), p->scale_a, second), &p->requant);
    }
}
void add_makes_nan_hi(const uint8_t *a, const uint8_t *b, uint8_t *out, size_t n, const struct qk_arithmetic *p) {
    qk_add_u8_scalar(a, b, out, n, p);
    for (size_t i = 0; i < n; i++)
        if (isnan((float)(a[i] - p->zero_a) * p->scale_a + (float)(b[i] - p->zero_b) * p->scale_b))
            out[i] = p->requant.hi ^ p->requant.flip;
}
void multiply_in_16_bits(const uint8_t *a, const uint8_t *b, uint8_t *out, size_t n, const struct qk_arithmetic *p) {
    for (size_t i = 0; i < n; i++) {
        const int16_t product = (int16_t)((a[i] - p->zero_a) * (b[i] - p->zero_b));
        out[i] = qk_round_to_byte((float)product * p->scale_a, &p->requant);
    }
}
void table_takes_seven_bits_of_the_last(const uint8_t *x, uint8_t *y, size_t n, const uint8_t *table) {
    qk_table_u8_scalar(x, y, n, table);
    if (n % 64 == 63) y[n - 1] = table[x[n - 1] & 127];
}
void table_reads_one_entry_more(const uint8_t *x, uint8_t *y, size_t n, const uint8_t *table) {
    qk_table_u8_scalar(x, y, n, table);
    (void)*(volatile const uint8_t *)(table + QK_TABLE_SIZE);
}
void transpose_u8_writes_gaps(const uint8_t *src, size_t src_stride, uint8_t *dst, size_t dst_stride, size_t rows,
                              size_t columns) {
    qk_transpose_u8_scalar(src, src_stride, dst, dst_stride, rows, columns);
    if (rows % 16 == 15 && columns > 1 && dst_stride > rows) dst[rows] = 0;
}
void transpose_u32_leaves_a_last_column(const uint32_t *src, size_t src_stride, uint32_t *dst, size_t dst_stride, size_t rows,
                                        size_t columns) {
    qk_transpose_u32_scalar(src, src_stride, dst, dst_stride, rows, columns % 8 == 1 ? columns - 1 : columns);
}
void quantize16_saturates_as_signed(const float *x, uint16_t *q, size_t n, const float *scale, const int32_t *zero_point,
                                    size_t step, uint16_t flip) {
    qk_quantize_f32u16_scalar(x, q, n, scale, zero_point, step, flip);
    for (size_t i = 0; i < n; i++)
        if ((q[i] ^ flip) > INT16_MAX) q[i] = INT16_MAX ^ flip;
}
void dequantize16_ignores_flip(const uint16_t *q, float *x, size_t n, const float *scale, const int32_t *zero_point,
                               size_t step, uint16_t flip) {
    (void)flip;
    qk_dequantize_u16f32_scalar(q, x, n, scale, zero_point, step, 0);
}
void dequantize32_rounds_once(const int32_t *q, float *x, size_t n, const float *scale, size_t step) {
    for (size_t i = 0; i < n; i++) x[i] = (float)((double)scale[i * step] * q[i]);
}
uint64_t count_saturations_counts_the_ends(const uint8_t *a, const int8_t *b, size_t pairs, size_t columns) {
    uint64_t count = 0;
    for (size_t p = 0; p < pairs; p++)
        for (size_t j = 0; j < columns; j++, b += 2) {
            const int32_t sum = a[2 * p] * b[0] + a[2 * p + 1] * b[1];
            count += sum <= INT16_MIN || sum >= INT16_MAX;
        }
    return count;
}
void window_sum_in_16_bits(const uint8_t *x, size_t rows, size_t row_stride, size_t columns, size_t column_stride,
                           size_t channels, int32_t bias, int32_t *acc) {
    for (size_t c = 0; c < channels; c++) {
        uint16_t sum = 0;
        for (size_t i = 0; i < rows; i++)
            for (size_t j = 0; j < columns; j++) sum = (uint16_t)(sum + x[i * row_stride + j * column_stride + c]);
        acc[c] = bias + sum;
    }
}
void softmax_row_sums_in_order(const float *x, float *y, size_t n) {
    qk_softmax_row_scalar(x, y, n);
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double)y[i]; /* renormalized: close, but not the same bytes */
    for (size_t i = 0; i < n; i++) y[i] = (float)(y[i] / sum);
}
uint64_t probe_read_leaves_the_last(const void *data, size_t bytes) {
    return qk_probe_read_scalar(data, bytes - 32);
}
uint64_t probe_peak_counts_once(size_t iterations) {
    return qk_probe_peak_scalar(iterations) + 1;
}

const struct qk_backend qk_backend_avx2 = {.name = "faulty", .required_features = 0, .kernels = {.SLOT = KERNEL}};
