/* Plans: any sequence of calls, right and wrong ones, against a model of what a plan knows; then its run against its
 * operators one by one, on every instruction set.
 */
#include "reader.h"

enum { MOST_TENSORS = 24, MOST_STEPS = 16, MOST_ENDS = 4, MOST_BYTES = 512, MOST_SOURCES = 2 };

struct tensor {
    size_t bytes;
    int written;
};
/* An operator and what it reads and writes. */
struct made {
    qk_op *op;
    size_t rows, n_inputs, reads[MOST_SOURCES], writes;
};
struct step {
    struct made made; /* one more like the plan's own */
    int src[MOST_SOURCES], dst;
};
struct model {
    qk_plan *plan;
    struct tensor tensors[MOST_TENSORS];
    struct step steps[MOST_STEPS];
    int inputs[MOST_ENDS], outputs[MOST_ENDS];
    size_t n_tensors, n_steps, n_inputs, n_outputs;
    int finished;
};

static void add_tensor(struct model *m, struct reader *r) {
    if (m->n_tensors == MOST_TENSORS) return;
    const size_t bytes = one_in(r, 32) ? absurd_size(r) : between(r, 0, MOST_BYTES);
    int tensor = -1;
    const qk_status status = qk_plan_add_tensor(m->plan, bytes, &tensor);
    REQUIRE(status == (m->finished || bytes > (size_t)PTRDIFF_MAX ? QK_ERROR_ARGUMENT : QK_OK));
    if (status != QK_OK) return;
    REQUIRE(tensor == (int)m->n_tensors);
    m->tensors[m->n_tensors++] = (struct tensor){bytes, 0};
}

/* An operator that reads `bytes`, or as many of them as it can. */
static struct made make_op(struct reader *r, size_t bytes) {
    const size_t floats = bytes / sizeof(float) ? bytes / sizeof(float) : 1, n = bytes ? bytes : 1;
    const float scale = any_scale(r);
    const int32_t zero_point = (int32_t)between(r, 0, 255);
    struct made m = {.n_inputs = 1};
    switch (between(r, 0, 9)) {
    case 0: {
        const qk_affine map = {1, 1, floats, &scale, &zero_point, QK_U8};
        m.reads[0] = floats * sizeof(float), m.writes = floats;
        REQUIRE(qk_quantize_create(&map, &m.op) == QK_OK);
        break;
    }
    case 1: {
        const qk_affine map = {1, 1, n, &scale, &zero_point, QK_U8};
        m.reads[0] = n, m.writes = n * sizeof(float);
        REQUIRE(qk_dequantize_create(&map, &m.op) == QK_OK);
        break;
    }
    case 2:
        m.reads[0] = m.writes = floats * sizeof(float);
        REQUIRE(qk_softmax_create(1, floats, &m.op) == QK_OK);
        break;
    case 3: {
        const size_t rows = between(r, 1, 4), k = n / rows ? n / rows : 1, columns = between(r, 1, 20);
        int16_t *weights = make_wide_weights(r, k * columns);
        const qk_linear_desc d = {k, columns, weights, (ptrdiff_t)columns, 1, QK_S16, NULL, zero_point};
        const qk_epilogue e = {.dtype = one_in(r, 2) ? QK_S32 : QK_F32, .multiplier = make_scales(r, columns)};
        m.rows = rows, m.reads[0] = rows * k, m.writes = rows * columns * sizeof(float);
        REQUIRE(qk_linear_create(&d, &e, &m.op) == QK_OK);
        free(weights), free((void *)e.multiplier);
        break;
    }
    case 4: {
        const size_t side = between(r, 1, 4), channels = n / side ? n / side : 1;
        const qk_average_pool_desc d = {.batch = 1, .height = side, .width = 1, .channels = channels, .kernel_h = side,
                                        .kernel_w = 1, .stride_h = 1, .stride_w = 1, .input_zero_point = zero_point,
                                        .multiplier = scale, .zero_point = zero_point, .hi = 255, .dtype = QK_U8};
        m.reads[0] = side * channels, m.writes = channels;
        REQUIRE(qk_average_pool_create(&d, &m.op) == QK_OK);
        break;
    }
    case 5: { /* depthwise */
        const size_t width = between(r, 1, 5), channels = n / width ? n / width : 1;
        int8_t *weights = make_bytes(r, 9 * channels);
        int32_t *zero_points = make_ints(r, channels, 0, 255);
        const qk_conv2d_desc d = {1, 1, width, channels, channels, channels, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, zero_points,
                                  weights, QK_S8};
        const qk_epilogue e = {.dtype = QK_U8, .multiplier = make_scales(r, channels), .zero_point = zero_point, .hi = 255};
        m.reads[0] = m.writes = width * channels;
        REQUIRE(qk_conv2d_create(&d, &e, &m.op) == QK_OK);
        free(weights), free(zero_points), free((void *)e.multiplier);
        break;
    }
    case 6: {
        uint8_t *table = make_bytes(r, 256);
        m.reads[0] = m.writes = n;
        REQUIRE(qk_table_create(n, table, &m.op) == QK_OK);
        free(table);
        break;
    }
    case 7: {
        const size_t columns = between(r, 1, 5), rows = n / columns ? n / columns : 1;
        m.reads[0] = m.writes = rows * columns;
        REQUIRE(qk_transpose_create(1, rows, columns, QK_U8, &m.op) == QK_OK);
        break;
    }
    default: {
        const size_t pixels = between(r, 1, 4), channels = n / pixels ? n / pixels : 1;
        const qk_arithmetic_desc d = {(qk_operation)between(r, 0, 1), 1, pixels, channels, one_in(r, 2), zero_point,
                                      (int32_t)between(r, 0, 255), scale, any_scale(r), zero_point, 0, 255, QK_U8};
        m.n_inputs = 2, m.reads[0] = m.writes = pixels * channels, m.reads[1] = d.one_pixel_b ? channels : pixels * channels;
        REQUIRE(qk_arithmetic_create(&d, &m.op) == QK_OK);
    }
    }
    REQUIRE(qk_op_inputs(m.op) == m.n_inputs);
    return m;
}

