/* Quantize, dequantize, requantize and ranges: as functions and as operators, on every instruction set. */
#include "reader.h"

enum { MOST = 1 << 13 };

static uint8_t byte_of(double q, int32_t zero_point, int32_t lo, int32_t hi) {
    if (isnan(q)) q = 0;
    return (uint8_t)(int32_t)fmin(fmax(rint(q) + zero_point, lo), hi);
}

/* The functions' and the operators' results against the definition. */
static void affine(struct reader *r, const qk_affine *m, size_t n) {
    const int32_t least = least_of(m->dtype);
    float *x = make_floats(r, n), *back = exact(n * sizeof *back), *real = exact(n * sizeof *real);
    uint8_t *q = exact(n), *expected = exact(n), *bytes = make_bytes(r, n);
    for (size_t i = 0; i < n; i++) {
        const size_t c = i / m->inner % m->channels;
        expected[i] = byte_of(x[i] / m->scale[c], m->zero_point[c], least, least + 255);
        const int32_t stored = m->dtype == QK_S8 ? (int8_t)bytes[i] : bytes[i];
        real[i] = m->scale[c] * (float)(stored - m->zero_point[c]);
    }
    EACH_ISA(i) {
        for (int as_operator = 0; as_operator < 2; as_operator++) {
            memset(q, 0x5a, n);
            memset(back, 0x5a, n * sizeof *back);
            if (as_operator) {
                qk_op *op;
                REQUIRE(qk_quantize_create(m, &op) == QK_OK && qk_op_implementation(op) != NULL);
                REQUIRE(qk_op_run(op, (const void *[]){x}, q, 0) == QK_OK);
                qk_op_destroy(op);
                REQUIRE(qk_dequantize_create(m, &op) == QK_OK);
                REQUIRE(qk_op_run(op, (const void *[]){bytes}, back, 0) == QK_OK);
                qk_op_destroy(op);
            } else {
                REQUIRE(qk_quantize(x, q, m) == QK_OK);
                REQUIRE(qk_dequantize(bytes, back, m) == QK_OK);
            }
            REQUIRE(memcmp(q, expected, n) == 0);
            REQUIRE(memcmp(back, real, n * sizeof *back) == 0);
        }
    }
    free(x), free(back), free(real), free(q), free(expected), free(bytes);
}

/* 16-bit and 32-bit integers: functions alone, no operators. */
static void affine_wide(struct reader *r, size_t outer, size_t channels, size_t inner, const float *scale) {
    static const qk_dtype types[] = {QK_U16, QK_S16, QK_S32};
    const qk_dtype dtype = types[between(r, 0, 2)];
    const size_t n = outer * channels * inner, size = qk_dtype_size(dtype);
    const int32_t least = dtype == QK_S16 ? -32768 : 0, most = dtype == QK_S32 ? 0 : least + 65535;
    int32_t *zero_point = make_ints(r, channels, least, most);
    const qk_affine m = {outer, channels, inner, scale, zero_point, dtype};
    float *x = make_floats(r, n), *back = exact(n * sizeof *back);
    uint8_t *q = exact(n * size), *stored = make_bytes(r, n * size);
    qk_op *op = NULL;
    REQUIRE(qk_quantize_create(&m, &op) == QK_ERROR_ARGUMENT && qk_dequantize_create(&m, &op) == QK_ERROR_ARGUMENT && !op);
    EACH_ISA(isa) {
        memset(back, 0x5a, n * sizeof *back);
        REQUIRE(qk_quantize(x, q, &m) == (dtype == QK_S32 ? QK_ERROR_ARGUMENT : QK_OK));
        REQUIRE(qk_dequantize(stored, back, &m) == QK_OK);
        for (size_t i = 0; i < n; i++) {
            const size_t c = i / inner % channels;
            int16_t half;
            int32_t word;
            memcpy(&half, stored + i * size, sizeof half);
            if (dtype == QK_S32) memcpy(&word, stored + i * size, sizeof word);
            else word = (dtype == QK_S16 ? half : (uint16_t)half) - zero_point[c];
            const float real = scale[c] * (float)word;
            REQUIRE(memcmp(&back[i], &real, sizeof real) == 0);
            if (dtype == QK_S32) continue;
            const float steps = x[i] / scale[c];
            const double rounded = (isnan(steps) ? 0 : rint((double)steps)) + zero_point[c];
            memcpy(&half, q + i * size, sizeof half);
            REQUIRE((dtype == QK_S16 ? half : (uint16_t)half) == (int32_t)fmin(fmax(rounded, least), most));
        }
    }
    free(zero_point), free(x), free(back), free(q), free(stored);
}

