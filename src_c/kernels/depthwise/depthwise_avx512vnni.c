/* Depthwise 3x3 on vectors of 64 bytes: 64 channels of a pixel, or 32 channels of two pixels ('paired') where no more are
 * left.
 *
 * The bytes of one column of four input rows are interleaved by unpacking twice, so that one dot product sums up to four
 * taps of each channel:
 *
 *     lanes of a column   r0 r1 r2 r3   for each of 16 channels
 *     weights, row 0      w0 w1 w2  0
 *     weights, row 1       0 w0 w1 w2   (the second output row)
 *
 * A vector of outputs takes 12 dot products and 4 multiplications of the epilogue, 16 cycles of the two multiplying ports;
 * unpacks, conversions and packs run beside them. What has to be watched is the loads, one a cycle: two output rows have 24
 * vectors of weights, more than there are registers, so two vectors of outputs are made at once and share each load.
 */
#include "../requant_avx512vnni.h"
#include "depthwise.h"

enum { BLOCK = 64, HALF = 32, GROUPS = 4 };

struct block {
    int8_t taps[2][3][GROUPS][64]; /* output row, kernel column, group of 16 channels */
    int32_t bias[BLOCK];
    float multiplier[BLOCK];
};

/* Channel of lane e of group g: packing four groups of int32 to bytes then leaves natural order. */
static size_t lane_channel(size_t g, size_t e) {
    return 16 * (e / 4) + 4 * g + e % 4;
}

static size_t packed_bytes(size_t channels) {
    return (channels + BLOCK - 1) / BLOCK * sizeof(struct block);
}

static void pack(size_t channels, const int8_t *weights, const int32_t *bias, const float *multiplier, void *packed) {
    for (size_t c0 = 0; c0 < channels; c0 += BLOCK) {
        struct block *b = (struct block *)packed + c0 / BLOCK;
        *b = (struct block){0};
        const size_t left = channels - c0, period = left <= HALF ? HALF : BLOCK; /* paired: both pixels have the same */
        for (size_t g = 0; g < GROUPS; g++)
            for (size_t e = 0; e < 16; e++) {
                const size_t within = lane_channel(g, e) % period, c = c0 + within;
                if (within >= left) continue;
                b->bias[g * 16 + e] = bias[c];
                b->multiplier[g * 16 + e] = multiplier[c];
                for (size_t x = 0; x < 3; x++)
                    for (size_t y = 0; y < 3; y++)
                        b->taps[0][x][g][e * 4 + y] = b->taps[1][x][g][e * 4 + y + 1] = weights[(y * 3 + x) * channels + c];
            }
    }
}

/* One vector of each group. */
struct quad { __m512i g0, g1, g2, g3; };

/* Where a block of channels is read and written. */
struct view {
    const struct block *block;
    struct bounds bounds;
    const uint8_t *row[4];
    size_t step[4]; /* bytes from column to column, 0 for a row of padding */
    const uint8_t *pad;
    size_t width, width_out, channels;
    __mmask64 mask; /* channels of the block */
    uint8_t *out[2];
};

/* What is the same all through a call, so that the compiler drops the rest: outputs rows, stride, channels in pairs of
 * pixels, all channels of the block there, form of the epilogue. */
struct kind {
    int rows_out, stride, paired, whole;
    enum form form;
};

ALWAYS_INLINE __m256i load_half(const struct view *v, int i, size_t x, struct kind kind) {
    const uint8_t *p = x < v->width ? v->row[i] + x * v->step[i] : v->pad;
    return kind.whole ? _mm256_loadu_si256((const __m256i *)p) : _mm256_maskz_loadu_epi8((__mmask32)v->mask, p);
}

/* Row i of column x (outside the image: the padding); paired: and of the column that the next output has in its place. */
ALWAYS_INLINE __m512i load_row(const struct view *v, int i, size_t x, struct kind kind) {
    if (kind.paired) {
        if (kind.whole && kind.stride == 1 && v->step[i] == HALF && x < v->width && x + 1 < v->width)
            return _mm512_loadu_si512(v->row[i] + x * HALF);
        const __m256i low = load_half(v, i, x, kind), high = load_half(v, i, x + (size_t)kind.stride, kind);
        return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
    }
    const uint8_t *p = x < v->width ? v->row[i] + x * v->step[i] : v->pad;
    return kind.whole ? _mm512_loadu_si512(p) : _mm512_maskz_loadu_epi8(v->mask, p);
}

