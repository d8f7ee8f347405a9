/* The matrix product: all heights of up to two tiles and one row, all widths of a panel, all remainders of K and all outputs;
 * B of every type, in any order and with gaps; A and C with gaps between rows. */
#include "cases.h"
#include "memory.h"
#include "slots.h"
#include <string.h>

struct product {
    size_t m, n, k, a_stride, c_stride, element; /* `element`: bytes of one of C */
    const uint8_t *a;
    struct qk_gemm_weights b;
    const int32_t *bias;
    const float *multiplier;
    int out;
    struct qk_requant requant;
};

static int weight_of(const struct product *p, size_t row, size_t column) {
    const void *at = qk_gemm_weights_at(&p->b, row, column);
    return p->b.element_bytes == 2 ? *(const int16_t *)at : (int8_t)(*(const uint8_t *)at ^ p->b.flip);
}

/* Columns of B from `first` on, packed for the kernel, which must come out of the panel as they went in. */
static void pack_panel(const struct qk_gemm_kernel *kernel, const struct product *p, size_t first, size_t n,
                       const struct qk_gemm_panel *panel) {
    qk_gemm_pack_panel(kernel, first, n, &p->b, panel);
    for (size_t row = 0; row < p->k; row++)
        for (size_t column = 0; column < n; column++)
            if (qk_gemm_unpack(kernel, panel, row, column) != weight_of(p, row, first + column))
                fail("unpacking does not give back element (%zu, %zu) as it was packed", row, first + column);
}

enum { MOST_PANELS = 64 };

/* The panels, side by side as an operator has them. Returns their number. */
static size_t pack(const struct qk_gemm_kernel *kernel, const struct product *p, struct qk_gemm_panel *panels) {
    size_t n_panels = 0, bytes = 0, groups = 0;
    for (size_t first = 0; first < p->n; first += kernel->nr, n_panels++) {
        const size_t n = p->n - first < kernel->nr ? p->n - first : kernel->nr;
        if (n_panels == MOST_PANELS) fail("the checker has no room for this case");
        panels[n_panels] = (struct qk_gemm_panel){p->k, NULL, NULL, qk_gemm_find_again(kernel, p->k, first, n, &p->b, NULL)};
        bytes += qk_gemm_panel_bytes(kernel, p->k, panels[n_panels].n_again);
        groups += panels[n_panels].n_again;
    }
    uint8_t *packed = input(bytes);
    uint32_t *again = input(groups * sizeof *again);
    for (size_t i = 0; i < n_panels; i++) {
        const size_t first = i * kernel->nr, n = p->n - first < kernel->nr ? p->n - first : kernel->nr;
        panels[i].b = packed, panels[i].again = again;
        if (qk_gemm_find_again(kernel, p->k, first, n, &p->b, again) != panels[i].n_again)
            fail("qk_gemm_find_again counts the groups one way and writes them another");
        pack_panel(kernel, p, first, n, &panels[i]);
        packed += qk_gemm_panel_bytes(kernel, p->k, panels[i].n_again), again += panels[i].n_again;
    }
    return n_panels;
}

static void multiply(const struct qk_gemm_kernel *kernel, const struct product *p, uint8_t *c) {
    struct qk_gemm_panel panels[MOST_PANELS];
    const size_t n_panels = pack(kernel, p, panels), padded = n_panels * kernel->nr;
    int32_t *bias = input(padded * sizeof *bias);
    float *multiplier = input(padded * sizeof *multiplier);
    for (size_t at = 0; at < padded; at++) {
        const size_t column = at / kernel->nr * kernel->nr + kernel->column_order[at % kernel->nr];
        bias[at] = column < p->n ? p->bias[column] : 0;
        multiplier[at] = column < p->n ? p->multiplier[column] : 0;
    }
    const uint8_t *a = p->a;
    size_t a_stride = p->a_stride;
    if (kernel->pack_a) {
        a_stride = qk_gemm_pack_a_stride(kernel, p->k);
        uint8_t *packed_a = input(p->m * a_stride);
        kernel->pack_a(p->m, p->k, a, p->a_stride, packed_a);
        a = packed_a;
    }
    seal();
    for (size_t i = 0; i < n_panels; i++) {
        const size_t first = i * kernel->nr, n = p->n - first < kernel->nr ? p->n - first : kernel->nr;
        const struct qk_gemm_epilogue epilogue = {p->out, bias + first, multiplier + first, p->requant};
        kernel->run(p->m, n, a, a_stride, &panels[i], &epilogue, c + first * p->element, p->c_stride);
    }
}

/* Bytes or int16, rows or columns side by side, gaps or none between them. */
static struct qk_gemm_weights any_weights(size_t k, size_t n) {
    const int rows_of_b = (int)below(2);
    const size_t gap = below(2) * below(9), stride = (rows_of_b ? n : k) + gap, lines = rows_of_b ? k : n;
    struct qk_gemm_weights w = {NULL, rows_of_b ? (ptrdiff_t)stride : 1, rows_of_b ? 1 : (ptrdiff_t)stride, between(1, 2), 0};
    const size_t elements = k == 0 ? 0 : lines * stride - gap;
    void *data = input(elements * w.element_bytes);
    if (w.element_bytes == 2) {
        fill_weights(data, elements);
    } else {
        fill_bytes(data, elements);
        w.flip = below(2) ? 0x80 : 0;
    }
    w.data = data;
    return w;
}

static void check_product(const struct qk_gemm_kernel *scalar, const struct qk_gemm_kernel *kernel) {
    struct product p = {.m = swept(1, 2 * kernel->mr + 1), .n = swept(1, kernel->nr), .requant = any_activated_requant()};
    p.k = kernel->kr * (below(16) ? below(18) : below(300)) + swept(0, kernel->kr - 1);
    p.out = (int)swept(QK_GEMM_OUT_U8, QK_GEMM_OUT_F32);
    p.b = any_weights(p.k, p.n);
    p.a_stride = p.k + below(2) * below(40);
    p.element = p.out == QK_GEMM_OUT_U8 ? 1 : 4;
    p.c_stride = (p.n + below(2) * below(9)) * p.element;
    describe("%s m=%zu n=%zu k=%zu a_stride=%zu c_stride=%zu stride_k=%td stride_n=%td b_bytes=%zu out=%d activation=%d",
             kernel->name, p.m, p.n, p.k, p.a_stride, p.c_stride, p.b.stride_k, p.b.stride_n, p.b.element_bytes, p.out,
             p.requant.activation);
    const size_t a_bytes = (p.m - 1) * p.a_stride + p.k, c_bytes = (p.m - 1) * p.c_stride + p.n * p.element;
    uint8_t *a = input(a_bytes);
    int32_t *bias = input(p.n * sizeof *bias);
    float *multiplier = input(p.n * sizeof *multiplier);
    fill_bytes(a, a_bytes), fill_ints(bias, p.n), fill_multipliers(multiplier, p.n);
    p.a = a, p.bias = bias, p.multiplier = multiplier;
    p.requant.bounded = below(4) && qk_is_bounded(p.k, p.b.element_bytes == 2 ? 255 : 128, p.n, bias, multiplier);
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
