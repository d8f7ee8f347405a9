/* Depthwise 3x3 on vectors of 64 bytes: 64 channels of a pixel, or 32 of two or 16 of four pixels where no more are left.
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
 *
 * What int8 cannot hold of a weight is added by further dot products with the column that it belongs to, in the blocks that
 * have such weights.
 */
#include "../requant_avx512vnni.h"
#include "depthwise.h"
#include <string.h>

enum { BLOCK = 64, GROUPS = 4, ROUNDS = 3 };

typedef int8_t column_taps[GROUPS][64]; /* of a kernel column: group of 16 channels, four rows of each */

struct block {
    _Alignas(64) column_taps taps[2][3]; /* output row, kernel column */
    int32_t bias[BLOCK];
    float multiplier[BLOCK];
    size_t first_again, n_again; /* its entries of the list behind the blocks */
};

/* A kernel column once more. */
struct again {
    _Alignas(64) column_taps taps[2]; /* output row */
    size_t column;
};

/* Channel of lane e of group g: packing four groups of int32 to bytes then leaves natural order. */
static size_t lane_channel(size_t g, size_t e) {
    return 16 * (e / 4) + 4 * g + e % 4;
}

/* Bytes from a pixel of a vector to the next, where `left` channels are. */
static size_t period_of(size_t left) {
    return left <= 16 ? 16 : left <= 32 ? 32 : BLOCK;
}

static size_t block_count(size_t channels) {
    return (channels + BLOCK - 1) / BLOCK;
}

/* What the `round`-th dot product with a weight's column holds of it. */
static int8_t part(int w, size_t round) {
    for (;; round--) {
        const int held = w < -128 ? -128 : w > 127 ? 127 : w;
        if (round == 0) return (int8_t)held;
        w -= held;
    }
}

/* Whether any weight of column x of the block from channel c0 on has something left for that round. */
static int is_needed(size_t channels, const int16_t *weights, size_t c0, size_t x, size_t round) {
    for (size_t y = 0; y < 3; y++)
        for (size_t c = c0; c < channels && c < c0 + BLOCK; c++)
            if (part(weights[(y * 3 + x) * channels + c], round)) return 1;
    return 0;
}

static size_t packed_bytes(size_t channels, const int16_t *weights) {
    size_t n_again = 0;
    for (size_t c0 = 0; c0 < channels; c0 += BLOCK)
        for (size_t x = 0; x < 3; x++)
            for (size_t round = 1; round < ROUNDS; round++) n_again += (size_t)is_needed(channels, weights, c0, x, round);
    return block_count(channels) * sizeof(struct block) + n_again * sizeof(struct again);
}

/* Kernel column x of the block from channel c0 on, for both output rows. */
static void pack_column(size_t channels, const int16_t *weights, size_t c0, size_t x, size_t round, column_taps top,
                        column_taps bottom) {
    const size_t left = channels - c0, period = period_of(left); /* each pixel meets the same */
    for (size_t g = 0; g < GROUPS; g++)
        for (size_t e = 0; e < 16; e++) {
            const size_t within = lane_channel(g, e) % period;
            for (size_t y = 0; y < 3 && within < left; y++)
                top[g][e * 4 + y] = bottom[g][e * 4 + y + 1] = part(weights[(y * 3 + x) * channels + c0 + within], round);
        }
}

static void pack(size_t channels, const int16_t *weights, const int32_t *bias, const float *multiplier, void *packed) {
    struct again *again = (struct again *)((struct block *)packed + block_count(channels));
    size_t n_again = 0;
    for (size_t c0 = 0; c0 < channels; c0 += BLOCK) {
        struct block *b = (struct block *)packed + c0 / BLOCK;
        *b = (struct block){.first_again = n_again};
        const size_t left = channels - c0, period = period_of(left);
        for (size_t g = 0; g < GROUPS; g++)
            for (size_t e = 0; e < 16; e++) {
                const size_t within = lane_channel(g, e) % period, c = c0 + within;
                if (within >= left) continue;
                b->bias[g * 16 + e] = bias[c];
                b->multiplier[g * 16 + e] = multiplier[c];
            }
        for (size_t x = 0; x < 3; x++) {
            pack_column(channels, weights, c0, x, 0, b->taps[0][x], b->taps[1][x]);
            for (size_t round = 1; round < ROUNDS && is_needed(channels, weights, c0, x, round); round++, n_again++) {
                again[n_again] = (struct again){.column = x};
                pack_column(channels, weights, c0, x, round, again[n_again].taps[0], again[n_again].taps[1]);
            }
        }
        b->n_again = n_again - b->first_again;
    }
}