static int index_of(struct reader *r, const struct model *m) {
    return one_in(r, 16) ? any_int(r) : (int)between(r, 0, m->n_tensors);
}

static int is_known(const struct model *m, int tensor) {
    return tensor >= 0 && (size_t)tensor < m->n_tensors;
}

/* Mostly a tensor of as many bytes, where there is one. */
static int source_of(struct reader *r, const struct model *m, size_t bytes) {
    const size_t first = between(r, 0, MOST_TENSORS - 1);
    for (size_t i = 0; i < m->n_tensors && !one_in(r, 16); i++) {
        const size_t tensor = (first + i) % m->n_tensors;
        if (m->tensors[tensor].bytes == bytes) return (int)tensor;
    }
    return index_of(r, m);
}

static void add_op(struct model *m, struct reader *r) {
    if (m->n_steps == MOST_STEPS) return;
    struct step step = {.src = {index_of(r, m)}, .dst = index_of(r, m)};
    const int first = step.src[0];
    const size_t there = is_known(m, first) ? m->tensors[first].bytes : SIZE_MAX;
    const size_t bytes = there < MOST_BYTES ? there : between(r, 0, 64);
    struct reader same = *r;
    step.made = make_op(r, bytes);
    for (size_t i = 1; i < step.made.n_inputs; i++) step.src[i] = source_of(r, m, step.made.reads[i]);
    if (one_in(r, 2) && m->n_tensors < MOST_TENSORS && !m->finished) { /* a tensor that fits */
        REQUIRE(qk_plan_add_tensor(m->plan, step.made.writes, &step.dst) == QK_OK);
        m->tensors[m->n_tensors++] = (struct tensor){step.made.writes, 0};
    }
    int valid = !m->finished && is_known(m, step.dst) && step.made.writes == m->tensors[step.dst].bytes &&
                !m->tensors[step.dst].written;
    for (size_t i = 0; i < step.made.n_inputs; i++)
        valid = valid && is_known(m, step.src[i]) && step.src[i] != step.dst &&
                step.made.reads[i] == m->tensors[step.src[i]].bytes;
    REQUIRE(qk_plan_add_op(m->plan, step.made.op, step.made.rows, step.src, step.dst) == (valid ? QK_OK : QK_ERROR_ARGUMENT));
    if (!valid) return;
    step.made = make_op(&same, bytes);
    m->steps[m->n_steps++] = step;
    m->tensors[step.dst].written = (int)m->n_steps;
}

