/* A network as a sequence of operators over one arena: tensors whose lives do not overlap share its bytes. */
#define _POSIX_C_SOURCE 200809L
#include "../operators/op.h"
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { IN_ARENA = -1 };

/* Of a tensor, and of where one may begin: sums of two such cannot wrap around. */
#define MOST_BYTES (SIZE_MAX / 4)

struct tensor {
    size_t bytes, offset;
    int input, output;        /* index among the caller's arrays, or IN_ARENA */
    size_t first_op, last_op; /* written by, last read by */
};

struct step {
    qk_op *op;
    size_t rows;
    int src, dst;
};

struct qk_plan {
    struct tensor *tensors;
    struct step *steps;
    size_t n_tensors, n_steps, arena_bytes, scratch_per_thread;
    int scratch_threads, finished;
    uint8_t *arena, *scratch;
};

uint64_t qk_clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

qk_status qk_plan_create(qk_plan **plan) {
    *plan = calloc(1, sizeof **plan);
    return *plan ? QK_OK : QK_ERROR_MEMORY;
}

void qk_plan_destroy(qk_plan *plan) {
    if (!plan) return;
    for (size_t i = 0; i < plan->n_steps; i++) qk_op_destroy(plan->steps[i].op);
    free(plan->tensors);
    free(plan->steps);
    qk_aligned_free(plan->arena);
    qk_aligned_free(plan->scratch);
    free(plan);
}

qk_status qk_plan_add_tensor(qk_plan *plan, size_t bytes, int *tensor) {
    if (bytes > MOST_BYTES) return QK_ERROR_MEMORY;
    struct tensor *grown = realloc(plan->tensors, (plan->n_tensors + 1) * sizeof *grown);
    if (!grown) return QK_ERROR_MEMORY;
    plan->tensors = grown;
    grown[plan->n_tensors] = (struct tensor){.bytes = bytes, .input = IN_ARENA, .output = IN_ARENA};
    *tensor = (int)plan->n_tensors++;
    return QK_OK;
}

qk_status qk_plan_add_op(qk_plan *plan, qk_op *op, size_t rows, int src, int dst) {
    const int known = src >= 0 && dst >= 0 && (size_t)src < plan->n_tensors && (size_t)dst < plan->n_tensors;
    struct step *grown = known ? realloc(plan->steps, (plan->n_steps + 1) * sizeof *grown) : NULL;
    if (!grown) {
        qk_op_destroy(op);
        return known ? QK_ERROR_MEMORY : QK_ERROR_ARGUMENT;
    }
    plan->steps = grown;
    grown[plan->n_steps++] = (struct step){op, rows, src, dst};
    return QK_OK;
}

static int overlap(const struct tensor *a, const struct tensor *b) {
    return a->first_op <= b->last_op && b->first_op <= a->last_op;
}

/* The lowest place where tensor t meets no placed tensor that lives at the same time. */
static size_t place(const struct qk_plan *plan, size_t t) {
    const struct tensor *tensor = &plan->tensors[t];
    size_t offset = 0;
    for (int moved = 1; moved;) {
        moved = 0;
        for (size_t i = 0; i < t; i++) {
            const struct tensor *other = &plan->tensors[i];
            if (other->input != IN_ARENA || other->output != IN_ARENA || !overlap(tensor, other)) continue;
            if (offset < other->offset + other->bytes && other->offset < offset + tensor->bytes) {
                offset = qk_round_up(other->offset + other->bytes, 64);
                moved = 1;
            }
        }
    }
    return offset;
}

qk_status qk_plan_finish(qk_plan *plan, const int *inputs, size_t n_inputs, const int *outputs, size_t n_outputs) {
    for (size_t i = 0; i < n_inputs; i++) plan->tensors[inputs[i]].input = (int)i;
    for (size_t i = 0; i < n_outputs; i++) plan->tensors[outputs[i]].output = (int)i;
    for (size_t s = 0; s < plan->n_steps; s++) {
        struct tensor *src = &plan->tensors[plan->steps[s].src], *dst = &plan->tensors[plan->steps[s].dst];
        src->last_op = s;
        dst->first_op = dst->last_op = s;
        if (plan->steps[s].op->scratch_per_thread > plan->scratch_per_thread)
            plan->scratch_per_thread = plan->steps[s].op->scratch_per_thread;
    }
    for (size_t t = 0; t < plan->n_tensors; t++) {
        struct tensor *tensor = &plan->tensors[t];
        if (tensor->input != IN_ARENA || tensor->output != IN_ARENA) continue;
        tensor->offset = place(plan, t);
        if (tensor->offset > MOST_BYTES) return QK_ERROR_MEMORY;
        if (plan->arena_bytes < tensor->offset + tensor->bytes) plan->arena_bytes = tensor->offset + tensor->bytes;
    }
    plan->arena = qk_aligned_alloc(plan->arena_bytes);
    plan->finished = plan->arena != NULL;
    return plan->arena ? QK_OK : QK_ERROR_MEMORY;
}

size_t qk_plan_arena_bytes(const qk_plan *plan) {
    return plan->arena_bytes;
}

/* Grows only when the number of threads has been raised since the last run. */
static qk_status ensure_scratch(qk_plan *plan, int threads) {
    if (threads <= plan->scratch_threads) return QK_OK;
    uint8_t *scratch = qk_aligned_alloc(plan->scratch_per_thread * (size_t)threads);
    if (!scratch) return QK_ERROR_MEMORY;
    qk_aligned_free(plan->scratch);
    plan->scratch = scratch;
    plan->scratch_threads = threads;
    return QK_OK;
}

static void *address(const qk_plan *plan, int tensor, const void *const *inputs, void *const *outputs) {
    const struct tensor *t = &plan->tensors[tensor];
    if (t->output != IN_ARENA) return outputs[t->output];
    if (t->input != IN_ARENA) return (void *)inputs[t->input];
    return plan->arena + t->offset;
}

qk_status qk_plan_run(qk_plan *plan, const void *const *inputs, void *const *outputs, uint64_t *op_ns) {
    if (!plan->finished) return QK_ERROR_ARGUMENT;
    const qk_status status = ensure_scratch(plan, qk_threads_enter());
    uint64_t before = op_ns ? qk_clock_ns() : 0;
    for (size_t s = 0; status == QK_OK && s < plan->n_steps; s++) {
        const struct step *step = &plan->steps[s];
        step->op->run(step->op, address(plan, step->src, inputs, outputs), address(plan, step->dst, inputs, outputs),
                      step->rows, plan->scratch);
        if (op_ns) {
            const uint64_t now = qk_clock_ns();
            op_ns[s] = now - before;
            before = now;
        }
    }
    qk_threads_leave();
    return status;
}

qk_status qk_plan_run_op(qk_plan *plan, size_t op, const void *src, void *dst, size_t repeats, uint64_t *ns) {
    if (!plan->finished || op >= plan->n_steps) return QK_ERROR_ARGUMENT;
    const qk_status status = ensure_scratch(plan, qk_threads_enter());
    const struct step *step = &plan->steps[op];
    for (size_t r = 0; status == QK_OK && r < repeats; r++) {
        const uint64_t before = qk_clock_ns();
        step->op->run(step->op, src, dst, step->rows, plan->scratch);
        ns[r] = qk_clock_ns() - before;
    }
    qk_threads_leave();
    return status;
}