/* One vector of each group. */
struct quad { __m512i g0, g1, g2, g3; };

/* Where a block of channels is read and written. */
struct view {
    const struct block *block;
    const struct again *again; /* of the block */
    struct bounds bounds;
    const uint8_t *row[4];
    size_t moves[4]; /* all ones, or 0 for a row of padding, which stays where it is from column to column */
    const uint8_t *pad;
    size_t width, width_out, channels;
    __mmask64 mask; /* channels of the block */
    uint8_t *out[2];
};

/* What is the same all through a call, so that the compiler drops the rest.
 *   pixels    of a vector: 1, 2 or 4, of 64, 32 or 16 channels each
 *   adjacent  those pixels lie side by side in memory, in the input (stride 1) and in the output
 *   whole     no channel of the block is missing
 *   again     the block may have weights beyond int8 */
struct kind {
    int rows_out, stride, pixels, adjacent, whole, again;
    enum form form;
};

/* One pixel's channels of row i. */
ALWAYS_INLINE const uint8_t *pixel(const struct view *v, int i, size_t x) {
    return x < v->width ? v->row[i] + (x * v->channels & v->moves[i]) : v->pad;
}
ALWAYS_INLINE __m512i load_64(const struct view *v, int i, size_t x, struct kind kind) {
    const uint8_t *p = pixel(v, i, x);
    return kind.whole ? _mm512_loadu_si512(p) : _mm512_maskz_loadu_epi8(v->mask, p);
}
ALWAYS_INLINE __m256i load_32(const struct view *v, int i, size_t x, struct kind kind) {
    const uint8_t *p = pixel(v, i, x);
    return kind.whole ? _mm256_loadu_si256((const __m256i *)p) : _mm256_maskz_loadu_epi8((__mmask32)v->mask, p);
}
ALWAYS_INLINE __m128i load_16(const struct view *v, int i, size_t x, struct kind kind) {
    const uint8_t *p = pixel(v, i, x);
    return kind.whole ? _mm_loadu_si128((const __m128i *)p) : _mm_maskz_loadu_epi8((__mmask16)v->mask, p);
}

