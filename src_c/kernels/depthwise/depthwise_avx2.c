/* Depthwise 3x3 on 16 channels at a time.
 *
 * vpmaddwd sums two taps exactly where the bytes of two rows lie side by side as 16-bit words. Columns of a piece of the rows
 * are widened and paired that way once, into a buffer in the first-level cache, padding included:
 *
 *     words of a column   r0 r1         r2 r3       for each of 16 channels
 *     weights, row 0      w0 w1         w2  0
 *     weights, row 1       0 w0         w1 w2       (the second output row)
 *
 * so that the loop over outputs has neither unpacks nor edges. A column of two rows costs 72 operations of the vector ports
 * (8 to widen, 24 products and as many additions, 16 to make bytes), 18 cycles for 32 outputs. Weights have no registers of
 * their own: two outputs side by side share each load, which keeps the loads below the two a cycle that there are.
 */
#include "../requant_avx2.h"
#include "depthwise.h"

enum { BLOCK = 16, PIECE = 28, MAX_COLUMNS = 2 * PIECE + 3 }; /* outputs of a piece; columns for them, and one more output */

enum pairing { TOP_01, TOP_23, BOTTOM_01, BOTTOM_23, PAIRINGS };

struct block {
    int16_t taps[2][3][PAIRINGS][16]; /* half of the channels, kernel column */
    int32_t bias[BLOCK];
    float multiplier[BLOCK];
};

/* Channel of lane e of half h: unpacking words in 128-bit lanes makes this order, packing undoes it. */
static size_t lane_channel(size_t half, size_t e) {
    return 8 * (e / 4) + 4 * half + e % 4;
}

static size_t packed_bytes(size_t channels) {
    return (channels + BLOCK - 1) / BLOCK * sizeof(struct block);
}

static void pack(size_t channels, const int8_t *weights, const int32_t *bias, const float *multiplier, void *packed) {
    for (size_t c0 = 0; c0 < channels; c0 += BLOCK) {
        struct block *b = (struct block *)packed + c0 / BLOCK;
        *b = (struct block){0};
        for (size_t half = 0; half < 2; half++)
            for (size_t e = 0; e < 8; e++) {
                const size_t c = c0 + lane_channel(half, e);
                if (c >= channels) continue;
                b->bias[half * 8 + e] = bias[c];
                b->multiplier[half * 8 + e] = multiplier[c];
                for (size_t x = 0; x < 3; x++) {
                    const int8_t *w = weights + x * channels + c;
                    int16_t(*taps)[16] = b->taps[half][x];
                    taps[TOP_01][2 * e] = taps[BOTTOM_01][2 * e + 1] = w[0];
                    taps[TOP_01][2 * e + 1] = taps[BOTTOM_23][2 * e] = w[3 * channels];
                    taps[TOP_23][2 * e] = taps[BOTTOM_23][2 * e + 1] = w[6 * channels];
                }
            }
    }
}

/* The rows of a column of 16 channels in pairs, each in two halves. */
struct column { __m256i r01[2], r23[2]; };

struct view {
    const struct block *block;
    struct bounds bounds;
    const uint8_t *row[4];
    size_t step[4];
    const uint8_t *pad;
    size_t width, channels, left; /* left: channels of the block, 1.. */
    uint8_t *out[2];
};

/* What is the same all through a call, so that the compiler drops the rest. */
struct kind {
    int rows_out, stride;
    enum form form;
};

ALWAYS_INLINE __m256i widen(const uint8_t *p, size_t left) {
    if (__builtin_expect(left >= BLOCK, 1)) return _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)p));
    uint8_t buffer[BLOCK] = {0};
    memcpy(buffer, p, left);
    return _mm256_cvtepu8_epi16(_mm_loadu_si128((const __m128i *)buffer));
}

ALWAYS_INLINE void pair_up(__m256i a, __m256i b, __m256i pairs[2]) {
    pairs[0] = _mm256_unpacklo_epi16(a, b);
    pairs[1] = _mm256_unpackhi_epi16(a, b);
}

/* n columns from column x on, which may lie outside of the image */
ALWAYS_INLINE void load_columns(const struct view *v, size_t x, size_t n, int rows_out, struct column *columns) {
    for (size_t i = 0; i < n; i++, x++, columns++) {
        if (__builtin_expect(x >= v->width, 0)) {
            const __m256i pad = widen(v->pad, v->left);
            pair_up(pad, pad, columns->r01);
            pair_up(pad, pad, columns->r23);
            continue;
        }
        const __m256i r2 = widen(v->row[2] + x * v->step[2], v->left);
        pair_up(widen(v->row[0] + x * v->step[0], v->left), widen(v->row[1] + x * v->step[1], v->left), columns->r01);
        /* a fourth row that is not needed meets zero weights */
        pair_up(r2, rows_out == 2 ? widen(v->row[3] + x * v->step[3], v->left) : r2, columns->r23);
    }
}

ALWAYS_INLINE __m256i dot(__m256i acc, __m256i pairs, __m256i weights) {
    return _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, weights));
}

