/* The public API end to end, on every instruction set and with several numbers of threads: the same bytes everywhere; every
 * allocation refused in turn, after which nothing is left allocated; every status for bad arguments.
 * Exit status 0: all as expected; 1: what is not, on stderr.
 */
#include "allocation.h"
#include "qkernels.h"
#include "uses.h"
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { MOST_SETS = 32 };

static size_t failed, refusals, runs;

static void expect(int condition, const char *what, const char *where) {
    if (condition) return;
    fprintf(stderr, "%s: %s\n", where, what);
    failed++;
}

static uint64_t run_undisturbed(const struct use *use) {
    uint64_t digest = 0xcbf29ce484222325u;
    const size_t before = live_blocks();
    refuse_allocation(SIZE_MAX);
    expect(use->run(&digest) == QK_OK, "fails without a reason", use->name);
    expect(live_blocks() == before, "leaves something allocated", use->name);
    runs++;
    return digest;
}

static void refuse_each_allocation(const struct use *use) {
    refuse_allocation(SIZE_MAX);
    uint64_t ignored = 0;
    use->run(&ignored);
    const size_t wanted = allocations(), before = live_blocks();
    for (size_t i = 0; i < wanted; i++) {
        refuse_allocation(i);
        expect(use->run(&ignored) == QK_ERROR_MEMORY, "does not report a refused allocation", use->name);
        expect(live_blocks() == before, "leaves something allocated when an allocation is refused", use->name);
        refusals++;
    }
    refuse_allocation(SIZE_MAX);
}

static void run_all(const uint64_t *expected) {
    for (size_t u = 0; u < n_uses; u++) {
        refuse_each_allocation(&uses[u]);
        expect(run_undisturbed(&uses[u]) == expected[u], "gives other bytes than scalar kernels on one thread", uses[u].name);
    }
}

/* --- bad arguments --- */

#define EXPECT_STATUS(call, expected) expect((call) == (expected), #call " does not give " #expected, "arguments")

static const float one = 1.0f;
static const int32_t zero[8] = {0};
static const int8_t weights[64] = {0};
static const qk_epilogue to_u8 = {.dtype = QK_U8, .multiplier = &one, .hi = 255};

static void bad_convolutions(void) {
    const qk_conv2d_desc good = {1, 4, 4, 2, 2, 2, 3, 3, 1, 1, 1, 1, 0, 0, 0, 0, zero, weights, QK_S8};
    /* the sizes that must not be 0, as they stand in the structure */
    for (size_t field = 0; field < 12; field++) {
        qk_conv2d_desc bad = good;
        memset((char *)&bad + field * sizeof(size_t), 0, sizeof(size_t));
        qk_op *op;
        EXPECT_STATUS(qk_conv2d_create(&bad, &to_u8, &op), QK_ERROR_ARGUMENT);
    }
    qk_op *op;
    qk_conv2d_desc bad = good;
    bad.groups = 3;
    EXPECT_STATUS(qk_conv2d_create(&bad, &to_u8, &op), QK_ERROR_ARGUMENT);
    bad = good, bad.channels_out = 3;
    EXPECT_STATUS(qk_conv2d_create(&bad, &to_u8, &op), QK_ERROR_ARGUMENT);
    bad = good, bad.kernel_h = 5; /* higher than the image */
    EXPECT_STATUS(qk_conv2d_create(&bad, &to_u8, &op), QK_ERROR_ARGUMENT);
    bad = good, bad.dilation_w = 2; /* wider than the image */
    EXPECT_STATUS(qk_conv2d_create(&bad, &to_u8, &op), QK_ERROR_ARGUMENT);
}

