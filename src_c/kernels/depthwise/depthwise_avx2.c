/* Depthwise 3x3 on 8 channels at a time, two output rows at once.
 *
 * Bytes of input rows are paired as 16-bit words, (r0, r1), (r1, r2) and (r2, r3) a channel, so that one vpmaddwd sums two
 * taps exactly. A column costs, for the first output row, (r0, r1) * (w0, w1) and (r2, .) * (w2, 0); for the second
 * (r1, r2) * (w0, w1) and (., r3) * (0, w2): the word pair (r2, r3) serves both.
 */
#include "depthwise.h"
#include <immintrin.h>
#include <string.h>

#define ALWAYS_INLINE static inline __attribute__((always_inline))

enum { BLOCK = 8 };

struct block {
    int16_t pair[3][BLOCK][2]; /* (w0, w1) of each kernel column */
    int16_t even[3][BLOCK][2]; /* (w2, 0) */
    int16_t odd[3][BLOCK][2];  /* (0, w2) */
    int32_t bias[BLOCK];
    float multiplier[BLOCK];
};

static size_t packed_bytes(size_t channels) {
    return (channels + BLOCK - 1) / BLOCK * sizeof(struct block);
}

static void pack(size_t channels, const int8_t *weights, const int32_t *bias, const float *multiplier, void *packed) {
    for (size_t c0 = 0; c0 < channels; c0 += BLOCK) {
        struct block *b = (struct block *)packed + c0 / BLOCK;
        *b = (struct block){0};
        for (size_t j = 0; j < BLOCK && c0 + j < channels; j++) {
            b->bias[j] = bias[c0 + j];
            b->multiplier[j] = multiplier[c0 + j];
            for (size_t x = 0; x < 3; x++) {
                const int8_t *w = weights + x * channels + c0 + j;
                b->pair[x][j][0] = w[0];
                b->pair[x][j][1] = w[3 * channels];
                b->even[x][j][0] = b->odd[x][j][1] = w[6 * channels];
            }
        }
    }
}

struct column { __m256i r01, r12, r23; };
struct sums { __m256i top, bottom; };

struct view {
    const uint8_t *row[4];
    size_t step[4];
    const uint8_t *pad;
    size_t width, channels, left; /* left: channels of the block, 1..8 */
    uint8_t *out[2];
};

ALWAYS_INLINE __m128i load_channels(const uint8_t *p, size_t left) {
    if (__builtin_expect(left >= BLOCK, 1)) return _mm_loadl_epi64((const __m128i *)p);
    uint8_t buffer[BLOCK] = {0};
    for (size_t i = 0; i < left; i++) buffer[i] = p[i];
    return _mm_loadl_epi64((const __m128i *)buffer);
}

/* 16-bit pairs (a, b) a channel */
ALWAYS_INLINE __m256i pair_up(__m128i a, __m128i b) {
    return _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(a, b));
}

ALWAYS_INLINE struct column load_column(const struct view *v, size_t x) {
    if (__builtin_expect(x >= v->width, 0)) {
        const __m128i pad = load_channels(v->pad, v->left);
        const __m256i pairs = pair_up(pad, pad);
        return (struct column){pairs, pairs, pairs};
    }
    const __m128i r0 = load_channels(v->row[0] + x * v->step[0], v->left);
    const __m128i r1 = load_channels(v->row[1] + x * v->step[1], v->left);
    const __m128i r2 = load_channels(v->row[2] + x * v->step[2], v->left);
    const __m128i r3 = load_channels(v->row[3] + x * v->step[3], v->left);
    return (struct column){pair_up(r0, r1), pair_up(r1, r2), pair_up(r2, r3)};
}

ALWAYS_INLINE __m256i dot(__m256i acc, __m256i column, const void *weights) {
    return _mm256_add_epi32(acc, _mm256_madd_epi16(column, _mm256_load_si256(weights)));
}

ALWAYS_INLINE __m256i add_top(__m256i acc, struct column v, const struct block *b, int x) {
    return dot(dot(acc, v.r01, b->pair[x]), v.r23, b->even[x]);
}

