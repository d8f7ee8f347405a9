/* Compares every kernel of an instruction set with the scalar one, byte for byte: checker ISA GROUP [SEED].
 *
 * Every buffer ends where an inaccessible page begins, or begins where one ends; outputs are compared together with the
 * canaries round them. Exit status 0: all equal, 1: the case named on stderr differs, 77: the set cannot run here.
 */
#include "backends/backend.h"
#include "qkernels.h"
#include <float.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, SLOT = 192 * PAGE, MARGIN = 256, CANARY = 0xa5, N_SLOTS = 16 };

static uint8_t *slots[N_SLOTS];
static char current[256] = "start";
static uint64_t state;
static struct qk_kernels scalar, tested;

static uint32_t next_random(void) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33);
}
static size_t below(size_t n) {
    return next_random() % n;
}
static size_t between(size_t lo, size_t hi) {
    return lo + below(hi - lo + 1);
}

static void enter(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(current, sizeof current, format, arguments);
    va_end(arguments);
}
static _Noreturn void fail(const char *what) {
    fprintf(stderr, "FAILED %s: %s\n", current, what);
    exit(1);
}
static void on_fault(int signal) {
    static const char message[] = "FAILED (signal: access outside the buffers) ";
    (void)signal;
    if (write(2, message, sizeof message - 1) < 0 || write(2, current, strlen(current)) < 0) _exit(2);
    _exit(1);
}

/* `bytes` of slot `i` at one of its ends, the margin on the open side filled with canaries */
static void *place(int i, size_t bytes, int at_start) {
    if (bytes + MARGIN > SLOT) fail("the slot is too small");
    uint8_t *p = at_start ? slots[i] : slots[i] + SLOT - bytes;
    memset(at_start ? p : p - MARGIN, CANARY, bytes + MARGIN);
    return p;
}
static void check_same(const void *expected, const void *got, size_t bytes, int at_start) {
    const size_t before = at_start ? 0 : MARGIN;
    if (memcmp((const uint8_t *)expected - before, (const uint8_t *)got - before, bytes + MARGIN) != 0)
        fail("differs from the scalar kernel");
}

/* --- values --- */

static void fill_bytes(uint8_t *p, size_t n) {
    static const uint8_t extremes[] = {0, 255, 128, 127, 1};
    const size_t mode = below(6);
    for (size_t i = 0; i < n; i++)
        p[i] = mode < 2 ? (uint8_t)next_random() : mode < 5 ? extremes[mode - 2] : extremes[below(5)];
}
/* -255..255: in one mode all of them, in others int8 with a few beyond it, or none */
static void fill_wide(int16_t *p, size_t n) {
    const size_t mode = below(4);
    for (size_t i = 0; i < n; i++) {
        const int beyond = mode == 0 || (mode < 3 && below(50) == 0);
        p[i] = (int16_t)(beyond ? (int)below(511) - 255 : (int)below(256) - 128);
        if (beyond && below(4) == 0) p[i] = below(2) ? 255 : -255;
    }
}
static int32_t any_int(size_t mode) {
    static const int32_t extremes[] = {INT32_MIN, INT32_MAX, INT32_MIN + 1, 0, -1, 1, 1 << 24, -(1 << 24) - 1};
    if (mode == 0) return 0;
    if (mode == 1) return (int32_t)below(2001) - 1000;
    return mode == 2 || below(2) ? extremes[below(8)] : (int32_t)(next_random() << 1);
}
static float any_multiplier(size_t mode) {
    static const float odd[] = {0.0f, 1.0f, 0.5f, -0.5f, 1e-38f, 1e-42f, -1e-10f, 1e10f, -1e10f, 3e38f, FLT_MAX,
                                -FLT_MAX};
    if (mode == 0) return 0.5f; /* ties */
    if (mode == 1) return odd[below(12)];
    return ldexpf(1.0f + (float)next_random() / 2147483648.0f, -(int)between(0, 24));
}
static struct qk_requant any_requant(void) {
    const int plain = below(4) == 0, zero_point = plain ? 0 : (int)below(256), whole = plain || below(2) == 0;
    const int lo = whole ? 0 : (int)below(256), hi = whole ? 255 : (int)between((size_t)lo, 255);
    return (struct qk_requant){(float)(hi - zero_point), (float)(lo - zero_point), zero_point, (uint8_t)lo, (uint8_t)hi,
                               !plain && below(2) ? 0x80 : 0, 0};
}
static float any_float(float scale) {
    static const float odd[] = {0.0f, -0.0f, 1e-45f, -1e-45f, FLT_MIN, FLT_MAX, -FLT_MAX, NAN, INFINITY, -INFINITY};
    const float steps = (float)below(600) - 300.0f;
    switch (below(4)) {
    case 0: return odd[below(10)];
    case 1: return (steps + 0.5f) * scale;
    case 2: return nextafterf((steps + 0.5f) * scale, below(2) ? FLT_MAX : -FLT_MAX);
    default: return (steps + (float)next_random() / 2147483648.0f) * scale;
    }
}
static float any_scale(void) {
    static const float odd[] = {1.0f, 0.1f, 1e-38f, 1e-44f, 3e38f, 0x1p-7f};
    return below(3) ? ldexpf(1.0f + (float)next_random() / 2147483648.0f, (int)below(20) - 14) : odd[below(6)];
}