/* Row i of column x and, behind it, of the columns that the vector's other outputs have in its place. */
ALWAYS_INLINE __m512i load_row(const struct view *v, int i, size_t x, struct kind kind) {
    const size_t step = (size_t)kind.stride;
    if (kind.pixels == 1) return load_64(v, i, x, kind);
    if (kind.pixels == 2)
        return _mm512_inserti64x4(_mm512_castsi256_si512(load_32(v, i, x, kind)), load_32(v, i, x + step, kind), 1);
    const __m256i low = _mm256_inserti128_si256(_mm256_castsi128_si256(load_16(v, i, x, kind)),
                                                load_16(v, i, x + step, kind), 1);
    const __m256i high = _mm256_inserti128_si256(_mm256_castsi128_si256(load_16(v, i, x + 2 * step, kind)),
                                                 load_16(v, i, x + 3 * step, kind), 1);
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

struct rows { __m512i r0, r1, r2, r3; };

ALWAYS_INLINE struct rows load_rows(const struct view *v, size_t x, struct kind kind) {
    const int last = kind.rows_out == 2 ? 3 : 2; /* a fourth row that is not needed meets zero weights */
    const size_t at = x * v->channels;
#define INSIDE(i) _mm512_loadu_si512(v->row[i] + (at & v->moves[i]))
    if (kind.pixels == 1 && x >= v->width) {
        const __m512i pad = load_64(v, 0, x, kind);
        return (struct rows){pad, pad, pad, pad};
    }
    if (kind.whole && (kind.pixels == 1 || (kind.adjacent && x + (size_t)kind.pixels - 1 < v->width && x < v->width)))
        return (struct rows){INSIDE(0), INSIDE(1), INSIDE(2), INSIDE(last)};
#undef INSIDE
    return (struct rows){load_row(v, 0, x, kind), load_row(v, 1, x, kind), load_row(v, 2, x, kind), load_row(v, last, x, kind)};
}

/* Column x (outside the image: the padding), its rows interleaved. */
ALWAYS_INLINE struct quad load_column(const struct view *v, size_t x, struct kind kind) {
    const struct rows r = load_rows(v, x, kind);
    const __m512i low01 = _mm512_unpacklo_epi8(r.r0, r.r1), high01 = _mm512_unpackhi_epi8(r.r0, r.r1);
    const __m512i low23 = _mm512_unpacklo_epi8(r.r2, r.r3), high23 = _mm512_unpackhi_epi8(r.r2, r.r3);
    return (struct quad){_mm512_unpacklo_epi16(low01, low23), _mm512_unpackhi_epi16(low01, low23),
                         _mm512_unpacklo_epi16(high01, high23), _mm512_unpackhi_epi16(high01, high23)};
}

/* Output vector i of output row y. */
ALWAYS_INLINE void store(__m512i bytes, const struct view *v, int y, size_t i, struct kind kind) {
    const size_t pixels = (size_t)kind.pixels, x = pixels * i;
    uint8_t *out = v->out[y] + x * v->channels;
    if (kind.whole && (pixels == 1 || (kind.adjacent && x + pixels <= v->width_out))) {
        _mm512_storeu_si512(out, bytes);
        return;
    }
    if (pixels == 1) {
        _mm512_mask_storeu_epi8(out, v->mask, bytes);
        return;
    }
    const __m256i low = _mm512_castsi512_si256(bytes), high = _mm512_extracti64x4_epi64(bytes, 1);
    if (pixels == 2) {
        _mm256_mask_storeu_epi8(out, (__mmask32)v->mask, low);
        if (x + 1 < v->width_out) _mm256_mask_storeu_epi8(out + v->channels, (__mmask32)v->mask, high);
        return;
    }
    const __m128i quarters[4] = {_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1), _mm256_castsi256_si128(high),
                                 _mm256_extracti128_si256(high, 1)};
#pragma GCC unroll 4
    for (size_t j = 0; j < 4; j++)
        if (x + j < v->width_out) _mm_mask_storeu_epi8(out + j * v->channels, (__mmask16)v->mask, quarters[j]);
}

#define DOT _mm512_dpbusd_epi32

/* A load that is done once: the compiler would fold it into each instruction that uses it. */
ALWAYS_INLINE __m512i load_once(const void *p) {
    __m512i v = _mm512_load_si512(p);
    __asm__("" : "+v"(v));
    return v;
}

#define EACH_GROUP(X) X(0) X(1) X(2) X(3)

/* Two vectors of outputs of each row, from columns p0 p1 p2 and q0 q1 q2. One load of weights serves both. Eight sums run
 * side by side through each step, so that none waits for the one before it. */
