/* Depthwise 3x3 on 32 channels at a time.
 *
 * The bytes of one column of four input rows are interleaved, so that one dot product sums up to four taps:
 *
 *     lanes of a column   r0 r1 r2 r3   for each channel
 *     weights, row 0      w0 w1 w2  0
 *     weights, row 1       0 w0 w1 w2   (the second output row)
 *
 * Stride 1: three columns' accumulators are alive at once, 12 registers (left, middle and right tap; two rows; two halves of
 * 16 channels), and the 12 vectors of weights as far as registers reach, the rest as memory operands. Each column is
 * loaded and interleaved once for six dot products a half.
 */
#include "depthwise.h"
#include <immintrin.h>

#define ALWAYS_INLINE static inline __attribute__((always_inline))

enum { BLOCK = 32 };

struct block {
    int8_t taps[3][4][64]; /* kernel column; row 0 half 0, row 0 half 1, row 1 half 0, row 1 half 1 */
    int32_t bias[BLOCK];
    float multiplier[BLOCK];
};

/* Channel of lane e of half h: packing two halves of int32 to bytes then leaves natural order in each 64 bits. */
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
            for (size_t e = 0; e < 16; e++) {
                const size_t c = c0 + lane_channel(half, e);
                if (c >= channels) continue;
                b->bias[half * 16 + e] = bias[c];
                b->multiplier[half * 16 + e] = multiplier[c];
                for (size_t x = 0; x < 3; x++)
                    for (size_t y = 0; y < 3; y++) {
                        const int8_t w = weights[(y * 3 + x) * channels + c];
                        b->taps[x][half][e * 4 + y] = w;
                        b->taps[x][2 + half][e * 4 + y + 1] = w;
                    }
            }
    }
}

struct column { __m512i half0, half1; };
struct sums { __m512i top0, top1, bottom0, bottom1; };
struct constants { __m512i interleave0, interleave1, zero_point, lo, flip; __m512 hi; };

/* Where a block of channels is read and written. */
struct view {
    const uint8_t *row[4];
    size_t keep[4]; /* all ones, or 0 for a row of padding, which does not move from column to column */
    const uint8_t *pad;
    size_t width, channels;
    uint8_t *out[2];
    __mmask32 mask; /* channels of the block */
};

static struct constants make_constants(const struct qk_requant *r) {
    uint8_t index[2][64];
    for (size_t half = 0; half < 2; half++)
        for (size_t e = 0; e < 16; e++)
            for (size_t row = 0; row < 4; row++) index[half][4 * e + row] = (uint8_t)(32 * row + lane_channel(half, e));
    return (struct constants){_mm512_loadu_si512(index[0]), _mm512_loadu_si512(index[1]),
                              _mm512_set1_epi16((int16_t)r->zero_point), _mm512_set1_epi8((char)r->lo),
                              _mm512_set1_epi8((char)r->flip), _mm512_set1_ps(r->hi_float)};
}

ALWAYS_INLINE __m256i load_channels(const uint8_t *p, __mmask32 mask, int whole) {
    return whole ? _mm256_loadu_si256((const __m256i *)p) : _mm256_maskz_loadu_epi8(mask, p);
}