static void bad_pools(void) {
    const qk_average_pool_desc good = {1, 4, 4, 2, 2, 2, 1, 1, 0, 1.0f, 0, 0, 255, QK_U8, 0, 0, 0, 0, 0};
    qk_op *op;
    for (size_t field = 0; field < 8; field++) {
        qk_average_pool_desc bad = good;
        memset((char *)&bad + field * sizeof(size_t), 0, sizeof(size_t));
        EXPECT_STATUS(qk_average_pool_create(&bad, &op), QK_ERROR_ARGUMENT);
    }
    qk_average_pool_desc bad = good;
    bad.kernel_w = 5;
    EXPECT_STATUS(qk_average_pool_create(&bad, &op), QK_ERROR_ARGUMENT);
    bad = good, bad.height = bad.width = bad.kernel_h = bad.kernel_w = 4096; /* more pixels than an int32 can add up */
    EXPECT_STATUS(qk_average_pool_create(&bad, &op), QK_ERROR_ARGUMENT);
}

static void bad_products(void) {
    const int32_t points[] = {1, 0};
    const qk_linear_desc desc = {2, 2, weights, 2, 1, QK_S8, points, 0};
    const qk_epilogue to_s32 = {.dtype = QK_S32};
    int32_t c[4];
    qk_op *op;
    EXPECT_STATUS(qk_linear_create(&desc, &to_u8, &op), QK_ERROR_ARGUMENT);
    EXPECT_STATUS(qk_linear_create(&desc, &to_s32, &op), QK_OK);
    EXPECT_STATUS(qk_linear_run(op, &to_u8, 0, QK_U8, weights, 2, c), QK_ERROR_ARGUMENT);
    qk_op_destroy(op);
    EXPECT_STATUS(qk_softmax_create(0, 1, &op), QK_ERROR_ARGUMENT);
    EXPECT_STATUS(qk_softmax_create(1, 0, &op), QK_ERROR_ARGUMENT);
    qk_op_destroy(NULL);
}

static void bad_elements(void) {
    const qk_arithmetic_desc good = {QK_ADD, 1, 2, 3, 0, 0, 0, 1.0f, 1.0f, 0, 0, 255, QK_U8};
    static const uint8_t table[256] = {0};
    const size_t sizes[] = {offsetof(qk_arithmetic_desc, images), offsetof(qk_arithmetic_desc, pixels),
                            offsetof(qk_arithmetic_desc, channels)};
    qk_op *op;
    for (size_t i = 0; i < 3; i++) {
        qk_arithmetic_desc bad = good;
        memset((char *)&bad + sizes[i], 0, sizeof(size_t));
        EXPECT_STATUS(qk_arithmetic_create(&bad, &op), QK_ERROR_ARGUMENT);
        const size_t shape[] = {i != 0, i != 1, i != 2};
        EXPECT_STATUS(qk_transpose_create(shape[0], shape[1], shape[2], QK_U8, &op), QK_ERROR_ARGUMENT);
    }
    EXPECT_STATUS(qk_table_create(0, table, &op), QK_ERROR_ARGUMENT);
    EXPECT_STATUS(qk_arithmetic_create(&good, &op), QK_OK);
    expect(qk_op_inputs(op) == 2, "a sum does not read two arrays", "qk_op_inputs");
    qk_op_destroy(op);
}