ALWAYS_INLINE void two_vectors(const struct view *v, size_t i, int both, struct quad p0, struct quad p1, struct quad p2,
                               struct quad q0, struct quad q1, struct quad q2, const struct bounds *bounds, struct kind kind) {
    const struct block *b = v->block;
#define START(n) __m512i p_##n = load_once(b->bias + 16 * n), q_##n = p_##n;
#define TAP(from, x, n)                                                                                                \
    {                                                                                                                  \
        const __m512i w = load_once((from)[n]);                                                                        \
        p_##n = DOT(p_##n, p##x.g##n, w), q_##n = DOT(q_##n, q##x.g##n, w);                                            \
    }
#define TAP0(n) TAP(b->taps[y][0], 0, n)
#define TAP1(n) TAP(b->taps[y][1], 1, n)
#define TAP2(n) TAP(b->taps[y][2], 2, n)
#define AGAIN0(n) TAP(more->taps[y], 0, n)
#define AGAIN1(n) TAP(more->taps[y], 1, n)
#define AGAIN2(n) TAP(more->taps[y], 2, n)
#define SCALE(n)                                                                                                       \
    {                                                                                                                  \
        const __m512 multiplier = _mm512_castsi512_ps(load_once(b->multiplier + 16 * n));                              \
        p_##n = scale_and_round(p_##n, multiplier, bounds, kind.form);                                                 \
        q_##n = scale_and_round(q_##n, multiplier, bounds, kind.form);                                                 \
    }
#pragma GCC unroll 2
    for (int y = 0; y < kind.rows_out; y++) {
        EACH_GROUP(START)
        EACH_GROUP(TAP0)
        EACH_GROUP(TAP1)
        EACH_GROUP(TAP2)
        for (size_t i = 0; kind.again && i < b->n_again; i++) {
            const struct again *more = &v->again[i];
            if (more->column == 0) { EACH_GROUP(AGAIN0) }
            else if (more->column == 1) { EACH_GROUP(AGAIN1) }
            else { EACH_GROUP(AGAIN2) }
        }
        EACH_GROUP(SCALE)
        const __m512i p_low = to_words(p_0, p_1, bounds, kind.form), p_high = to_words(p_2, p_3, bounds, kind.form);
        const __m512i q_low = to_words(q_0, q_1, bounds, kind.form), q_high = to_words(q_2, q_3, bounds, kind.form);
        store(to_bytes(p_low, p_high, bounds, kind.form), v, y, i, kind);
        if (both) store(to_bytes(q_low, q_high, bounds, kind.form), v, y, i + 1, kind);
    }
}

/* All output columns. A column that two outputs need is loaded and unpacked once. */
ALWAYS_INLINE void run_columns(const struct view *v, size_t pad_left, struct kind kind) {
    const size_t pixels = (size_t)kind.pixels, vectors = (v->width_out + pixels - 1) / pixels;
    const size_t advance = (size_t)kind.stride * pixels; /* input columns from one vector to the next */
    const struct bounds bounds = v->bounds;
    size_t at = 0 - pad_left;
    struct quad c0 = load_column(v, at, kind), c1 = c0;
    if (advance == 1) c1 = load_column(v, at + 1, kind);
    size_t i = 0;
    for (; i + 2 <= vectors; i += 2, at += 2 * advance) {
        if (advance == 1) {
            const struct quad c2 = load_column(v, at + 2, kind), c3 = load_column(v, at + 3, kind);
            two_vectors(v, i, 1, c0, c1, c2, c1, c2, c3, &bounds, kind);
            c0 = c2, c1 = c3;
        } else {
            const struct quad p1 = load_column(v, at + 1, kind), p2 = load_column(v, at + 2, kind);
            const struct quad q0 = advance == 2 ? p2 : load_column(v, at + advance, kind);
            const struct quad q1 = load_column(v, at + advance + 1, kind), q2 = load_column(v, at + advance + 2, kind);
            two_vectors(v, i, 1, c0, p1, p2, q0, q1, q2, &bounds, kind);
            c0 = advance == 2 ? q2 : load_column(v, at + 2 * advance, kind);
        }
    }
    if (i == vectors) return;
    /* loaded again: kept for this, they would take registers from the loop */
    c0 = load_column(v, at, kind), c1 = load_column(v, at + 1, kind);
    const struct quad c2 = load_column(v, at + 2, kind);
    two_vectors(v, i, 0, c0, c1, c2, c0, c1, c2, &bounds, kind);
}

/* A function of its own for each kind; blocks with channels missing share one, `_rest`, with masks. */
typedef void columns_fn(const struct view *v, size_t pad_left);
#define KIND(name, ...)                                                                                                \
    static void name(const struct view *v, size_t pad_left) { run_columns(v, pad_left, (struct kind){__VA_ARGS__}); }