ALWAYS_INLINE __m512i join(__m256i low, __m256i high) {
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

/* Input column x (outside the image: the padding), rows 0..rows-1 (3 or 4) interleaved. */
ALWAYS_INLINE struct column load_column(const struct view *v, size_t x, int rows, int whole, const struct constants *k) {
    __m512i r01, r23;
    if (x < v->width) {
        const size_t at = x * v->channels;
        r01 = join(load_channels(v->row[0] + (at & v->keep[0]), v->mask, whole),
                   load_channels(v->row[1] + (at & v->keep[1]), v->mask, whole));
        const __m256i r2 = load_channels(v->row[2] + (at & v->keep[2]), v->mask, whole);
        r23 = rows == 3 ? _mm512_castsi256_si512(r2)
                        : join(r2, load_channels(v->row[3] + (at & v->keep[3]), v->mask, whole));
    } else {
        const __m256i pad = load_channels(v->pad, v->mask, whole);
        r01 = r23 = join(pad, pad);
    }
    return (struct column){_mm512_permutex2var_epi8(r01, k->interleave0, r23),
                           _mm512_permutex2var_epi8(r01, k->interleave1, r23)};
}

ALWAYS_INLINE __m512i requantize(__m512i acc, const float *multiplier, const struct constants *k) {
    const __m512 v = _mm512_mul_ps(_mm512_cvtepi32_ps(acc), _mm512_load_ps(multiplier));
    return _mm512_cvtps_epi32(_mm512_min_ps(v, k->hi));
}

/* 32 bytes of each of two accumulated pixels */
ALWAYS_INLINE void store_two(struct sums s, const struct block *b, const struct constants *k, uint8_t *first,
                             uint8_t *second, __mmask32 mask, int whole) {
    const __m512i top = _mm512_packs_epi32(requantize(s.top0, b->multiplier, k), requantize(s.top1, b->multiplier + 16, k));
    const __m512i bottom =
        _mm512_packs_epi32(requantize(s.bottom0, b->multiplier, k), requantize(s.bottom1, b->multiplier + 16, k));
    __m512i bytes = _mm512_packus_epi16(_mm512_adds_epi16(top, k->zero_point), _mm512_adds_epi16(bottom, k->zero_point));
    bytes = _mm512_xor_si512(_mm512_max_epu8(bytes, k->lo), k->flip);
    bytes = _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), bytes);
    const __m256i low = _mm512_castsi512_si256(bytes), high = _mm512_extracti64x4_epi64(bytes, 1);
    if (whole) {
        _mm256_storeu_si256((__m256i *)first, low);
        if (second) _mm256_storeu_si256((__m256i *)second, high);
    } else {
        _mm256_mask_storeu_epi8(first, mask, low);
        if (second) _mm256_mask_storeu_epi8(second, mask, high);
    }
}

ALWAYS_INLINE __m512i dot(__m512i acc, __m512i column, const int8_t *taps) {
    return _mm512_dpbusd_epi32(acc, column, _mm512_load_si512(taps));
}

ALWAYS_INLINE struct sums add_taps(struct sums s, struct column v, const int8_t (*taps)[64]) {
    return (struct sums){dot(s.top0, v.half0, taps[0]), dot(s.top1, v.half1, taps[1]), dot(s.bottom0, v.half0, taps[2]),
                         dot(s.bottom1, v.half1, taps[3])};
}

ALWAYS_INLINE struct sums start(const struct block *b) {
    const __m512i half0 = _mm512_load_si512(b->bias), half1 = _mm512_load_si512(b->bias + 16);
    return (struct sums){half0, half1, half0, half1};
}

/* One column further: it ends the sums of `done`, is the middle of `next` and begins `fresh`. */
#define STEP(done, next, fresh, x)                                                                                     \
    {                                                                                                                  \
        const struct column v = load_column(view, (x) + 2 - pad_left, 4, whole, k);                                    \
        done = add_taps(done, v, b->taps[2]);                                                                          \
        store_two(done, b, k, view->out[0] + (x) * view->channels,                                                     \
                  view->out[1] ? view->out[1] + (x) * view->channels : NULL, view->mask, whole);                       \
        next = add_taps(next, v, b->taps[1]);                                                                          \
        fresh = add_taps(start(b), v, b->taps[0]);                                                                     \
    }