ALWAYS_INLINE struct quad load_column(const struct view *v, size_t x, struct kind kind) {
    const __m512i r0 = load_row(v, 0, x, kind), r1 = load_row(v, 1, x, kind), r2 = load_row(v, 2, x, kind);
    const __m512i r3 = kind.rows_out == 2 ? load_row(v, 3, x, kind) : r2; /* meets zero weights */
    const __m512i low01 = _mm512_unpacklo_epi8(r0, r1), high01 = _mm512_unpackhi_epi8(r0, r1);
    const __m512i low23 = _mm512_unpacklo_epi8(r2, r3), high23 = _mm512_unpackhi_epi8(r2, r3);
    return (struct quad){_mm512_unpacklo_epi16(low01, low23), _mm512_unpackhi_epi16(low01, low23),
                         _mm512_unpacklo_epi16(high01, high23), _mm512_unpackhi_epi16(high01, high23)};
}

ALWAYS_INLINE __m512i scaled(__m512i acc, const struct view *v, int g, enum form form) {
    return scale_and_round(acc, _mm512_load_ps(v->block->multiplier + 16 * g), &v->bounds, form);
}

/* Output vector i of output row y. */
ALWAYS_INLINE void store(struct quad acc, const struct view *v, int y, size_t i, struct kind kind) {
    const struct bounds *b = &v->bounds;
    const __m512i low = to_words(scaled(acc.g0, v, 0, kind.form), scaled(acc.g1, v, 1, kind.form), b, kind.form);
    const __m512i high = to_words(scaled(acc.g2, v, 2, kind.form), scaled(acc.g3, v, 3, kind.form), b, kind.form);
    const __m512i bytes = to_bytes(low, high, b, kind.form);
    const size_t x = kind.paired ? 2 * i : i;
    uint8_t *out = v->out[y] + x * v->channels;
    if (!kind.paired) {
        if (kind.whole) _mm512_storeu_si512(out, bytes);
        else _mm512_mask_storeu_epi8(out, v->mask, bytes);
        return;
    }
    const __mmask32 mask = (__mmask32)v->mask;
    const __m256i first = _mm512_castsi512_si256(bytes), second = _mm512_extracti64x4_epi64(bytes, 1);
    if (kind.whole) _mm256_storeu_si256((__m256i *)out, first);
    else _mm256_mask_storeu_epi8(out, mask, first);
    if (x + 1 >= v->width_out) return;
    if (kind.whole) _mm256_storeu_si256((__m256i *)(out + v->channels), second);
    else _mm256_mask_storeu_epi8(out + v->channels, mask, second);
}

#define TAP(x, g) _mm512_load_si512(b->taps[y][x][g])
#define BIAS(g) _mm512_load_si512(b->bias + 16 * g)
#define DOT _mm512_dpbusd_epi32

/* Two vectors of outputs of each row, from columns p0 p1 p2 and q0 q1 q2. */
ALWAYS_INLINE void two_vectors(const struct view *v, size_t i, size_t vectors, struct quad p0, struct quad p1, struct quad p2,
                               struct quad q0, struct quad q1, struct quad q2, struct kind kind) {
    const struct block *b = v->block;
    for (int y = 0; y < kind.rows_out; y++) {
        struct quad p, q;
#define GROUP(g, n)                                                                                                    \
        {                                                                                                              \
            const __m512i w0 = TAP(0, n), w1 = TAP(1, n), w2 = TAP(2, n), bias = BIAS(n);                              \
            p.g = DOT(DOT(DOT(bias, p0.g, w0), p1.g, w1), p2.g, w2);                                                   \
            q.g = DOT(DOT(DOT(bias, q0.g, w0), q1.g, w1), q2.g, w2);                                                   \
        }
        GROUP(g0, 0) GROUP(g1, 1) GROUP(g2, 2) GROUP(g3, 3)
#undef GROUP
        store(p, v, y, i, kind);
        if (i + 1 < vectors) store(q, v, y, i + 1, kind);
    }
}

