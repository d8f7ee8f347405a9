/* Depthwise 3x3 on 32 channels at a time.
 *
 * vpmaddwd sums two taps exactly where the bytes of two rows lie side by side as 16-bit words. Each column is widened and
 * paired that way once, into a buffer in the first-level cache, padding included:
 *
 *     words of a column   r0 r1         r2 r3       for each of 8 channels
 *     weights, row 0      w0 w1         w2  0
 *     weights, row 1       0 w0         w1 w2       (the second output row)
 *
 * so that the sums know neither unpacks nor edges. 64 outputs, 32 of each of two rows, take 138 operations of the vector
 * ports (12 to widen, 48 products and as many additions, 30 to make bytes), 35 cycles of Zen 4's four. Two outputs side by
 * side share each load of weights, and two rows each load of a column: otherwise loads would take longer.
 */
#include "../requant_avx2.h"
#include "depthwise.h"

enum { BLOCK = 32, GROUPS = 4, PIECE = 28, MAX_COLUMNS = PIECE + 6 };

enum pairing { TOP_01, BOTTOM_01, TOP_23, BOTTOM_23, PAIRINGS };

struct block {
    int16_t taps[GROUPS][3][PAIRINGS][16]; /* group of 8 channels, kernel column */
    int32_t bias[BLOCK];
    float multiplier[BLOCK];
};

/* Channel of lane e of group g: unpacking twice makes this order, packing twice undoes it. */
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
        for (size_t g = 0; g < GROUPS; g++)
            for (size_t e = 0; e < 8; e++) {
                const size_t c = c0 + lane_channel(g, e);
                if (c >= channels) continue;
                b->bias[g * 8 + e] = bias[c];
                b->multiplier[g * 8 + e] = multiplier[c];
                for (size_t x = 0; x < 3; x++) {
                    const int8_t *w = weights + x * channels + c;
                    int16_t(*taps)[16] = b->taps[g][x];
                    taps[TOP_01][2 * e] = taps[BOTTOM_01][2 * e + 1] = w[0];
                    taps[TOP_01][2 * e + 1] = taps[BOTTOM_23][2 * e] = w[3 * channels];
                    taps[TOP_23][2 * e] = taps[BOTTOM_23][2 * e + 1] = w[6 * channels];
                }
            }
    }
}

/* The rows of a column of 32 channels in pairs. */
struct column { __m256i r01[GROUPS], r23[GROUPS]; };

struct view {
    const struct block *block;
    struct bounds bounds;
    const uint8_t *row[4];
    size_t moves[4]; /* all ones, or 0 for a row of padding, which stays where it is from column to column */
    const uint8_t *pad;
    size_t width, channels, left; /* left: channels of the block, 1..32 */
    uint8_t *out[2];
};

/* What is the same all through a call, so that the compiler drops the rest. `whole`: no channel of the block is missing. */
struct kind {
    int rows_out, stride, whole;
    enum form form;
};

ALWAYS_INLINE __m256i load_channels(const uint8_t *p, size_t left, struct kind kind) {
    if (kind.whole) return _mm256_loadu_si256((const __m256i *)p);
    uint8_t buffer[BLOCK] = {0};
    memcpy(buffer, p, left);
    return _mm256_loadu_si256((const __m256i *)buffer);
}

ALWAYS_INLINE void pair_up(__m256i a, __m256i b, __m256i pairs[GROUPS]) {
    const __m256i low = _mm256_unpacklo_epi8(a, b), high = _mm256_unpackhi_epi8(a, b), zero = _mm256_setzero_si256();
    pairs[0] = _mm256_unpacklo_epi8(low, zero);
    pairs[1] = _mm256_unpackhi_epi8(low, zero);
    pairs[2] = _mm256_unpacklo_epi8(high, zero);
    pairs[3] = _mm256_unpackhi_epi8(high, zero);
}