struct columns { columns_fn *plain, *bounded, *again, *any, *rest; };
#define KINDS(name, rows_out, stride, pixels, adjacent)                                                                \
    KIND(name##_plain, rows_out, stride, pixels, adjacent, 1, 0, PLAIN)                                                \
    KIND(name##_bounded, rows_out, stride, pixels, adjacent, 1, 0, BOUNDED)                                            \
    KIND(name##_again, rows_out, stride, pixels, adjacent, 1, 1, PLAIN)                                                \
    KIND(name##_any, rows_out, stride, pixels, adjacent, 1, 1, ANY)                                                    \
    KIND(name##_rest, rows_out, stride, pixels, 0, 0, 1, ANY)                                                          \
    static const struct columns name = {name##_plain, name##_bounded, name##_again, name##_any, name##_rest};
#define REST(name, rows_out, stride, pixels)                                                                           \
    KIND(name##_rest, rows_out, stride, pixels, 0, 0, 1, ANY)                                                          \
    static const struct columns name = {name##_rest, name##_rest, name##_rest, name##_rest, name##_rest};
KINDS(two_rows, 2, 1, 1, 0)
KINDS(two_rows_of_32, 2, 1, 2, 0)
KINDS(two_rows_of_32_adjacent, 2, 1, 2, 1)
KINDS(two_rows_of_16_adjacent, 2, 1, 4, 1)
REST(two_rows_of_16, 2, 1, 4)
KINDS(one_row, 1, 1, 1, 0)
REST(one_row_of_32, 1, 1, 2)
REST(one_row_of_16, 1, 1, 4)
KINDS(stride2, 1, 2, 1, 0)
KINDS(stride2_of_32, 1, 2, 2, 0)
KINDS(stride2_of_16, 1, 2, 4, 0)

static const struct columns *columns_of(const struct qk_depthwise_rows *rows, size_t period) {
    const int adjacent = rows->channels == period;
    if (rows->stride == 2) return period == 16 ? &stride2_of_16 : period == 32 ? &stride2_of_32 : &stride2;
    if (rows->rows_out == 1) return period == 16 ? &one_row_of_16 : period == 32 ? &one_row_of_32 : &one_row;
    if (period == 16) return adjacent ? &two_rows_of_16_adjacent : &two_rows_of_16;
    if (period == 32) return adjacent ? &two_rows_of_32_adjacent : &two_rows_of_32;
    return &two_rows;
}

static columns_fn *choose(const struct qk_depthwise_rows *rows, const struct block *block, size_t left, enum form form) {
    const size_t period = period_of(left);
    const struct columns *columns = columns_of(rows, period);
    if (left < period) return columns->rest;
    if (form == PLAIN) return block->n_again ? columns->again : columns->plain;
    return form == ANY || block->n_again ? columns->any : columns->bounded;
}

static void run(const struct qk_depthwise_rows *rows, const void *packed, const struct qk_requant *requant) {
    struct view v = {.block = packed, .bounds = make_bounds(requant), .width = rows->width, .width_out = rows->width_out,
                     .channels = rows->channels};
    const enum form form = form_of(requant);
    const struct again *again = (const struct again *)(v.block + block_count(rows->channels));
    for (size_t c = 0; c < rows->channels; c += BLOCK, v.block++) {
        const size_t left = rows->channels - c, period = period_of(left);
        uint8_t repeated[BLOCK]; /* as many pixels of padding as a vector has: rows of it are read like others */
        v.pad = rows->pad + c;
        if (left == period && period < BLOCK) {
            for (size_t i = 0; i < BLOCK; i += period) memcpy(repeated + i, rows->pad + c, period);
            v.pad = repeated;
        }
        v.mask = first_bytes(left);
        v.again = again + v.block->first_again;
        for (size_t i = 0; i < rows->rows_out + 2; i++) {
            v.row[i] = rows->step[i] ? rows->row[i] + c : v.pad;
            v.moves[i] = rows->step[i] ? ~(size_t)0 : 0;
        }
        for (size_t i = 0; i < rows->rows_out; i++) v.out[i] = rows->out[i] + c;
        choose(rows, v.block, left, form)(&v, rows->pad_left);
    }
}

const struct qk_depthwise_kernel qk_depthwise3x3_u8s8_avx512vnni = {"depthwise3x3_u8s8_avx512vnni", run, packed_bytes, pack};