/* --- matrix product --- */

struct product {
    size_t m, n, k, a_stride, c_stride, element;
    const uint8_t *a;
    struct qk_gemm_weights b;
    const int32_t *bias;
    const float *multiplier;
    int out;
    struct qk_requant requant;
};

/* A matrix in slot 1: int8, or int16 of which a few or all may exceed int8. */
static struct qk_gemm_weights any_weights(size_t k, size_t n) {
    const size_t element_bytes = below(2) + 1;
    void *data = place(1, k * n * element_bytes, 0);
    if (element_bytes == 1) fill_bytes(data, k * n);
    else fill_wide(data, k * n);
    return (struct qk_gemm_weights){data, (ptrdiff_t)n, 1, element_bytes, 0};
}

/* Panel by panel. Slots from `first` on hold what is packed. */
static void multiply(const struct qk_gemm_kernel *kernel, const struct product *p, uint8_t *c, int first) {
    for (size_t j = 0; j < p->n; j += kernel->nr) {
        const size_t n = p->n - j < kernel->nr ? p->n - j : kernel->nr;
        struct qk_gemm_panel panel = {.k = p->k};
        panel.n_again = qk_gemm_find_again(kernel, p->k, j, n, &p->b, NULL);
        uint32_t *again = place(first + 4, panel.n_again * sizeof *again, 0);
        qk_gemm_find_again(kernel, p->k, j, n, &p->b, again);
        panel.b = place(first, qk_gemm_panel_bytes(kernel, p->k, panel.n_again), 0);
        panel.again = again;
        qk_gemm_pack_panel(kernel, j, n, &p->b, &panel);
        for (size_t row = 0; row < p->k; row++)
            for (size_t column = 0; column < n; column++) {
                const void *at = qk_gemm_weights_at(&p->b, row, j + column);
                const int weight = p->b.element_bytes == 2 ? *(const int16_t *)at : *(const int8_t *)at;
                if (qk_gemm_unpack(kernel, &panel, row, column) != weight)
                    fail("unpacking does not give back what was packed");
            }
        const size_t words = kernel->nr * 4; /* bias and multiplier are padded to the panel's width */
        int32_t *bias = place(first + 1, words, 0);
        float *multiplier = place(first + 2, words, 0);
        memset(bias, 0, words), memset(multiplier, 0, words);
        for (size_t at = 0; at < kernel->nr; at++) {
            if (kernel->column_order[at] >= n) continue;
            bias[at] = p->bias[j + kernel->column_order[at]];
            multiplier[at] = p->multiplier[j + kernel->column_order[at]];
        }
        const struct qk_gemm_epilogue epilogue = {p->out, bias, multiplier, p->requant};
        const uint8_t *a = p->a;
        size_t a_stride = p->a_stride;
        if (kernel->pack_a) {
            a_stride = qk_gemm_pack_a_stride(kernel, p->k);
            uint8_t *packed = place(first + 3, p->m * a_stride, 0);
            kernel->pack_a(p->m, p->k, a, p->a_stride, packed);
            a = packed;
        }
        kernel->run(p->m, n, a, a_stride, &panel, &epilogue, c + j * p->element, p->c_stride);
    }
}

static void check_product(const struct qk_gemm_kernel *kernel, size_t m, size_t n, size_t k, int out) {
    static const char *const names[] = {"u8", "s32", "f32"};
    struct product p = {.m = m, .n = n, .k = k, .a_stride = k + below(2) * below(40), .out = out,
                        .requant = any_requant()};
    enter("%s m=%zu n=%zu k=%zu a_stride=%zu %s", kernel->name, m, n, k, p.a_stride, names[out]);
    p.element = out == QK_GEMM_OUT_U8 ? 1 : 4;
    p.c_stride = (n + below(2) * below(9)) * p.element;
    const size_t a_bytes = (m - 1) * p.a_stride + k, c_bytes = (m - 1) * p.c_stride + n * p.element;
    uint8_t *a = place(0, a_bytes, below(4) == 0);
    p.b = any_weights(k, n);
    int32_t *bias = place(2, n * 4, 0);
    float *multiplier = place(3, n * 4, 0);
    fill_bytes(a, a_bytes);
    const size_t bias_mode = below(4), multiplier_mode = below(4);
    for (size_t j = 0; j < n; j++) bias[j] = any_int(bias_mode), multiplier[j] = any_multiplier(multiplier_mode);
    p.a = a, p.bias = bias, p.multiplier = multiplier;
    p.requant.bounded = qk_is_bounded(k, 255, n, bias, multiplier);
    const int at_start = below(4) == 0;
    uint8_t *expected = place(4, c_bytes, at_start), *got = place(5, c_bytes, at_start);
    multiply(&scalar.gemm[0], &p, expected, 6);
    multiply(kernel, &p, got, 11);
    check_same(expected, got, c_bytes, at_start);
}

