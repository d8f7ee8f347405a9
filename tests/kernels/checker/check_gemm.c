/* The matrix product: all heights of up to two tiles and one row, all widths of a panel, all remainders of K and all outputs;
 * B in any order and with gaps; A and C with gaps between rows. */
#include "cases.h"
#include "memory.h"
#include "slots.h"
#include <string.h>

struct product {
    size_t m, n, k, a_stride, c_stride, element; /* `element`: bytes of one of C */
    ptrdiff_t stride_k, stride_n;                /* of B */
    const uint8_t *a, *b;
    uint8_t flip;
    const int32_t *bias;
    const float *multiplier;
    int out;
    struct qk_requant requant;
};

/* Columns of `p` from `first` on, packed for the kernel, which must come out of the panel as they went in. */
static void pack_panel(const struct qk_gemm_kernel *kernel, const struct product *p, size_t first, size_t n, void *panel) {
    const uint8_t *b = p->b + (ptrdiff_t)first * p->stride_n;
    qk_gemm_pack_panel(kernel, p->k, n, b, p->stride_k, p->stride_n, p->flip, panel);
    for (size_t row = 0; row < p->k; row++)
        for (size_t column = 0; column < n; column++) {
            const uint8_t from = b[(ptrdiff_t)row * p->stride_k + (ptrdiff_t)column * p->stride_n] ^ p->flip;
            if (qk_gemm_unpack(kernel, p->k, panel, row, column) != (int8_t)from)
                fail("unpacking does not give back element (%zu, %zu) as it was packed", row, first + column);
        }
}

static void multiply(const struct qk_gemm_kernel *kernel, const struct product *p, uint8_t *c) {
    const size_t panels = (p->n + kernel->nr - 1) / kernel->nr, padded = panels * kernel->nr;
    const size_t panel_bytes = qk_gemm_panel_bytes(kernel, p->k);
    uint8_t *packed = input(panels * panel_bytes);
    int32_t *bias = input(padded * sizeof *bias);
    float *multiplier = input(padded * sizeof *multiplier);
    for (size_t at = 0; at < padded; at++) {
        const size_t column = at / kernel->nr * kernel->nr + kernel->column_order[at % kernel->nr];
        bias[at] = column < p->n ? p->bias[column] : 0;
        multiplier[at] = column < p->n ? p->multiplier[column] : 0;
    }
    for (size_t first = 0, i = 0; first < p->n; first += kernel->nr, i++)
        pack_panel(kernel, p, first, p->n - first < kernel->nr ? p->n - first : kernel->nr, packed + i * panel_bytes);
    const uint8_t *a = p->a;
    size_t a_stride = p->a_stride;
    if (kernel->pack_a) {
        a_stride = qk_gemm_pack_a_stride(kernel, p->k);
        uint8_t *packed_a = input(p->m * a_stride);
        kernel->pack_a(p->m, p->k, a, p->a_stride, packed_a);
        a = packed_a;
    }
    seal();
    for (size_t first = 0, i = 0; first < p->n; first += kernel->nr, i++) {
        const struct qk_gemm_epilogue epilogue = {p->out, bias + first, multiplier + first, p->requant};
        const size_t n = p->n - first < kernel->nr ? p->n - first : kernel->nr;
        kernel->run(p->m, n, p->k, a, a_stride, packed + i * panel_bytes, &epilogue, c + first * p->element, p->c_stride);
    }
}

static void check_product(const struct qk_gemm_kernel *scalar, const struct qk_gemm_kernel *kernel) {
    struct product p = {.m = swept(1, 2 * kernel->mr + 1), .n = swept(1, kernel->nr), .requant = any_requant()};
    p.k = kernel->kr * (below(16) ? below(18) : below(300)) + swept(0, kernel->kr - 1);
    p.out = (int)swept(QK_GEMM_OUT_U8, QK_GEMM_OUT_F32);
    const int rows_of_b = (int)below(2);
    const size_t b_gap = below(2) * below(9), b_stride = (rows_of_b ? p.n : p.k) + b_gap;
    p.stride_k = rows_of_b ? (ptrdiff_t)b_stride : 1;
    p.stride_n = rows_of_b ? 1 : (ptrdiff_t)b_stride;
    p.flip = below(2) ? 0x80 : 0;
    p.a_stride = p.k + below(2) * below(40);
    p.element = p.out == QK_GEMM_OUT_U8 ? 1 : 4;
    p.c_stride = (p.n + below(2) * below(9)) * p.element;
    describe("%s m=%zu n=%zu k=%zu a_stride=%zu c_stride=%zu stride_k=%td stride_n=%td out=%d", kernel->name, p.m, p.n, p.k,
             p.a_stride, p.c_stride, p.stride_k, p.stride_n, p.out);
    const size_t a_bytes = (p.m - 1) * p.a_stride + p.k, c_bytes = (p.m - 1) * p.c_stride + p.n * p.element;
    const size_t rows = rows_of_b ? p.k : p.n, b_bytes = p.k == 0 ? 0 : (rows - 1) * b_stride + b_stride - b_gap;
    uint8_t *a = input(a_bytes), *b = input(b_bytes);
    int32_t *bias = input(p.n * sizeof *bias);
    float *multiplier = input(p.n * sizeof *multiplier);
    fill_bytes(a, a_bytes), fill_bytes(b, b_bytes), fill_ints(bias, p.n), fill_multipliers(multiplier, p.n);
    p.a = a, p.b = b, p.bias = bias, p.multiplier = multiplier;
    p.requant.bounded = below(4) && qk_is_bounded(p.k, p.n, bias, multiplier);
    const struct outputs c = outputs(c_bytes);
    seal();
    multiply(scalar, &p, c.expected);
    multiply(kernel, &p, c.got);
    compare(c, c_bytes);
}

void check_gemm(const struct qk_kernels *scalar, const struct qk_kernels *tested) {
    check_product(scalar->gemm, tested->gemm);
}

void check_gemm_narrow(const struct qk_kernels *scalar, const struct qk_kernels *tested) {
    check_product(scalar->gemm, tested->gemm_narrow);
}
