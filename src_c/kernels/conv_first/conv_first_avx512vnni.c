/* 8 pixels x 32 channels: 16 accumulators.
 *
 * The 27 bytes of a pixel's patch and one of them again, for what int8 cannot hold of its weights, are seven groups of four, each broadcast against two
 * vectors of weights: 14 dot products a pixel, where three rows of nine bytes, each rounded up to three groups, would take
 * 18. Two pixels' patches are gathered by one byte permute, 9 bytes of each of three rows and the 9 bytes 6 further on,
 * into a buffer that the broadcasts read, one tile ahead of them.
 */
#include "../requant_avx512vnni.h"
#include "conv_first.h"
#include <string.h>

enum { BLOCK = 32, TILE = 8, PATCH = 32, STEPS = 7 };

struct block {
    _Alignas(64) int8_t taps[STEPS][2][64]; /* four bytes of the patch, half of the channels */
    int32_t bias[BLOCK];
    float multiplier[BLOCK];
    size_t again; /* the patch's byte that its 28th repeats */
};

/* Channel of lane e of half h: packing the halves of two pixels leaves natural order in each 64 bits. */
static size_t lane_channel(size_t half, size_t e) {
    return 8 * (e / 4) + 4 * half + e % 4;
}

static size_t packed_bytes(size_t channels) {
    return (channels + BLOCK - 1) / BLOCK * sizeof(struct block);
}

static int in_int8(int w) {
    return w < -128 ? -128 : w > 127 ? 127 : w;
}

static void pack(size_t channels, const int16_t *weights, const int32_t *bias, const float *multiplier, void *packed) {
    const size_t wide = qk_conv_first_wide_row(channels, weights) % QK_CONV_FIRST_TAPS; /* any, if none is */
    for (size_t c0 = 0; c0 < channels; c0 += BLOCK) {
        struct block *b = (struct block *)packed + c0 / BLOCK;
        *b = (struct block){.again = wide};
        for (size_t half = 0; half < 2; half++)
            for (size_t e = 0; e < 16; e++) {
                const size_t c = c0 + lane_channel(half, e);
                if (c >= channels) continue;
                b->bias[half * 16 + e] = bias[c];
                b->multiplier[half * 16 + e] = multiplier[c];
                for (size_t tap = 0; tap < QK_CONV_FIRST_TAPS; tap++)
                    b->taps[tap / 4][half][e * 4 + tap % 4] = (int8_t)in_int8(weights[tap * channels + c]);
                const int16_t w = weights[wide * channels + c];
                b->taps[STEPS - 1][half][e * 4 + 3] = (int8_t)(w - in_int8(w));
            }
    }
}

/* Which bytes of the pair of registers (row 0 and row 1 at 0 and 32; row 2 at 64) are the patches of pixels `first` and
 * the next. Bytes that a patch does not use are copies of byte 0. */
static __m512i patch_index(size_t first, size_t again) {
    uint8_t index[64] = {0};
    for (size_t pixel = 0; pixel < 2; pixel++) {
        uint8_t *patch = index + pixel * PATCH;
        for (size_t i = 0; i < 3; i++)
            for (size_t j = 0; j < 9; j++) patch[9 * i + j] = (uint8_t)(32 * i + 6 * (first + pixel) + j);
        patch[QK_CONV_FIRST_TAPS] = patch[again];
    }
    return _mm512_loadu_si512(index);
}

/* The patches of a tile's pixels, from its first bytes in three rows. */
ALWAYS_INLINE void gather_tile(const uint8_t *row, size_t stride, __m512i index0, __m512i index2, uint8_t *patches) {
    for (size_t i = 0; i < TILE / 4; i++, row += 6 * 4, patches += 4 * PATCH) {
        const __m256i row0 = _mm256_loadu_si256((const __m256i *)row);
        const __m256i row1 = _mm256_loadu_si256((const __m256i *)(row + stride));
        const __m512i row2 = _mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)(row + 2 * stride)));
        const __m512i rows01 = _mm512_inserti64x4(_mm512_castsi256_si512(row0), row1, 1);
        _mm512_store_si512(patches, _mm512_permutex2var_epi8(rows01, index0, row2));
        _mm512_store_si512(patches + 2 * PATCH, _mm512_permutex2var_epi8(rows01, index2, row2));
    }
}

struct constants {
    __m512 multiplier[2];
    struct bounds bounds;
};

/* Channels of pixels 2 * pair and the next; `pixels` of the tile are there. */
ALWAYS_INLINE void store_pair(__m512i p0, __m512i p1, __m512i q0, __m512i q1, size_t pair, size_t pixels,
                              const struct constants *k, enum form form, uint8_t *out, size_t channels, __mmask32 mask) {
    const struct bounds *b = &k->bounds;
    const __m512i p = to_words(scale_and_round(p0, k->multiplier[0], b, form), scale_and_round(p1, k->multiplier[1], b, form),
                               b, form);
    const __m512i q = to_words(scale_and_round(q0, k->multiplier[0], b, form), scale_and_round(q1, k->multiplier[1], b, form),
                               b, form);
    const __m512i bytes = _mm512_permutexvar_epi64(_mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7), to_bytes(p, q, b, form));
    uint8_t *to = out + 2 * pair * channels;
    if (channels == BLOCK && pixels == TILE) {
        _mm512_storeu_si512(to, bytes);
        return;
    }
    if (2 * pair < pixels) _mm256_mask_storeu_epi8(to, mask, _mm512_castsi512_si256(bytes));
    if (2 * pair + 1 < pixels) _mm256_mask_storeu_epi8(to + channels, mask, _mm512_extracti64x4_epi64(bytes, 1));
}