/* Column x, which may lie outside of the image. */
ALWAYS_INLINE void load_column(const struct view *v, size_t x, struct column *column, struct kind kind) {
    if (__builtin_expect(x >= v->width, 0)) {
        const __m256i pad = load_channels(v->pad, v->left, kind);
        pair_up(pad, pad, column->r01);
        pair_up(pad, pad, column->r23);
        return;
    }
#define ROW(i) load_channels(v->row[i] + (at & v->moves[i]), v->left, kind)
    const size_t at = x * v->channels;
    const __m256i r2 = ROW(2);
    pair_up(ROW(0), ROW(1), column->r01);
    pair_up(r2, kind.rows_out == 2 ? ROW(3) : r2, column->r23); /* a fourth row that is not needed meets zero weights */
#undef ROW
}

/* A load that is done once, here: the compiler would fold it into each instruction that uses it, or do it earlier and keep
 * the result on the stack. */
ALWAYS_INLINE __m256i load_once(const void *p) {
    __m256i v = _mm256_load_si256(p);
    __asm__("" : "+x"(v));
    return v;
}

/* Eight channels of two outputs p and q of each row. */
struct sums { __m256i top_p, top_q, bottom_p, bottom_q; };

/* In this order: GCC would add products up in a tree and run out of registers. */
ALWAYS_INLINE __m256i dot(__m256i acc, __m256i pairs, __m256i weights) {
    acc = _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, weights));
    __asm__("" : "+x"(acc));
    return acc;
}

ALWAYS_INLINE struct sums add_pairs(struct sums s, const __m256i *p, const __m256i *q, const int16_t (*taps)[16],
                                    struct kind kind) {
    const __m256i at_p = load_once(p), at_q = load_once(q), top = load_once(taps[0]);
    s.top_p = dot(s.top_p, at_p, top), s.top_q = dot(s.top_q, at_q, top);
    if (kind.rows_out == 1) return s;
    const __m256i bottom = load_once(taps[1]);
    s.bottom_p = dot(s.bottom_p, at_p, bottom), s.bottom_q = dot(s.bottom_q, at_q, bottom);
    return s;
}

/* The sums of group g, rounded. */
ALWAYS_INLINE struct sums sum_group(const struct view *v, const struct column *p, int g, struct kind kind) {
    const struct block *b = v->block;
    const struct column *q = p + kind.stride;
    const __m256i bias = load_once(b->bias + 8 * g);
    struct sums s = {bias, bias, bias, bias};
#pragma GCC unroll 3
    for (int x = 0; x < 3; x++) {
        s = add_pairs(s, &p[x].r01[g], &q[x].r01[g], b->taps[g][x] + TOP_01, kind);
        s = add_pairs(s, &p[x].r23[g], &q[x].r23[g], b->taps[g][x] + TOP_23, kind);
    }
    const __m256 multiplier = _mm256_castsi256_ps(load_once(b->multiplier + 8 * g));
#define ROUND(sum) scale_and_round(sum, multiplier, &v->bounds, kind.form)
    if (kind.rows_out == 1) return (struct sums){ROUND(s.top_p), ROUND(s.top_q), bias, bias};
    return (struct sums){ROUND(s.top_p), ROUND(s.top_q), ROUND(s.bottom_p), ROUND(s.bottom_q)};
#undef ROUND
}

/* Two groups of channels as 16-bit words. */
ALWAYS_INLINE struct sums sum_two_groups(const struct view *v, const struct column *columns, int g, struct kind kind) {
    const struct sums low = sum_group(v, columns, g, kind), high = sum_group(v, columns, g + 1, kind);
#define WORDS(sum) to_words(low.sum, high.sum, &v->bounds, kind.form)
    return (struct sums){WORDS(top_p), WORDS(top_q), WORDS(bottom_p), WORDS(bottom_q)};
#undef WORDS
}

ALWAYS_INLINE void store_channels(__m256i low, __m256i high, const struct view *v, uint8_t *out, struct kind kind) {
    const __m256i bytes = to_bytes(low, high, &v->bounds, kind.form);
    if (kind.whole) {
        _mm256_storeu_si256((__m256i *)out, bytes);
        return;
    }
    uint8_t buffer[BLOCK];
    _mm256_storeu_si256((__m256i *)buffer, bytes);
    memcpy(out, buffer, v->left);
}