static int is_among(int tensor, const int *list, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (list[i] == tensor) return 1;
    return 0;
}

/* Whether the plan may be finished with these ends. */
static int may_finish(const struct model *m, const int *inputs, size_t n_inputs, const int *outputs, size_t n_outputs) {
    if (m->finished) return 0;
    for (size_t i = 0; i < n_inputs; i++)
        if (inputs[i] < 0 || (size_t)inputs[i] >= m->n_tensors || is_among(inputs[i], inputs, i) || m->tensors[inputs[i]].written)
            return 0;
    for (size_t i = 0; i < n_outputs; i++)
        if (outputs[i] < 0 || (size_t)outputs[i] >= m->n_tensors || is_among(outputs[i], outputs, i) ||
            !m->tensors[outputs[i]].written)
            return 0;
    for (size_t s = 0; s < m->n_steps; s++)
        for (size_t i = 0; i < m->steps[s].made.n_inputs; i++) {
            const int src = m->steps[s].src[i], written = m->tensors[src].written;
            if (!is_among(src, inputs, n_inputs) && (!written || written > (int)s)) return 0;
        }
    return 1;
}

static void finish_plan(struct model *m, struct reader *r) {
    int inputs[MOST_ENDS], outputs[MOST_ENDS];
    size_t n_inputs = 0, n_outputs = 0;
    if (one_in(r, 4)) {
        n_inputs = between(r, 0, MOST_ENDS);
        n_outputs = between(r, 0, MOST_ENDS);
        for (size_t i = 0; i < n_inputs; i++) inputs[i] = index_of(r, m);
        for (size_t i = 0; i < n_outputs; i++) outputs[i] = index_of(r, m);
    } else { /* what is read unwritten, and some of what is written */
        for (size_t s = 0; s < m->n_steps; s++) {
            for (size_t i = 0; i < m->steps[s].made.n_inputs; i++) {
                const int src = m->steps[s].src[i];
                if (!m->tensors[src].written && n_inputs < MOST_ENDS && !is_among(src, inputs, n_inputs))
                    inputs[n_inputs++] = src;
            }
            if (n_outputs < MOST_ENDS && (s + 1 == m->n_steps || one_in(r, 4))) outputs[n_outputs++] = m->steps[s].dst;
        }
    }
    const int valid = may_finish(m, inputs, n_inputs, outputs, n_outputs);
    const qk_status status = qk_plan_finish(m->plan, inputs, n_inputs, outputs, n_outputs);
    /* a tensor that nothing uses may be larger than memory */
    REQUIRE(valid ? status == QK_OK || status == QK_ERROR_MEMORY : status == QK_ERROR_ARGUMENT);
    if (status != QK_OK) return;
    m->finished = 1;
    m->n_inputs = n_inputs;
    m->n_outputs = n_outputs;
    memcpy(m->inputs, inputs, sizeof inputs);
    memcpy(m->outputs, outputs, sizeof outputs);
}

/* The arrays that a step reads. */
static void sources_of(const struct step *step, uint8_t *const *values, const void **sources) {
    for (size_t i = 0; i < step->made.n_inputs; i++) sources[i] = values[step->src[i]];
}