/* A load that is done once: the compiler would fold it into each instruction that uses it. */
ALWAYS_INLINE __m256i load_once(const void *p) {
    __m256i v = _mm256_load_si256(p);
    __asm__("" : "+x"(v));
    return v;
}

/* Half of the channels of an output row of two outputs, rounded. */
struct sums { __m256i p, q; };

ALWAYS_INLINE struct sums two_sums(const struct view *v, const struct column *p, int half, int bottom, struct kind kind) {
    const struct block *b = v->block;
    const struct column *q = p + kind.stride;
    struct sums s;
    s.p = s.q = load_once(b->bias + 8 * half);
#pragma GCC unroll 3
    for (int x = 0; x < 3; x++) {
        const __m256i w01 = load_once(b->taps[half][x][bottom ? BOTTOM_01 : TOP_01]);
        s.p = dot(s.p, p[x].r01[half], w01), s.q = dot(s.q, q[x].r01[half], w01);
        const __m256i w23 = load_once(b->taps[half][x][bottom ? BOTTOM_23 : TOP_23]);
        s.p = dot(s.p, p[x].r23[half], w23), s.q = dot(s.q, q[x].r23[half], w23);
    }
    const __m256 multiplier = _mm256_load_ps(b->multiplier + 8 * half);
    s.p = scale_and_round(s.p, multiplier, &v->bounds, kind.form);
    s.q = scale_and_round(s.q, multiplier, &v->bounds, kind.form);
    return s;
}

/* Outputs x and, where there are `both`, x + 1. */
ALWAYS_INLINE void two_outputs(const struct view *v, const struct column *columns, size_t x, int both, struct kind kind) {
#pragma GCC unroll 2
    for (int y = 0; y < kind.rows_out; y++) {
        const struct sums low = two_sums(v, columns, 0, y, kind), high = two_sums(v, columns, 1, y, kind);
        const __m256i p = to_words(low.p, high.p, &v->bounds, kind.form), q = to_words(low.q, high.q, &v->bounds, kind.form);
        const __m256i bytes = _mm256_permute4x64_epi64(to_bytes(p, q, &v->bounds, kind.form), 0xd8);
        store_16(v->out[y] + x * v->channels, _mm256_castsi256_si128(bytes), v->left);
        if (both) store_16(v->out[y] + (x + 1) * v->channels, _mm256_extracti128_si256(bytes, 1), v->left);
    }
}

ALWAYS_INLINE void run_columns(const struct view *view, size_t pad_left, size_t width_out, struct kind kind) {
    struct column columns[MAX_COLUMNS];
    const struct view v = *view;
    const size_t stride = (size_t)kind.stride;
    for (size_t from = 0; from < width_out; from += PIECE) {
        const size_t n = width_out - from < PIECE ? width_out - from : PIECE;
        load_columns(&v, from * stride - pad_left, (n - 1) * stride + 3, kind.rows_out, columns);
        size_t i = 0;
        for (; i + 2 <= n; i += 2) two_outputs(&v, columns + i * stride, from + i, 1, kind);
        if (i < n) two_outputs(&v, columns + i * stride, from + i, 0, kind);
    }
}

typedef void columns_fn(const struct view *view, size_t pad_left, size_t width_out);
#define KIND(name, rows_out, stride, form)                                                                             \
    static void name(const struct view *view, size_t pad_left, size_t width_out) {                                     \
        run_columns(view, pad_left, width_out, (struct kind){rows_out, stride, form});                                 \
    }
#define FORMS(name, rows_out, stride)                                                                                  \
    KIND(name##_plain, rows_out, stride, PLAIN)                                                                        \
    KIND(name##_bounded, rows_out, stride, BOUNDED)                                                                    \
    KIND(name##_any, rows_out, stride, ANY)                                                                            \
    static columns_fn *const name[N_FORMS] = {name##_plain, name##_bounded, name##_any};
FORMS(two_rows, 2, 1)
FORMS(one_row, 1, 1)
FORMS(stride2, 1, 2)

static void run(const struct qk_depthwise_rows *rows, const void *packed, const struct qk_requant *requant) {
    struct view v = {.block = packed, .bounds = make_bounds(requant), .width = rows->width, .channels = rows->channels};
    columns_fn *const run_block = (rows->stride == 2 ? stride2 : rows->rows_out == 2 ? two_rows : one_row)[form_of(requant)];
    for (size_t c = 0; c < rows->channels; c += BLOCK, v.block++) {
        v.pad = rows->pad + c;
        v.left = rows->channels - c;
        if (v.left > BLOCK) v.left = BLOCK;
        for (size_t i = 0; i < rows->rows_out + 2; i++) {
            v.row[i] = rows->row[i] + c;
            v.step[i] = rows->step[i];
        }
        for (size_t i = 0; i < rows->rows_out; i++) v.out[i] = rows->out[i] + c;
        run_block(&v, rows->pad_left, rows->width_out);
    }
}

const struct qk_depthwise_kernel qk_depthwise3x3_u8s8_avx2 = {"depthwise3x3_u8s8_avx2", run, packed_bytes, pack};