static void requantize(struct reader *r, size_t outer, size_t channels, size_t inner, int hostile) {
    const size_t n = outer * channels * inner;
    qk_epilogue e = make_epilogue(r, channels, 1, hostile);
    if (!e.multiplier) e.multiplier = make_scales(r, channels);
    const qk_requantize_map m = {outer, channels, inner, e.multiplier, e.zero_point, e.lo, e.hi, e.dtype};
    int32_t *acc = make_ints(r, n, INT32_MIN, INT32_MAX);
    uint8_t *q = exact(n);
    const int valid = is_valid_epilogue(&e) && (e.dtype == QK_U8 || e.dtype == QK_S8);
    EACH_ISA(isa) {
        REQUIRE(qk_requantize(acc, q, &m) == (valid ? QK_OK : QK_ERROR_ARGUMENT));
        for (size_t i = 0; valid && i < n; i++)
            REQUIRE(q[i] == byte_of((float)acc[i] * m.multiplier[i / inner % channels], m.zero_point, m.lo, m.hi));
    }
    free(acc), free(q), free_epilogue(&e);
}

static void minmax(struct reader *r) {
    const size_t n = between(r, 0, 300);
    float *x = make_floats(r, n), lo = INFINITY, hi = -INFINITY;
    for (size_t i = 0; i < n; i++) lo = x[i] < lo ? x[i] : lo, hi = x[i] > hi ? x[i] : hi;
    EACH_ISA(isa) {
        float got_lo, got_hi;
        qk_minmax(x, n, &got_lo, &got_hi);
        REQUIRE(got_lo == lo && got_hi == hi);
    }
    free(x);
}

/* Maps that must be refused before anything is touched, so that the arrays can be missing. */
static void refused(struct reader *r) {
    float scale[4] = {1, 1, 1, 1};
    int32_t zero_point[4] = {0};
    qk_affine m = {between(r, 1, 4), between(r, 1, 4), between(r, 1, 4), scale, zero_point, (qk_dtype)between(r, 0, 1)};
    switch (between(r, 0, 2)) {
    case 0:
        m.dtype = one_in(r, 4) ? QK_F32 : (qk_dtype)between(r, QK_S16 + 1, 255);
        break;
    case 1: {
        const int32_t wrong = any_int(r), least = least_of(m.dtype);
        if (wrong >= least && wrong <= least + 255) return;
        zero_point[between(r, 0, m.channels - 1)] = wrong;
        break;
    }
    default:
        m.outer = absurd_size(r);
        m.inner = absurd_size(r);
        if (PRODUCT(m.outer, m.channels, m.inner, sizeof(float)) != SIZE_MAX) return;
    }
    qk_op *op = NULL;
    REQUIRE(qk_quantize(NULL, NULL, &m) == QK_ERROR_ARGUMENT);
    REQUIRE(qk_dequantize(NULL, NULL, &m) == QK_ERROR_ARGUMENT);
    REQUIRE(qk_quantize_create(&m, &op) == QK_ERROR_ARGUMENT && !op);
    REQUIRE(qk_dequantize_create(&m, &op) == QK_ERROR_ARGUMENT && !op);
    const qk_requantize_map huge = {m.outer, m.channels, m.inner, scale, 0, 0, 1, m.dtype};
    if (zero_point[0] == 0 && zero_point[1] == 0 && zero_point[2] == 0 && zero_point[3] == 0)
        REQUIRE(qk_requantize(NULL, NULL, &huge) == QK_ERROR_ARGUMENT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct reader r = {data, size};
    choose_threads(&r);
    if (one_in(&r, 8)) {
        refused(&r);
        return 0;
    }
    const size_t channels = between(&r, 0, 3) ? between(&r, 0, 300) : 1;
    const size_t inner = between(&r, 0, 2) ? between(&r, 0, 40) : 1;
    const size_t most = MOST / ((channels ? channels : 1) * (inner ? inner : 1));
    const size_t outer = between(&r, 0, most < 40 ? most : channels * inner == 1 ? most : 40);
    const qk_dtype dtype = (qk_dtype)between(&r, 0, 1);
    float *scale = make_scales(&r, channels);
    int32_t *zero_point = make_ints(&r, channels, least_of(dtype), least_of(dtype) + 255);
    const qk_affine m = {outer, channels, inner, scale, zero_point, dtype};
    affine(&r, &m, outer * channels * inner);
    affine_wide(&r, outer, channels, inner, scale);
    requantize(&r, outer, channels, inner, one_in(&r, 4));
    minmax(&r);
    REQUIRE(qk_dtype_size(dtype) == 1 && qk_dtype_size(QK_F32) == sizeof(float) && qk_dtype_size(QK_S32) == sizeof(int32_t));
    REQUIRE(qk_dtype_size(QK_U16) == 2 && qk_dtype_size(QK_S16) == 2);
    free(scale), free(zero_point);
    return 0;
}