ALWAYS_INLINE struct sums add_taps(struct sums s, struct column v, const struct block *b, int x) {
    return (struct sums){add_top(s.top, v, b, x), dot(dot(s.bottom, v.r12, b->pair[x]), v.r23, b->odd[x])};
}

ALWAYS_INLINE void store(__m256i acc, const struct block *b, const struct qk_requant *r, uint8_t *out, size_t left) {
    const __m256 v = _mm256_mul_ps(_mm256_cvtepi32_ps(acc), _mm256_load_ps(b->multiplier));
    const __m256i rounded = _mm256_cvtps_epi32(_mm256_min_ps(v, _mm256_set1_ps(r->hi_float)));
    __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(rounded), _mm256_extracti128_si256(rounded, 1));
    words = _mm_adds_epi16(words, _mm_set1_epi16((int16_t)r->zero_point));
    __m128i bytes = _mm_max_epu8(_mm_packus_epi16(words, words), _mm_set1_epi8((char)r->lo));
    bytes = _mm_xor_si128(bytes, _mm_set1_epi8((char)r->flip));
    if (left >= BLOCK) {
        _mm_storel_epi64((__m128i *)out, bytes);
    } else {
        uint8_t buffer[BLOCK];
        _mm_storel_epi64((__m128i *)buffer, bytes);
        for (size_t i = 0; i < left; i++) out[i] = buffer[i];
    }
}

static void stride1(const struct view *v, size_t pad_left, size_t width_out, const struct block *b,
                    const struct qk_requant *r) {
    const __m256i bias = _mm256_load_si256((const __m256i *)b->bias);
    const struct sums start = {bias, bias};
    struct column column = load_column(v, 0 - pad_left);
    struct sums done = add_taps(start, column, b, 0);
    column = load_column(v, 1 - pad_left);
    done = add_taps(done, column, b, 1);
    struct sums next = add_taps(start, column, b, 0);
    for (size_t x = 0; x < width_out; x++) {
        column = load_column(v, x + 2 - pad_left);
        done = add_taps(done, column, b, 2);
        store(done.top, b, r, v->out[0] + x * v->channels, v->left);
        if (v->out[1]) store(done.bottom, b, r, v->out[1] + x * v->channels, v->left);
        done = add_taps(next, column, b, 1);
        next = add_taps(start, column, b, 0);
    }
}

static void stride2(const struct view *v, size_t pad_left, size_t width_out, const struct block *b,
                    const struct qk_requant *r) {
    const __m256i bias = _mm256_load_si256((const __m256i *)b->bias);
    struct column last = load_column(v, 0 - pad_left);
    for (size_t x = 0; x < width_out; x++) {
        __m256i acc = add_top(bias, last, b, 0);
        acc = add_top(acc, load_column(v, 2 * x + 1 - pad_left), b, 1);
        last = load_column(v, 2 * x + 2 - pad_left);
        store(add_top(acc, last, b, 2), b, r, v->out[0] + x * v->channels, v->left);
    }
}

static void run(const struct qk_depthwise_rows *rows, const void *packed, const struct qk_requant *requant) {
    for (size_t c = 0; c < rows->channels; c += BLOCK) {
        const struct block *b = (const struct block *)packed + c / BLOCK;
        struct view view = {.pad = rows->pad + c, .width = rows->width, .channels = rows->channels,
                            .left = rows->channels - c < BLOCK ? rows->channels - c : BLOCK};
        for (size_t i = 0; i < 4; i++) {
            /* a row that the output does not need is read like the third, and meets zero weights or is thrown away */
            const size_t from = i == 3 && rows->rows_out == 1 ? 2 : i;
            view.row[i] = rows->row[from] + c;
            view.step[i] = rows->step[from];
        }
        view.out[0] = rows->out[0] + c;
        view.out[1] = rows->rows_out == 2 ? rows->out[1] + c : NULL;
        (rows->stride == 2 ? stride2 : stride1)(&view, rows->pad_left, rows->width_out, b, requant);
    }
}

const struct qk_depthwise_kernel qk_depthwise3x3_u8s8_avx2 = {"depthwise3x3_u8s8_avx2", run, packed_bytes, pack};
