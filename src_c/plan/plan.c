/* A network as a sequence of operators over one arena: tensors whose lives do not overlap share its bytes. */
#define _POSIX_C_SOURCE 200809L
#include "../operators/op.h"
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { IN_ARENA = -1 };

struct tensor {
    size_t bytes, offset;
    int input, output;        /* index among the caller's arrays, or IN_ARENA */
    size_t first_op, last_op; /* written by, last read by */
    int written;              /* an operator writes it */
};

struct step {
    qk_op *op;
    size_t rows;
    int src[QK_MAX_INPUTS], dst;
};

struct qk_plan {
    struct tensor *tensors;
    struct step *steps;
    size_t n_tensors, n_steps, arena_bytes, scratch_per_thread;
    int scratch_threads, finished;
    uint8_t *arena, *scratch;
    qk_turn turn; /* of arena and scratch */
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
    if (plan->finished || bytes >= QK_TOO_MANY) return QK_ERROR_ARGUMENT;
    struct tensor *grown = realloc(plan->tensors, (plan->n_tensors + 1) * sizeof *grown);
    if (!grown) return QK_ERROR_MEMORY;
    plan->tensors = grown;
    grown[plan->n_tensors] = (struct tensor){.bytes = bytes, .input = IN_ARENA, .output = IN_ARENA};
    *tensor = (int)plan->n_tensors++;
    return QK_OK;
}

static int is_known(const qk_plan *plan, int tensor) {
    return tensor >= 0 && (size_t)tensor < plan->n_tensors;
}

qk_status qk_plan_add_op(qk_plan *plan, qk_op *op, size_t rows, const int *src, int dst) {
    const size_t times = op->by_row ? rows : 1;
    int fits = !plan->finished && is_known(plan, dst) && !plan->tensors[dst].written &&
               plan->tensors[dst].bytes == qk_times(op->dst_bytes, times);
    for (size_t i = 0; i < op->n_inputs; i++)
        fits = fits && is_known(plan, src[i]) && src[i] != dst &&
               plan->tensors[src[i]].bytes == qk_times(op->src_bytes[i], times);
    struct step *grown = fits ? realloc(plan->steps, (plan->n_steps + 1) * sizeof *grown) : NULL;
    if (!grown) {
        qk_op_destroy(op);
        return fits ? QK_ERROR_MEMORY : QK_ERROR_ARGUMENT;
    }
    plan->steps = grown;
    plan->tensors[dst].written = 1;
    struct step *step = &grown[plan->n_steps++];
    *step = (struct step){.op = op, .rows = rows, .dst = dst};
    memcpy(step->src, src, op->n_inputs * sizeof *src);
    return QK_OK;
}

static int overlap(const struct tensor *a, const struct tensor *b) {
    return a->first_op <= b->last_op && b->first_op <= a->last_op;
}

/* The lowest place where tensor t meets no placed tensor that lives at the same time. Sizes and placed tensors' ends are below
 * QK_TOO_MANY, so that a sum of two does not wrap round. */
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

/* Whether the tensors are known, each is there once, and operators write them all or none. */
static int are_ends(const qk_plan *plan, const int *tensors, size_t n, int written) {
    for (size_t i = 0; i < n; i++) {
        if (!is_known(plan, tensors[i]) || plan->tensors[tensors[i]].written != written) return 0;
        for (size_t j = 0; j < i; j++)
            if (tensors[j] == tensors[i]) return 0;
    }
    return 1;
}

/* Whether every operator finds what it reads among the inputs or written by one before it. */
static int are_in_order(const qk_plan *plan, const int *inputs, size_t n_inputs) {
    for (size_t s = 0; s < plan->n_steps; s++)
        for (size_t k = 0; k < plan->steps[s].op->n_inputs; k++) {
            const int src = plan->steps[s].src[k];
            int there = 0;
            for (size_t i = 0; i < n_inputs; i++) there |= inputs[i] == src;
            for (size_t before = 0; before < s; before++) there |= plan->steps[before].dst == src;
            if (!there) return 0;
        }
    return 1;
}

