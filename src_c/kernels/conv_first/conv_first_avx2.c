/* 6 pixels x 16 channels: 12 accumulators, 2 registers of weights, 1 broadcast, 1 product.
 *
 * The 27 bytes of a pixel's patch and one that meets a zero weight are gathered once for all channels as 14 pairs of 16-bit
 * numbers; vpmaddwd sums a pair exactly. A patch is two overlapping 16-byte pieces: 9 bytes of row 0 and the first 7 of row
 * 1; the rest of row 1 and row 2.
 */
#include "conv_first.h"
#include <immintrin.h>
#include <string.h>

#define ALWAYS_INLINE static inline __attribute__((always_inline))

enum { BLOCK = 16, TILE = 6, PAIRS = 14, PATCH = 32 };

struct block {
    int16_t taps[PAIRS][2][16]; /* two numbers of the patch, half of the channels */
    int32_t bias[BLOCK];
    float multiplier[BLOCK];
};

/* Channel of lane e of half h: packing two halves of int32 to 16 bits leaves natural order. */
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
                for (size_t tap = 0; tap < QK_CONV_FIRST_TAPS; tap++)
                    b->taps[tap / 2][half][e * 2 + tap % 2] = weights[tap * channels + c];
            }
    }
}

ALWAYS_INLINE void gather_pixel(const uint8_t *row, size_t stride, size_t x, uint16_t *patch) {
    const __m128i row0 = _mm_loadu_si128((const __m128i *)(row + 6 * x));
    const __m128i row1 = _mm_loadu_si128((const __m128i *)(row + stride + 6 * x));
    const __m128i row2 = _mm_loadu_si128((const __m128i *)(row + 2 * stride + 6 * x));
    const __m128i head = _mm_alignr_epi8(row1, _mm_slli_si128(row0, 7), 7);
    const __m128i tail = _mm_alignr_epi8(row2, _mm_slli_si128(row1, 7), 14);
    _mm256_store_si256((__m256i *)patch, _mm256_cvtepu8_epi16(head));
    _mm256_store_si256((__m256i *)(patch + 16), _mm256_cvtepu8_epi16(tail));
}

ALWAYS_INLINE __m256i scale_and_round(__m256i acc, const float *multiplier, __m256 hi) {
    const __m256 v = _mm256_mul_ps(_mm256_cvtepi32_ps(acc), _mm256_load_ps(multiplier));
    return _mm256_cvtps_epi32(_mm256_min_ps(v, hi));
}

static void store_pixel(__m256i q0, __m256i q1, const struct block *b, const struct qk_requant *r, uint8_t *out, size_t n) {
    const __m256 hi = _mm256_set1_ps(r->hi_float);
    __m256i words = _mm256_packs_epi32(scale_and_round(q0, b->multiplier, hi), scale_and_round(q1, b->multiplier + 8, hi));
    words = _mm256_adds_epi16(words, _mm256_set1_epi16((int16_t)r->zero_point));
    __m128i bytes = _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    bytes = _mm_xor_si128(_mm_max_epu8(bytes, _mm_set1_epi8((char)r->lo)), _mm_set1_epi8((char)r->flip));
    if (n >= BLOCK) {
        _mm_storeu_si128((__m128i *)out, bytes);
        return;
    }
    uint8_t buffer[BLOCK];
    _mm_storeu_si128((__m128i *)buffer, bytes);
    memcpy(out, buffer, n);
}

#define EACH_PIXEL(X) X(0) X(1) X(2) X(3) X(4) X(5)
#define START(i) __m256i acc##i##_0 = bias0, acc##i##_1 = bias1;
#define DOT(i)                                                                                                         \
    {                                                                                                                  \
        int32_t pair;                                                                                                  \
        memcpy(&pair, patches + i * PATCH + 2 * step, sizeof pair);                                                    \
        const __m256i x2 = _mm256_set1_epi32(pair);                                                                    \
        acc##i##_0 = _mm256_add_epi32(acc##i##_0, _mm256_madd_epi16(x2, w0));                                          \
        acc##i##_1 = _mm256_add_epi32(acc##i##_1, _mm256_madd_epi16(x2, w1));                                          \
    }
#define STORE(i)                                                                                                       \
    if (i < pixels) store_pixel(acc##i##_0, acc##i##_1, b, r, out + i * channels, n);

static void run_tile(const uint16_t *patches, size_t pixels, const struct block *b, const struct qk_requant *r, uint8_t *out,
                     size_t channels, size_t n) {
    const __m256i bias0 = _mm256_load_si256((const __m256i *)b->bias), bias1 = _mm256_load_si256((const __m256i *)(b->bias + 8));
    EACH_PIXEL(START)
    for (size_t step = 0; step < PAIRS; step++) {
        const __m256i w0 = _mm256_load_si256((const __m256i *)b->taps[step][0]);
        const __m256i w1 = _mm256_load_si256((const __m256i *)b->taps[step][1]);
        EACH_PIXEL(DOT)
    }
    EACH_PIXEL(STORE)
}

static void run(const struct qk_conv_first_rows *rows, const void *packed, const struct qk_requant *r) {
    _Alignas(32) uint16_t patches[TILE * PATCH] = {0};
    const size_t channels = rows->channels;
    for (size_t y = 0; y < rows->rows_out; y++) {
        const uint8_t *row = rows->image + 2 * y * rows->image_stride;
        uint8_t *out = rows->out + y * rows->width_out * channels;
        for (size_t x = 0; x < rows->width_out; x += TILE) {
            const size_t pixels = rows->width_out - x < TILE ? rows->width_out - x : TILE;
            for (size_t i = 0; i < pixels; i++) gather_pixel(row, rows->image_stride, x + i, patches + i * PATCH);
            const struct block *b = packed;
            for (size_t c = 0; c < channels; c += BLOCK, b++)
                run_tile(patches, pixels, b, r, out + x * channels + c, channels, channels - c);
        }
    }
}

const struct qk_conv_first_kernel qk_conv_first_u8s8_6x16_avx2 = {"conv_first_u8s8_6x16_avx2", run, packed_bytes, pack};