/* The run of a finished plan; its outputs are those of its operators run alone, each on arrays of its own. */
static void run(struct model *m, struct reader *r) {
    const void *sources[MOST_ENDS] = {0};
    void *results[MOST_ENDS] = {0};
    if (!m->finished) {
        uint64_t ns;
        REQUIRE(qk_plan_run(m->plan, sources, results, NULL) == QK_ERROR_ARGUMENT);
        REQUIRE(qk_plan_run_op(m->plan, 0, NULL, NULL, 1, &ns) == QK_ERROR_ARGUMENT);
        return;
    }
    uint8_t *values[MOST_TENSORS] = {0};
    for (size_t i = 0; i < m->n_inputs; i++) {
        struct tensor *t = &m->tensors[m->inputs[i]];
        if (t->bytes > MOST_BYTES * 16) goto done;
        sources[i] = values[m->inputs[i]] = make_bytes(r, t->bytes);
    }
    for (size_t i = 0; i < m->n_outputs; i++) {
        if (m->tensors[m->outputs[i]].bytes > MOST_BYTES * 16) goto done;
        results[i] = exact(m->tensors[m->outputs[i]].bytes);
        memset(results[i], 0, m->tensors[m->outputs[i]].bytes);
    }
    for (size_t s = 0; s < m->n_steps; s++) {
        const struct step *step = &m->steps[s];
        if (m->tensors[step->dst].bytes > MOST_BYTES * 16) goto done;
        values[step->dst] = exact(m->tensors[step->dst].bytes);
        memset(values[step->dst], 0, m->tensors[step->dst].bytes);
        const void *read[MOST_SOURCES];
        sources_of(step, values, read);
        REQUIRE(qk_op_run(step->made.op, read, values[step->dst], step->made.rows) == QK_OK);
    }
    uint64_t ns[MOST_STEPS];
    choose_threads(r);
    REQUIRE(qk_plan_run(m->plan, sources, results, one_in(r, 2) ? ns : NULL) == QK_OK);
    for (size_t i = 0; i < m->n_outputs; i++)
        REQUIRE(memcmp(results[i], values[m->outputs[i]], m->tensors[m->outputs[i]].bytes) == 0);
    const size_t alone = between(r, 0, MOST_STEPS);
    if (alone < m->n_steps) {
        const struct step *step = &m->steps[alone];
        uint8_t *again = exact(m->tensors[step->dst].bytes);
        memset(again, 0, m->tensors[step->dst].bytes);
        const void *read[MOST_SOURCES];
        sources_of(step, values, read);
        REQUIRE(qk_plan_run_op(m->plan, alone, read, again, 2, ns) == QK_OK);
        REQUIRE(memcmp(again, values[step->dst], m->tensors[step->dst].bytes) == 0);
        free(again);
    } else {
        REQUIRE(qk_plan_run_op(m->plan, alone, NULL, NULL, 1, ns) == QK_ERROR_ARGUMENT);
    }
done:
    for (size_t t = 0; t < m->n_tensors; t++) free(values[t]);
    for (size_t i = 0; i < m->n_outputs; i++) free(results[i]);
}

static void one_plan(struct reader r) {
    struct model m = {0};
    REQUIRE(qk_plan_create(&m.plan) == QK_OK);
    choose_threads(&r);
    for (int calls = 0; r.size && calls < 64; calls++) switch (between(&r, 0, 15)) {
        case 0: case 1: case 2: case 3: add_tensor(&m, &r); break;
        case 4: run(&m, &r); break;
        case 5: finish_plan(&m, &r); break;
        default: add_op(&m, &r);
        }
    if (!m.finished) finish_plan(&m, &r);
    run(&m, &r);
    size_t all = 0;
    for (size_t t = 0; t < m.n_tensors; t++) all += (m.tensors[t].bytes + 63) / 64 * 64;
    REQUIRE(!m.finished || qk_plan_arena_bytes(m.plan) <= all);
    qk_plan_destroy(m.plan);
    for (size_t s = 0; s < m.n_steps; s++) qk_op_destroy(m.steps[s].made.op);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    EACH_ISA(i) one_plan((struct reader){data, size});
    qk_op_destroy(NULL);
    qk_plan_destroy(NULL);
    return 0;
}
