/* Contract of the int8 matrix product's micro-kernels: C[m, n] = sum_k A[m, k] * B[k, n], A uint8, B int8, in int32.
 *
 * B is packed once in panels of `nr` columns. Panel p, group g of `kr` rows, position j of nr, row r of kr:
 *
 *     panel p:   g = 0                          g = 1
 *                [j=0: r=0..kr-1][j=1: ...] ... [j=0: ...] ...
 *
 *     element (k, n) with k = g * kr + r and n = p * nr + column_order[j]
 *
 * as int8 (element_bytes 1) or int16 (element_bytes 2). Rows and columns beyond K and N are zeros. `column_order` lets a
 * kernel's narrowing instructions leave natural order without a permute; per-column parameters (bias, multiplier) come
 * in the same order, padded with zeros to a multiple of nr.
 *
 * A is read in place (pack_a NULL) with any row stride, or from the block that pack_a made.
 */
#ifndef QK_KERNELS_GEMM_H
#define QK_KERNELS_GEMM_H

#include "../requant.h"
#include <stddef.h>
#include <stdint.h>

enum { QK_GEMM_OUT_U8 = 0, QK_GEMM_OUT_S32 = 1, QK_GEMM_OUT_F32 = 2 };

/* bias and multiplier point at the panel's first entry, in column_order, 64-byte aligned. */
struct qk_gemm_epilogue {
    int out;                 /* QK_GEMM_OUT_...: u8 = requantized (also int8, by requant.flip) */
    const int32_t *bias;     /* the accumulators start here */
    const float *multiplier; /* of u8 and f32; kernels may load it for s32 too */
    struct qk_requant requant;
};

/* One panel: m >= 1 rows, n <= nr columns of C in natural order, the whole of K.
 *   a         first row; rows a_stride bytes apart. In place: k bytes a row are read, not one more.
 *   b         the packed panel, 64-byte aligned
 *   k         rows of B before padding
 *   c         first element; rows c_stride bytes apart; exactly m x n elements are written
 * The kernel cuts the rows into tiles of at most mr, whose accumulators are registers. */
typedef void qk_gemm_panel_fn(size_t m, size_t n, size_t k, const void *a, size_t a_stride, const void *b,
                              const struct qk_gemm_epilogue *epilogue, void *c, size_t c_stride);

/* Packs m rows of k bytes (a_stride apart) for the kernel; packed rows are pack_a_stride(k) bytes apart. */
typedef void qk_gemm_pack_a_fn(size_t m, size_t k, const uint8_t *a, size_t a_stride, void *packed);

struct qk_gemm_kernel {
    const char *name;
    qk_gemm_panel_fn *run;
    qk_gemm_pack_a_fn *pack_a; /* NULL: A is read in place */
    size_t mr, nr, kr;
    size_t element_bytes;        /* of packed B, and of packed A if there is one */
    const uint8_t *column_order; /* nr entries: position in the panel -> column */
};

/* Rows cut into as few tiles of at most `mr` as there can be, of nearly equal height: a last one of a single row would
 * leave most of the accumulators idle. `tall` tiles of `height` + 1 rows, then `rest` of `height`. */
struct qk_gemm_cut {
    size_t height, tall, rest;
};
static inline struct qk_gemm_cut qk_gemm_cut_rows(size_t m, size_t mr) {
    const size_t tiles = (m + mr - 1) / mr;
    return (struct qk_gemm_cut){m / tiles, m % tiles, tiles - m % tiles};
}

static inline size_t qk_gemm_padded_k(const struct qk_gemm_kernel *kernel, size_t k) {
    return (k + kernel->kr - 1) / kernel->kr * kernel->kr;
}
/* bytes from one packed row of A to the next */
static inline size_t qk_gemm_pack_a_stride(const struct qk_gemm_kernel *kernel, size_t k) {
    return qk_gemm_padded_k(kernel, k) * kernel->element_bytes;
}
static inline size_t qk_gemm_panel_bytes(const struct qk_gemm_kernel *kernel, size_t k) {
    return qk_gemm_padded_k(kernel, k) * kernel->nr * kernel->element_bytes;
}

/* The one packer and the one unpacker of the format above. */
void qk_gemm_pack_panel(const struct qk_gemm_kernel *kernel, size_t k, size_t n, const uint8_t *b, ptrdiff_t stride_k,
                        ptrdiff_t stride_n, uint8_t flip, void *panel);
int32_t qk_gemm_unpack(const struct qk_gemm_kernel *kernel, size_t k, const void *panels, size_t row, size_t column);

extern const struct qk_gemm_kernel qk_gemm_u8s8_4x4_scalar;
extern const struct qk_gemm_kernel qk_gemm_u8s8_6x16_avx2;
extern const struct qk_gemm_kernel qk_gemm_u8s8_7x64_avx512vnni;
extern const struct qk_gemm_kernel qk_gemm_u8s8_14x32_avx512vnni;

#endif
