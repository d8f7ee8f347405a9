/* Four taps a dot product on 64 channels at a time; what int8 cannot hold of a weight is met by further dot products. */
#include "../requant_avx512vnni.h"
#include "depthwise_any.h"

enum { TAPS = 4, LANES = 16, ROUNDS = 3, MAX_ROWS = 4, FILL = 3, STRIDE2_ROWS = 2, WORTH_A_PART = 32 };
typedef __m512i vector;
typedef int8_t tap_weight;

static tap_weight part(int w, size_t round) {
    for (;; round--) {
        const int held = w < -128 ? -128 : w > 127 ? 127 : w;
        if (round == 0) return (int8_t)held;
        w -= held;
    }
}

ALWAYS_INLINE vector load_vector(const void *p) {
    return _mm512_load_si512(p);
}
#define load_data load_vector
ALWAYS_INLINE vector zero_vector(void) {
    return _mm512_setzero_si512();
}

/* Swaps the four dwords of a lane with the lanes. */
ALWAYS_INLINE vector transpose_lanes(vector v) {
    return _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15), v);
}

ALWAYS_INLINE vector load_channels(const uint8_t *p, size_t left, int whole) {
    return whole ? _mm512_loadu_si512(p) : transpose_lanes(_mm512_maskz_loadu_epi8(first_bytes(left), p));
}

/* The bytes at four places side by side, for each group of channels. */
ALWAYS_INLINE void interleave(const uint8_t *const at[TAPS], size_t left, size_t groups, int whole, uint8_t *to) {
    const vector a = load_channels(at[0], left, whole), b = load_channels(at[1], left, whole);
    const vector c = load_channels(at[2], left, whole), d = load_channels(at[3], left, whole);
    const vector low_ab = _mm512_unpacklo_epi8(a, b), low_cd = _mm512_unpacklo_epi8(c, d);
    _mm512_store_si512(to, _mm512_unpacklo_epi16(low_ab, low_cd));
    _mm512_store_si512(to + 64, _mm512_unpackhi_epi16(low_ab, low_cd));
    if (!whole && groups <= 2) return;
    const vector high_ab = _mm512_unpackhi_epi8(a, b), high_cd = _mm512_unpackhi_epi8(c, d);
    _mm512_store_si512(to + 128, _mm512_unpacklo_epi16(high_ab, high_cd));
    _mm512_store_si512(to + 192, _mm512_unpackhi_epi16(high_ab, high_cd));
}

ALWAYS_INLINE vector dot(vector acc, vector data, vector weights) {
    return _mm512_dpbusd_epi32(acc, data, weights);
}

/* Four outputs of a group: a lane has four channels of each in turn. */
ALWAYS_INLINE vector requantize(vector p0, vector p1, vector p2, vector p3, const float *multiplier, const struct bounds *b,
                                enum form form) {
    const __m512 m = _mm512_load_ps(multiplier);
#define SCALE(p) scale_and_round(p, m, b, form)
    return to_bytes(to_words(SCALE(p0), SCALE(p1), b, form), to_words(SCALE(p2), SCALE(p3), b, form), b, form);
#undef SCALE
}

/* Four outputs of all groups: from four channels of each output to four of each group. */
ALWAYS_INLINE void store_pixels(const vector bytes[4], uint8_t *out, size_t channels, size_t pixels, size_t left, int whole) {
    const vector low01 = _mm512_unpacklo_epi32(bytes[0], bytes[1]), high01 = _mm512_unpackhi_epi32(bytes[0], bytes[1]);
    const vector low23 = _mm512_unpacklo_epi32(bytes[2], bytes[3]), high23 = _mm512_unpackhi_epi32(bytes[2], bytes[3]);
#define STORE(n, v)                                                                                                    \
    if (pixels > n) {                                                                                                  \
        if (whole) _mm512_storeu_si512(out + n * channels, v);                                                         \
        else _mm512_mask_storeu_epi8(out + n * channels, first_bytes(left), transpose_lanes(v));                       \
    }
    STORE(0, _mm512_unpacklo_epi64(low01, low23))
    STORE(1, _mm512_unpackhi_epi64(low01, low23))
    STORE(2, _mm512_unpacklo_epi64(high01, high23))
    STORE(3, _mm512_unpackhi_epi64(high01, high23))
#undef STORE
}

#include "depthwise_any.inc"

const struct qk_depthwise_any_kernel qk_depthwise_any_u8s8_avx512vnni = {"depthwise_any_u8s8_avx512vnni", run, rows_a_call,
                                                                          scratch_bytes, packed_bytes, pack};