/* All output columns. A column that two outputs need is loaded and unpacked once. */
ALWAYS_INLINE void run_columns(const struct view *v, size_t pad_left, struct kind kind) {
    const size_t vectors = kind.paired ? (v->width_out + 1) / 2 : v->width_out;
    const size_t advance = (size_t)kind.stride * (kind.paired ? 2 : 1); /* input columns from one vector to the next */
    size_t at = 0 - pad_left;
    struct quad c0 = load_column(v, at, kind), c1 = c0;
    if (advance == 1) c1 = load_column(v, at + 1, kind);
    for (size_t i = 0; i < vectors; i += 2, at += 2 * advance) {
        if (advance == 1) {
            const struct quad c2 = load_column(v, at + 2, kind), c3 = load_column(v, at + 3, kind);
            two_vectors(v, i, vectors, c0, c1, c2, c1, c2, c3, kind);
            c0 = c2, c1 = c3;
        } else {
            const struct quad p1 = load_column(v, at + 1, kind), p2 = load_column(v, at + 2, kind);
            const struct quad q0 = advance == 2 ? p2 : load_column(v, at + 4, kind);
            const struct quad q1 = load_column(v, at + advance + 1, kind), q2 = load_column(v, at + advance + 2, kind);
            two_vectors(v, i, vectors, c0, p1, p2, q0, q1, q2, kind);
            c0 = advance == 2 ? q2 : load_column(v, at + 8, kind);
        }
    }
}

/* A function of its own for each kind. Kinds that no network is slow for share one: an epilogue of any form, masks. */
typedef void columns_fn(const struct view *v, size_t pad_left);
#define KIND(name, rows_out, stride, paired, whole, form)                                                              \
    static void name(const struct view *v, size_t pad_left) {                                                          \
        run_columns(v, pad_left, (struct kind){rows_out, stride, paired, whole, form});                                \
    }
#define FORMS(name, rows_out, stride, paired)                                                                          \
    KIND(name##_plain, rows_out, stride, paired, 1, PLAIN)                                                             \
    KIND(name##_bounded, rows_out, stride, paired, 1, BOUNDED)                                                         \
    KIND(name##_any, rows_out, stride, paired, 0, ANY)                                                                 \
    static columns_fn *const name[N_FORMS] = {name##_plain, name##_bounded, name##_any};
FORMS(two_rows, 2, 1, 0)
FORMS(two_rows_paired, 2, 1, 1)
FORMS(one_row, 1, 1, 0)
FORMS(one_row_paired, 1, 1, 1)
FORMS(stride2, 1, 2, 0)
FORMS(stride2_paired, 1, 2, 1)

static columns_fn *choose(const struct qk_depthwise_rows *rows, int paired, int whole, enum form form) {
    columns_fn *const *forms = rows->stride == 2     ? (paired ? stride2_paired : stride2)
                               : rows->rows_out == 2 ? (paired ? two_rows_paired : two_rows)
                                                     : (paired ? one_row_paired : one_row);
    return forms[whole ? form : ANY];
}

static void run(const struct qk_depthwise_rows *rows, const void *packed, const struct qk_requant *requant) {
    struct view v = {.block = packed, .bounds = make_bounds(requant), .width = rows->width, .width_out = rows->width_out,
                     .channels = rows->channels};
    for (size_t c = 0; c < rows->channels; c += BLOCK, v.block++) {
        const size_t left = rows->channels - c;
        const int paired = left <= HALF;
        v.pad = rows->pad + c;
        v.mask = first_bytes(left);
        for (size_t i = 0; i < rows->rows_out + 2; i++) v.row[i] = rows->row[i] + c, v.step[i] = rows->step[i];
        for (size_t i = 0; i < rows->rows_out; i++) v.out[i] = rows->out[i] + c;
        choose(rows, paired, left == HALF || left >= BLOCK, form_of(requant))(&v, rows->pad_left);
    }
}

const struct qk_depthwise_kernel qk_depthwise3x3_u8s8_avx512vnni = {"depthwise3x3_u8s8_avx512vnni", run, packed_bytes, pack};