ALWAYS_INLINE void stride1(const struct view *view, size_t pad_left, size_t width_out, const struct block *b,
                           const struct constants *k, int whole) {
    struct column v = load_column(view, 0 - pad_left, 4, whole, k);
    struct sums s0 = add_taps(start(b), v, b->taps[0]), s1, s2;
    v = load_column(view, 1 - pad_left, 4, whole, k);
    s0 = add_taps(s0, v, b->taps[1]);
    s1 = add_taps(start(b), v, b->taps[0]);
    size_t x = 0;
    for (; x + 3 <= width_out; x += 3) {
        STEP(s0, s1, s2, x)
        STEP(s1, s2, s0, x + 1)
        STEP(s2, s0, s1, x + 2)
    }
    if (x < width_out) STEP(s0, s1, s2, x)
    if (x + 1 < width_out) STEP(s1, s2, s0, x + 1)
}

/* Two output columns at a time: they share the column between them, and one packing ends both. */
ALWAYS_INLINE void stride2(const struct view *view, size_t pad_left, size_t width_out, const struct block *b,
                           const struct constants *k, int whole) {
    struct column v0 = load_column(view, 0 - pad_left, 3, whole, k);
    for (size_t x = 0; x < width_out; x += 2) {
        const size_t at = 2 * x - pad_left;
        const struct column v1 = load_column(view, at + 1, 3, whole, k), v2 = load_column(view, at + 2, 3, whole, k);
        const struct column v3 = load_column(view, at + 3, 3, whole, k), v4 = load_column(view, at + 4, 3, whole, k);
        struct sums s = start(b);
        s.top0 = dot(dot(dot(s.top0, v0.half0, b->taps[0][0]), v1.half0, b->taps[1][0]), v2.half0, b->taps[2][0]);
        s.top1 = dot(dot(dot(s.top1, v0.half1, b->taps[0][1]), v1.half1, b->taps[1][1]), v2.half1, b->taps[2][1]);
        s.bottom0 = dot(dot(dot(s.bottom0, v2.half0, b->taps[0][0]), v3.half0, b->taps[1][0]), v4.half0, b->taps[2][0]);
        s.bottom1 = dot(dot(dot(s.bottom1, v2.half1, b->taps[0][1]), v3.half1, b->taps[1][1]), v4.half1, b->taps[2][1]);
        uint8_t *out = view->out[0] + x * view->channels;
        store_two(s, b, k, out, x + 1 < width_out ? out + view->channels : NULL, view->mask, whole);
        v0 = v4;
    }
}

static void run(const struct qk_depthwise_rows *rows, const void *packed, const struct qk_requant *requant) {
    const struct constants k = make_constants(requant);
    for (size_t c = 0; c < rows->channels; c += BLOCK) {
        const struct block *b = (const struct block *)packed + c / BLOCK;
        const size_t left = rows->channels - c;
        struct view view = {.pad = rows->pad + c, .width = rows->width, .channels = rows->channels,
                            .mask = left >= BLOCK ? ~(__mmask32)0 : ((__mmask32)1 << left) - 1};
        for (size_t i = 0; i < 4; i++) {
            /* a row that the output does not need is read like the third, and meets zero weights or is thrown away */
            const size_t from = i == 3 && rows->rows_out == 1 ? 2 : i;
            view.row[i] = rows->row[from] + c;
            view.keep[i] = rows->step[from] ? ~(size_t)0 : 0;
        }
        view.out[0] = rows->out[0] + c;
        view.out[1] = rows->rows_out == 2 ? rows->out[1] + c : NULL;
        if (rows->stride == 2) {
            if (left >= BLOCK) stride2(&view, rows->pad_left, rows->width_out, b, &k, 1);
            else stride2(&view, rows->pad_left, rows->width_out, b, &k, 0);
        } else {
            if (left >= BLOCK) stride1(&view, rows->pad_left, rows->width_out, b, &k, 1);
            else stride1(&view, rows->pad_left, rows->width_out, b, &k, 0);
        }
    }
}

const struct qk_depthwise_kernel qk_depthwise3x3_u8s8_avx512vnni = {"depthwise3x3_u8s8_avx512vnni", run, packed_bytes, pack};