static void check_gemm(void) {
    const struct qk_gemm_kernel *const kernels[] = {tested.gemm, tested.gemm_narrow};
    for (int i = 0; i < 2; i++) {
        const struct qk_gemm_kernel *kernel = kernels[i];
        for (int out = 0; out < 3; out++) {
            for (size_t m = 1; m <= 2 * kernel->mr + 1; m++)
                for (size_t n = 1; n <= kernel->nr; n++) check_product(kernel, m, n, below(71), out);
            for (size_t k = 0; k <= 70; k++)
                for (int j = 0; j < 3; j++)
                    check_product(kernel, between(1, 3 * kernel->mr), between(1, kernel->nr), k, out);
            for (int j = 0; j < 8; j++)
                check_product(kernel, between(1, 3 * kernel->mr), between(1, kernel->nr), between(71, 1500), out);
        }
    }
}

/* --- depthwise --- */

static void check_depthwise_case(size_t channels, size_t width, size_t stride, size_t rows_out) {
    struct qk_depthwise_rows rows = {.channels = channels, .width = width, .stride = stride, .rows_out = rows_out,
                                     .pad_left = below(3), .width_out = between(1, (width + 4) / stride + 1)};
    enter("%s channels=%zu width=%zu width_out=%zu stride=%zu rows_out=%zu pad_left=%zu", tested.depthwise->name,
          channels, width, rows.width_out, stride, rows_out, rows.pad_left);
    uint8_t *pad = place(0, channels, below(4) == 0);
    fill_bytes(pad, channels);
    rows.pad = pad;
    for (size_t i = 0; i < rows_out + 2; i++) {
        uint8_t *row = below(4) ? place(1 + (int)i, width * channels, below(4) == 0) : pad;
        rows.row[i] = row;
        rows.step[i] = row == pad ? 0 : channels;
        if (row != pad) fill_bytes(row, width * channels);
    }
    int16_t *weights = place(5, 9 * channels * sizeof *weights, 0);
    int32_t *bias = place(6, 4 * channels, 0);
    float *multiplier = place(7, 4 * channels, 0);
    fill_wide(weights, 9 * channels);
    const size_t bias_mode = below(4), multiplier_mode = below(4);
    for (size_t c = 0; c < channels; c++) bias[c] = any_int(bias_mode), multiplier[c] = any_multiplier(multiplier_mode);
    struct qk_requant requant = any_requant();
    requant.bounded = qk_is_bounded(9, 255, channels, bias, multiplier);
    const size_t out_bytes = rows.width_out * channels;
    const int at_start = below(4) == 0;
    uint8_t *out[2][2];
    for (int i = 0; i < 2; i++) {
        const struct qk_depthwise_kernel *kernel = i ? tested.depthwise : scalar.depthwise;
        void *packed = place(8, (kernel->packed_bytes(channels, weights) + 63) / 64 * 64, 0);
        kernel->pack(channels, weights, bias, multiplier, packed);
        for (int y = 0; y < (int)rows_out; y++) out[i][y] = rows.out[y] = place(10 + 2 * i + y, out_bytes, at_start);
        kernel->run(&rows, packed, &requant);
    }
    for (size_t y = 0; y < rows_out; y++) check_same(out[0][y], out[1][y], out_bytes, at_start);
}

static void check_depthwise(void) {
    for (int mode = 0; mode < 3; mode++) {
        const size_t stride = mode == 2 ? 2 : 1, rows_out = mode == 1 ? 2 : 1;
        for (size_t channels = 1; channels <= 130; channels++)
            for (int j = 0; j < 4; j++) check_depthwise_case(channels, between(1, 20), stride, rows_out);
        for (size_t width = 1; width <= 20; width++)
            for (size_t channels = 31; channels <= 33; channels++)
                check_depthwise_case(channels, width, stride, rows_out);
    }
}

#include "checker_elements.h"

int main(int argc, char **argv) {
    if (argc < 3 || qk_use_isa("scalar") != QK_OK) return 2;
    state = argc > 3 ? strtoull(argv[3], NULL, 0) : 1;
    scalar = *qk_current_kernels();
    if (qk_use_isa(argv[1]) != QK_OK) return 77;
    tested = *qk_current_kernels();
    signal(SIGSEGV, on_fault);
    signal(SIGBUS, on_fault);
    for (int i = 0; i < N_SLOTS; i++) {
        uint8_t *p = mmap(NULL, SLOT + 2 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED || mprotect(p + PAGE, SLOT, PROT_READ | PROT_WRITE) != 0) return 2;
        slots[i] = p + PAGE;
    }
    static const struct { const char *name; void (*check)(void); } groups[] = {
        {"gemm", check_gemm}, {"depthwise", check_depthwise}, {"quantize", check_quantize},
        {"conv_first", check_conv_first}, {"pool", check_pool}, {"softmax", check_softmax}, {"saturation", check_saturation},
        {"probe", check_probe}};
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        if (strcmp(groups[i].name, argv[2]) == 0) return groups[i].check(), 0;
    return 2;
}
