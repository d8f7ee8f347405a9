/* A vector is one element of each stripe. */
#include "softmax.h"
#include <immintrin.h>
#include <math.h>

static inline __mmask16 first(size_t n) {
    return n >= 16 ? (__mmask16)0xffff : (__mmask16)((1u << n) - 1);
}

static inline __m512 multiply_add(__m512 p, __m512 r, float c) {
    return _mm512_add_ps(_mm512_mul_ps(p, r), _mm512_set1_ps(c));
}

static inline __m512 exp_of(__m512 x) {
    const __m512 round = _mm512_set1_ps(QK_EXP_ROUND);
    const __m512 rounded = _mm512_add_ps(_mm512_mul_ps(x, _mm512_set1_ps(QK_EXP_LOG2_E)), round);
    const __m512 n = _mm512_sub_ps(rounded, round);
    const __m512 r = _mm512_sub_ps(_mm512_sub_ps(x, _mm512_mul_ps(n, _mm512_set1_ps(QK_EXP_LN2_HIGH))),
                                   _mm512_mul_ps(n, _mm512_set1_ps(QK_EXP_LN2_LOW)));
    __m512 p = multiply_add(_mm512_set1_ps(1.0f / 5040), r, 1.0f / 720);
    p = multiply_add(p, r, 1.0f / 120);
    p = multiply_add(p, r, 1.0f / 24);
    p = multiply_add(p, r, 1.0f / 6);
    p = multiply_add(p, r, 0.5f);
    p = multiply_add(p, r, 1.0f);
    p = multiply_add(p, r, 1.0f);
    const __m512i steps = _mm512_sub_epi32(_mm512_castps_si512(rounded), _mm512_castps_si512(round));
    const __m512 power = _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(steps, _mm512_set1_epi32(127)), 23));
    const __mmask16 normal = _mm512_cmp_ps_mask(x, _mm512_set1_ps(QK_EXP_LOWEST), _CMP_NLT_UQ);
    return _mm512_maskz_mul_ps(normal, p, power);
}

void qk_softmax_row_avx512vnni(const float *x, float *y, size_t n) {
    __m512 high = _mm512_set1_ps(x[0]);
    /* max returns its second operand where one is NaN, as `a > b ? a : b` does */
    for (size_t i = 0; i < n; i += 16) high = _mm512_mask_max_ps(high, first(n - i), _mm512_maskz_loadu_ps(first(n - i), x + i), high);
    float highs[16], highest = x[0];
    _mm512_storeu_ps(highs, high);
    for (size_t i = 0; i < 16; i++) highest = highs[i] > highest ? highs[i] : highest;
    high = _mm512_set1_ps(highest);
    __m512d low_sums = _mm512_setzero_pd(), high_sums = low_sums;
    for (size_t i = 0; i < n; i += 16) {
        const __mmask16 mask = first(n - i);
        const __m512 e = _mm512_maskz_mov_ps(mask, exp_of(_mm512_sub_ps(_mm512_maskz_loadu_ps(mask, x + i), high)));
        _mm512_mask_storeu_ps(y + i, mask, e);
        low_sums = _mm512_add_pd(low_sums, _mm512_cvtps_pd(_mm512_castps512_ps256(e)));
        high_sums = _mm512_add_pd(high_sums, _mm512_cvtps_pd(_mm512_extractf32x8_ps(e, 1)));
    }
    double sums[8];
    _mm512_storeu_pd(sums, _mm512_add_pd(low_sums, high_sums));
    for (size_t step = 4; step; step /= 2)
        for (size_t i = 0; i < step; i++) sums[i] += sums[i + step];
    const __m512 scale = _mm512_set1_ps((float)(1 / sums[0])), nan = _mm512_set1_ps(NAN);
    const __mmask16 is_nan = _mm512_cmp_ps_mask(scale, scale, _CMP_UNORD_Q);
    for (size_t i = 0; i < n; i += 16) {
        const __mmask16 mask = first(n - i);
        const __m512 scaled = _mm512_mul_ps(_mm512_maskz_loadu_ps(mask, y + i), scale);
        _mm512_mask_storeu_ps(y + i, mask, _mm512_mask_mov_ps(scaled, is_nan, nan));
    }
}