static void bad_plans(void) {
    float in[2] = {1, 2}, out[2];
    const void *inputs[] = {in};
    void *outputs[] = {out};
    uint64_t ns;
    qk_plan *plan;
    qk_op *op;
    int first, second;
    EXPECT_STATUS(qk_plan_create(&plan), QK_OK);
    EXPECT_STATUS(qk_plan_add_tensor(plan, sizeof in, &first), QK_OK);
    EXPECT_STATUS(qk_plan_add_tensor(plan, sizeof out, &second), QK_OK);
    const int unknown[] = {-1, 2};
    for (int i = 0; i < 2; i++) { /* the plan owns the operator all the same */
        EXPECT_STATUS(qk_softmax_create(1, 2, &op), QK_OK);
        EXPECT_STATUS(qk_plan_add_op(plan, op, 0, &unknown[i], second), QK_ERROR_ARGUMENT);
        EXPECT_STATUS(qk_softmax_create(1, 2, &op), QK_OK);
        EXPECT_STATUS(qk_plan_add_op(plan, op, 0, &first, unknown[i]), QK_ERROR_ARGUMENT);
    }
    EXPECT_STATUS(qk_softmax_create(1, 2, &op), QK_OK);
    EXPECT_STATUS(qk_plan_add_op(plan, op, 0, &first, second), QK_OK);
    EXPECT_STATUS(qk_plan_run(plan, inputs, outputs, NULL), QK_ERROR_ARGUMENT); /* not finished */
    EXPECT_STATUS(qk_plan_run_op(plan, 0, inputs, out, 1, &ns), QK_ERROR_ARGUMENT);
    EXPECT_STATUS(qk_plan_finish(plan, &first, 1, &second, 1), QK_OK);
    EXPECT_STATUS(qk_plan_run_op(plan, 1, inputs, out, 1, &ns), QK_ERROR_ARGUMENT);
    EXPECT_STATUS(qk_plan_run(plan, inputs, outputs, &ns), QK_OK);
    expect(qk_plan_arena_bytes(plan) == 0, "an arena though no tensor lies between", "plan");
    qk_plan_destroy(plan);
    qk_plan_destroy(NULL);
}

static void settings(void) {
    qk_isa_info one_set;
    EXPECT_STATUS(qk_use_isa("no such set"), QK_ERROR_UNSUPPORTED);
    EXPECT_STATUS(qk_use_isa(""), QK_ERROR_UNSUPPORTED);
    expect(qk_isa_list(&one_set, 1) == qk_isa_list(NULL, 0), "the number of sets depends on the room for them", "qk_isa_list");
    expect(qk_threads_available() >= 1, "fewer than one", "qk_threads_available");
    qk_set_num_threads(-4);
    expect(qk_get_num_threads() == 1, "takes a number below 1", "qk_set_num_threads");
    qk_set_num_threads(1 << 20);
    expect(qk_get_num_threads() < 1 << 20, "takes a number without end", "qk_set_num_threads");
}

/* No memory to find it out counts as no quota. */
static void quota(void) {
    const size_t before = live_blocks();
    refuse_allocation(0);
    expect(system_cpu_quota() == INFINITY, "a quota though there is no memory", "qk_cpu_quota");
    refuse_allocation(SIZE_MAX);
    expect(system_cpu_quota() > 0, "no time at all", "qk_cpu_quota");
    expect(live_blocks() == before, "something is left allocated", "qk_cpu_quota");
}

static void probes(void) {
    _Alignas(64) static uint8_t data[1 << 16];
    expect(qk_measure_peak(1e-4) > 0, "no operations", "qk_measure_peak");
    expect(qk_measure_read_bandwidth(data, sizeof data, 1e-4) > 0, "no bytes", "qk_measure_read_bandwidth");
}

int main(void) {
    uint64_t expected[64];
    qk_isa_info sets[MOST_SETS];
    const size_t n_sets = qk_isa_list(sets, MOST_SETS);
    prepare_uses();
    qk_use_isa("scalar");
    qk_set_num_threads(1);
    for (size_t u = 0; u < n_uses; u++) expected[u] = run_undisturbed(&uses[u]);
    refuse_threads(1); /* fewer workers than asked for: the same bytes */
    qk_set_num_threads(4);
    run_all(expected);
    refuse_threads(0);
    for (size_t s = 0; s < n_sets; s++) {
        if (!sets[s].supported || qk_use_isa(sets[s].name) != QK_OK) continue;
        for (int threads = 1; threads <= 3; threads++) {
            qk_set_num_threads(threads);
            run_all(expected);
        }
        probes();
    }
    const size_t before = live_blocks();
    bad_convolutions(), bad_pools(), bad_products(), bad_elements(), bad_plans(), settings(), quota();
    expect(live_blocks() == before, "something is left allocated", "arguments");
    printf("%zu uses, %zu runs, %zu refused allocations, %zu failed\n", n_uses, runs, refusals, failed);
    return failed ? 1 : 0;
}