/* Outputs x and, where there are `both`, x + 1. */
ALWAYS_INLINE void two_outputs(const struct view *v, const struct column *columns, size_t x, int both, struct kind kind) {
    const struct sums low = sum_two_groups(v, columns, 0, kind), high = sum_two_groups(v, columns, 2, kind);
    uint8_t *top = v->out[0] + x * v->channels;
    store_channels(low.top_p, high.top_p, v, top, kind);
    if (both) store_channels(low.top_q, high.top_q, v, top + v->channels, kind);
    if (kind.rows_out == 1) return;
    uint8_t *bottom = v->out[1] + x * v->channels;
    store_channels(low.bottom_p, high.bottom_p, v, bottom, kind);
    if (both) store_channels(low.bottom_q, high.bottom_q, v, bottom + v->channels, kind);
}

/* Columns are widened one turn ahead of the sums that need them, so that both run side by side. */
ALWAYS_INLINE void run_columns(const struct view *view, size_t pad_left, size_t width_out, struct kind kind) {
    struct column columns[MAX_COLUMNS];
    const struct view v = *view;
    const size_t stride = (size_t)kind.stride, piece = PIECE / stride, ahead = stride + 3; /* columns of two outputs */
    for (size_t from = 0; from < width_out; from += piece) {
        const size_t n = width_out - from < piece ? width_out - from : piece;
        size_t x = from * stride - pad_left;
        struct column *next = columns;
        for (size_t i = 0; i < ahead; i++) load_column(&v, x++, next++, kind);
        for (size_t i = 0; i + 2 <= n; i += 2) {
            for (size_t j = 0; j < 2 * stride; j++) load_column(&v, x++, next++, kind);
            two_outputs(&v, columns + i * stride, from + i, 1, kind);
        }
        if (n % 2) two_outputs(&v, columns + (n - 1) * stride, from + n - 1, 0, kind);
    }
}

typedef void columns_fn(const struct view *view, size_t pad_left, size_t width_out);
#define KIND(name, rows_out, stride, whole, form)                                                                      \
    static void name(const struct view *view, size_t pad_left, size_t width_out) {                                     \
        run_columns(view, pad_left, width_out, (struct kind){rows_out, stride, whole, form});                          \
    }
/* Blocks with channels missing share the form ANY: no network spends its time there. */
#define FORMS(name, rows_out, stride)                                                                                  \
    KIND(name##_plain, rows_out, stride, 1, PLAIN)                                                                     \
    KIND(name##_bounded, rows_out, stride, 1, BOUNDED)                                                                 \
    KIND(name##_any, rows_out, stride, 0, ANY)                                                                         \
    static columns_fn *const name[N_FORMS] = {name##_plain, name##_bounded, name##_any};
FORMS(two_rows, 2, 1)
FORMS(one_row, 1, 1)
FORMS(stride2, 1, 2)

static void run(const struct qk_depthwise_rows *rows, const void *packed, const struct qk_requant *requant) {
    struct view v = {.block = packed, .bounds = make_bounds(requant), .width = rows->width, .channels = rows->channels};
    columns_fn *const *forms = rows->stride == 2 ? stride2 : rows->rows_out == 2 ? two_rows : one_row;
    for (size_t c = 0; c < rows->channels; c += BLOCK, v.block++) {
        v.pad = rows->pad + c;
        v.left = rows->channels - c < BLOCK ? rows->channels - c : BLOCK;
        for (size_t i = 0; i < rows->rows_out + 2; i++) {
            v.row[i] = rows->row[i] + c;
            v.moves[i] = rows->step[i] ? ~(size_t)0 : 0;
        }
        for (size_t i = 0; i < rows->rows_out; i++) v.out[i] = rows->out[i] + c;
        forms[v.left == BLOCK ? form_of(requant) : ANY](&v, rows->pad_left, rows->width_out);
    }
}

const struct qk_depthwise_kernel qk_depthwise3x3_u8s8_avx2 = {"depthwise3x3_u8s8_avx2", run, packed_bytes, pack};