#define EACH_PIXEL(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
#define EACH_PAIR(X) X(0, 0, 1) X(1, 2, 3) X(2, 4, 5) X(3, 6, 7)
#define DECLARE(i) __m512i acc##i##_0, acc##i##_1;
#define START(i) acc##i##_0 = _mm512_load_si512(b->bias), acc##i##_1 = _mm512_load_si512(b->bias + 16);
#define DOT(i)                                                                                                         \
    {                                                                                                                  \
        int32_t word;                                                                                                  \
        memcpy(&word, patch + i * PATCH + 4 * step, sizeof word);                                                      \
        const __m512i x4 = _mm512_set1_epi32(word);                                                                    \
        acc##i##_0 = _mm512_dpbusd_epi32(acc##i##_0, x4, w0);                                                          \
        acc##i##_1 = _mm512_dpbusd_epi32(acc##i##_1, x4, w1);                                                          \
    }
#define STORE(pair, i, j)                                                                                              \
    store_pair(acc##i##_0, acc##i##_1, acc##j##_0, acc##j##_1, pair, pixels, &k, form, out, channels, mask);
/* the end of a pair of pixels of one tile and the beginning of a pair of the next */
#define PASS_ON(pair, i, j) STORE(pair, i, j) START(i) START(j) DOT(i) DOT(j)
#define WITH_WEIGHTS(n, ...)                                                                                           \
    {                                                                                                                  \
        enum { step = n };                                                                                             \
        const __m512i w0 = _mm512_load_si512(b->taps[step][0]), w1 = _mm512_load_si512(b->taps[step][1]);              \
        __VA_ARGS__                                                                                                    \
    }

/* One block of channels. Tiles follow each other across the ends of rows, so that none but the last ends alone. */
ALWAYS_INLINE void run_block(const struct qk_conv_first_rows *rows, const struct block *b, const struct qk_requant *requant,
                             uint8_t *out, __mmask32 mask, enum form form) {
    _Alignas(64) uint8_t patches[2][TILE * PATCH];
    const struct constants k = {{_mm512_load_ps(b->multiplier), _mm512_load_ps(b->multiplier + 16)}, make_bounds(requant)};
    const __m512i index0 = patch_index(0, b->again), index2 = patch_index(2, b->again);
    const size_t stride = rows->image_stride, width_out = rows->width_out, channels = rows->channels;
    const uint8_t *row = rows->image, *patch = patches[0];
    size_t left = width_out, rows_left = rows->rows_out; /* pixels of this row, rows with this one, not yet stored */
    EACH_PIXEL(DECLARE)
    EACH_PIXEL(START)
    gather_tile(row, stride, index0, index2, patches[0]);
    WITH_WEIGHTS(0, EACH_PIXEL(DOT))
    for (;;) {
        const size_t pixels = left < TILE ? left : TILE;
        const uint8_t *next = row + 6 * (width_out - left + TILE);
        left -= pixels;
        if (left == 0 && --rows_left) {
            row += 2 * stride;
            left = width_out;
            next = row;
        }
        uint8_t *other = patches[patch == patches[0]];
        if (left) gather_tile(next, stride, index0, index2, other);
        WITH_WEIGHTS(1, EACH_PIXEL(DOT))
        WITH_WEIGHTS(2, EACH_PIXEL(DOT))
        WITH_WEIGHTS(3, EACH_PIXEL(DOT))
        WITH_WEIGHTS(4, EACH_PIXEL(DOT))
        WITH_WEIGHTS(5, EACH_PIXEL(DOT))
        WITH_WEIGHTS(6, EACH_PIXEL(DOT))
        if (left == 0) {
            EACH_PAIR(STORE)
            return;
        }
        patch = other;
        WITH_WEIGHTS(0, EACH_PAIR(PASS_ON))
        out += pixels * channels;
    }
}

typedef void block_fn(const struct qk_conv_first_rows *rows, const struct block *b, const struct qk_requant *requant,
                      uint8_t *out, __mmask32 mask);
#define FORM(name, form)                                                                                               \
    static void name(const struct qk_conv_first_rows *rows, const struct block *b, const struct qk_requant *requant,   \
                     uint8_t *out, __mmask32 mask) {                                                                   \
        run_block(rows, b, requant, out, mask, form);                                                                  \
    }
FORM(plain, PLAIN)
FORM(bounded, BOUNDED)
FORM(any, ANY)

static void run(const struct qk_conv_first_rows *rows, const void *packed, const struct qk_requant *requant) {
    static block_fn *const forms[N_FORMS] = {[PLAIN] = plain, [BOUNDED] = bounded, [ANY] = any};
    const struct block *b = packed;
    for (size_t c = 0; c < rows->channels; c += BLOCK, b++)
        forms[form_of(requant)](rows, b, requant, rows->out + c, (__mmask32)first_bytes(rows->channels - c));
}

const struct qk_conv_first_kernel qk_conv_first_u8s8_8x32_avx512vnni = {"conv_first_u8s8_8x32_avx512vnni", run, packed_bytes,
                                                                       pack};
