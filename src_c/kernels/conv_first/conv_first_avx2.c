/* Patches of a piece of a row, gathered as 16-bit numbers, are rows of a matrix that the tile of the matrix product takes: a
 * block of 16 channels is packed as one of its panels of K = 28, the 27 numbers of a patch and one that meets a zero weight.
 */
#include "../gemm/gemm.h"
#include "conv_first.h"
#include <immintrin.h>

enum { BLOCK = 16, PIECE = 112, K = 28, PATCH = 32 };

struct block {
    int16_t taps[K / 2][BLOCK][2]; /* two numbers of the patch */
    int32_t bias[BLOCK];
    float multiplier[BLOCK];
};

static const struct qk_gemm_kernel *const gemm = &qk_gemm_u8s8_6x16_avx2;

static size_t packed_bytes(size_t channels) {
    return (channels + BLOCK - 1) / BLOCK * sizeof(struct block);
}

static void pack(size_t channels, const int16_t *weights, const int32_t *bias, const float *multiplier, void *packed) {
    for (size_t c0 = 0; c0 < channels; c0 += BLOCK) {
        struct block *b = (struct block *)packed + c0 / BLOCK;
        *b = (struct block){0};
        for (size_t j = 0; j < BLOCK; j++) {
            const size_t c = c0 + gemm->column_order[j];
            if (c >= channels) continue;
            b->bias[j] = bias[c];
            b->multiplier[j] = multiplier[c];
            for (size_t tap = 0; tap < QK_CONV_FIRST_TAPS; tap++)
                b->taps[tap / 2][j][tap % 2] = weights[tap * channels + c];
        }
    }
}

/* Two overlapping pieces of 16 bytes: 9 bytes of row 0 and the first 7 of row 1; the rest of row 1 and row 2. */
static inline void gather_pixel(const uint8_t *row, size_t stride, uint16_t *patch) {
    const __m128i row0 = _mm_loadu_si128((const __m128i *)row);
    const __m128i row1 = _mm_loadu_si128((const __m128i *)(row + stride));
    const __m128i row2 = _mm_loadu_si128((const __m128i *)(row + 2 * stride));
    const __m128i head = _mm_alignr_epi8(row1, _mm_slli_si128(row0, 7), 7);
    const __m128i tail = _mm_alignr_epi8(row2, _mm_slli_si128(row1, 7), 14);
    _mm256_store_si256((__m256i *)patch, _mm256_cvtepu8_epi16(head));
    _mm256_store_si256((__m256i *)(patch + 16), _mm256_cvtepu8_epi16(tail));
}

static void run(const struct qk_conv_first_rows *rows, const void *packed, const struct qk_requant *r) {
    _Alignas(64) uint16_t patches[PIECE * PATCH];
    const size_t channels = rows->channels;
    struct qk_gemm_epilogue epilogue = {.out = QK_GEMM_OUT_U8, .requant = *r};
    for (size_t y = 0; y < rows->rows_out; y++) {
        const uint8_t *row = rows->image + 2 * y * rows->image_stride;
        for (size_t x = 0; x < rows->width_out; x += PIECE) {
            const size_t pixels = rows->width_out - x < PIECE ? rows->width_out - x : PIECE;
            for (size_t i = 0; i < pixels; i++) gather_pixel(row + 6 * (x + i), rows->image_stride, patches + i * PATCH);
            uint8_t *out = rows->out + (y * rows->width_out + x) * channels;
            const struct block *b = packed;
            for (size_t c = 0; c < channels; c += BLOCK, b++) {
                epilogue.bias = b->bias;
                epilogue.multiplier = b->multiplier;
                const struct qk_gemm_panel panel = {.k = K, .b = b->taps};
                gemm->run(pixels, channels - c < BLOCK ? channels - c : BLOCK, patches, PATCH * sizeof *patches, &panel,
                          &epilogue, out + c, channels);
            }
        }
    }
}

const struct qk_conv_first_kernel qk_conv_first_u8s8_6x16_avx2 = {"conv_first_u8s8_6x16_avx2", run, packed_bytes, pack};
