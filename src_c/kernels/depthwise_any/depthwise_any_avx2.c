/* Two taps a dot product, exactly in 16 bits, on 32 channels at a time. */
#include "../requant_avx2.h"
#include "depthwise_any.h"

enum { TAPS = 2, LANES = 8, ROUNDS = 1, MAX_ROWS = 2, FILL = 1, STRIDE2_ROWS = 1, WORTH_A_PART = 0 };
typedef __m256i vector;
typedef int16_t tap_weight;

static tap_weight part(int w, size_t round) {
    (void)round;
    return (tap_weight)w;
}

ALWAYS_INLINE vector load_vector(const void *p) {
    return _mm256_load_si256(p);
}
/* From memory each time: the compiler would keep what two taps need in registers that there are not, on the stack. */
ALWAYS_INLINE vector load_data(const uint8_t *p) {
    __asm__("" : "+r"(p));
    return load_vector(p);
}
ALWAYS_INLINE vector zero_vector(void) {
    return _mm256_setzero_si256();
}

/* Channels of a block that is not full: dwords 0, 2, 4, 6 in the first lane, so that groups are filled in turn. */
ALWAYS_INLINE vector load_channels(const uint8_t *p, size_t left, int whole) {
    if (whole) return _mm256_loadu_si256((const __m256i *)p);
    uint8_t buffer[32] = {0};
    memcpy(buffer, p, left);
    return _mm256_permutevar8x32_epi32(_mm256_loadu_si256((const __m256i *)buffer), _mm256_setr_epi32(0, 2, 4, 6, 1, 3, 5, 7));
}

/* The bytes at two places side by side as 16-bit words, for each group of channels. */
ALWAYS_INLINE void interleave(const uint8_t *const at[TAPS], size_t left, size_t groups, int whole, uint8_t *to) {
    const vector a = load_channels(at[0], left, whole), b = load_channels(at[1], left, whole), zero = zero_vector();
    const vector low = _mm256_unpacklo_epi8(a, b), high = _mm256_unpackhi_epi8(a, b);
    _mm256_store_si256((__m256i *)to, _mm256_unpacklo_epi8(low, zero));
    _mm256_store_si256((__m256i *)to + 1, _mm256_unpackhi_epi8(low, zero));
    if (!whole && groups <= 2) return;
    _mm256_store_si256((__m256i *)to + 2, _mm256_unpacklo_epi8(high, zero));
    _mm256_store_si256((__m256i *)to + 3, _mm256_unpackhi_epi8(high, zero));
}

/* In this order: GCC would add products up in a tree and run out of registers. */
ALWAYS_INLINE vector dot(vector acc, vector data, vector weights) {
    acc = _mm256_add_epi32(acc, _mm256_madd_epi16(data, weights));
    __asm__("" : "+x"(acc));
    return acc;
}

/* Four outputs of a group: a lane has four channels of each in turn. */
ALWAYS_INLINE vector requantize(vector p0, vector p1, vector p2, vector p3, const float *multiplier, const struct bounds *b,
                                enum form form) {
    const __m256 m = _mm256_load_ps(multiplier);
#define SCALE(p) scale_and_round(p, m, b, form)
    return to_bytes(to_words(SCALE(p0), SCALE(p1), b, form), to_words(SCALE(p2), SCALE(p3), b, form), b, form);
#undef SCALE
}

ALWAYS_INLINE void store_channels(vector v, uint8_t *out, size_t left, int whole) {
    if (whole) {
        _mm256_storeu_si256((__m256i *)out, v);
        return;
    }
    uint8_t buffer[32];
    _mm256_storeu_si256((__m256i *)buffer, _mm256_permutevar8x32_epi32(v, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7)));
    memcpy(out, buffer, left);
}

/* Four outputs of all groups: from four channels of each output to four of each group. */
ALWAYS_INLINE void store_pixels(const vector bytes[4], uint8_t *out, size_t channels, size_t pixels, size_t left, int whole) {
    const vector low01 = _mm256_unpacklo_epi32(bytes[0], bytes[1]), high01 = _mm256_unpackhi_epi32(bytes[0], bytes[1]);
    const vector low23 = _mm256_unpacklo_epi32(bytes[2], bytes[3]), high23 = _mm256_unpackhi_epi32(bytes[2], bytes[3]);
    store_channels(_mm256_unpacklo_epi64(low01, low23), out, left, whole);
    if (pixels > 1) store_channels(_mm256_unpackhi_epi64(low01, low23), out + channels, left, whole);
    if (pixels > 2) store_channels(_mm256_unpacklo_epi64(high01, high23), out + 2 * channels, left, whole);
    if (pixels > 3) store_channels(_mm256_unpackhi_epi64(high01, high23), out + 3 * channels, left, whole);
}

#include "depthwise_any.inc"

const struct qk_depthwise_any_kernel qk_depthwise_any_u8s8_avx2 = {"depthwise_any_u8s8_avx2", run, rows_a_call,
                                                                     scratch_bytes, packed_bytes, pack};