qk_status qk_plan_finish(qk_plan *plan, const int *inputs, size_t n_inputs, const int *outputs, size_t n_outputs) {
    if (plan->finished || !are_ends(plan, inputs, n_inputs, 0) || !are_ends(plan, outputs, n_outputs, 1) ||
        !are_in_order(plan, inputs, n_inputs))
        return QK_ERROR_ARGUMENT;
    plan->arena_bytes = 0; /* an attempt for which there was no memory may be repeated */
    for (size_t t = 0; t < plan->n_tensors; t++) plan->tensors[t].input = plan->tensors[t].output = IN_ARENA;
    for (size_t i = 0; i < n_inputs; i++) plan->tensors[inputs[i]].input = (int)i;
    for (size_t i = 0; i < n_outputs; i++) plan->tensors[outputs[i]].output = (int)i;
    for (size_t s = 0; s < plan->n_steps; s++) {
        const struct step *step = &plan->steps[s];
        for (size_t i = 0; i < step->op->n_inputs; i++) plan->tensors[step->src[i]].last_op = s;
        plan->tensors[step->dst].first_op = plan->tensors[step->dst].last_op = s;
        if (step->op->scratch_per_thread > plan->scratch_per_thread) plan->scratch_per_thread = step->op->scratch_per_thread;
    }
    for (size_t t = 0; t < plan->n_tensors; t++) {
        struct tensor *tensor = &plan->tensors[t];
        if (tensor->input != IN_ARENA || tensor->output != IN_ARENA) continue;
        tensor->offset = place(plan, t);
        const size_t end = qk_plus(tensor->offset, tensor->bytes);
        if (end == QK_TOO_MANY) return QK_ERROR_MEMORY;
        if (plan->arena_bytes < end) plan->arena_bytes = end;
    }
    plan->arena = qk_aligned_alloc(plan->arena_bytes);
    plan->finished = plan->arena != NULL;
    return plan->arena ? QK_OK : QK_ERROR_MEMORY;
}

size_t qk_plan_arena_bytes(const qk_plan *plan) {
    return plan->arena_bytes;
}

/* Grows only when the number of threads has been raised since the last run. The order matters to a child that another thread
 * forks meanwhile: it finds memory that is large enough, and not yet freed. */
static qk_status ensure_scratch(qk_plan *plan, int threads) {
    if (threads <= plan->scratch_threads) return QK_OK;
    uint8_t *scratch = qk_aligned_alloc(qk_times(plan->scratch_per_thread, (size_t)threads)), *before = plan->scratch;
    if (!scratch) return QK_ERROR_MEMORY;
    plan->scratch = scratch;
    atomic_thread_fence(memory_order_seq_cst);
    plan->scratch_threads = threads;
    atomic_thread_fence(memory_order_seq_cst);
    qk_aligned_free(before);
    return QK_OK;
}

/* The caller's turn at a plan that is ready to run, with scratch for its threads; ended by leave, whatever is returned. */
static qk_status enter(qk_plan *plan) {
    qk_turn_take(&plan->turn);
    const int threads = qk_threads_enter();
    return plan->finished ? ensure_scratch(plan, threads) : QK_ERROR_ARGUMENT;
}

static void leave(qk_plan *plan) {
    qk_threads_leave();
    qk_turn_give(&plan->turn);
}

static void *address(const qk_plan *plan, int tensor, const void *const *inputs, void *const *outputs) {
    const struct tensor *t = &plan->tensors[tensor];
    if (t->output != IN_ARENA) return outputs[t->output];
    if (t->input != IN_ARENA) return (void *)inputs[t->input];
    return plan->arena + t->offset;
}

qk_status qk_plan_run(qk_plan *plan, const void *const *inputs, void *const *outputs, uint64_t *op_ns) {
    const qk_status status = enter(plan);
    uint64_t before = op_ns ? qk_clock_ns() : 0;
    for (size_t s = 0; status == QK_OK && s < plan->n_steps; s++) {
        const struct step *step = &plan->steps[s];
        const void *src[QK_MAX_INPUTS];
        for (size_t i = 0; i < step->op->n_inputs; i++) src[i] = address(plan, step->src[i], inputs, outputs);
        step->op->run(step->op, src, address(plan, step->dst, inputs, outputs), step->rows, plan->scratch);
        if (op_ns) {
            const uint64_t now = qk_clock_ns();
            op_ns[s] = now - before;
            before = now;
        }
    }
    leave(plan);
    return status;
}

qk_status qk_plan_run_op(qk_plan *plan, size_t op, const void *const *src, void *dst, size_t repeats, uint64_t *ns) {
    qk_status status = enter(plan);
    if (status == QK_OK && op >= plan->n_steps) status = QK_ERROR_ARGUMENT;
    for (size_t r = 0; status == QK_OK && r < repeats; r++) {
        const struct step *step = &plan->steps[op];
        const uint64_t before = qk_clock_ns();
        step->op->run(step->op, src, dst, step->rows, plan->scratch);
        ns[r] = qk_clock_ns() - before;
    }
    leave(plan);
    return status;
}
