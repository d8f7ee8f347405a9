/* The parallel loop, and operators used by many threads at once: the part of the library where threads meet, for the thread
 * sanitizer and without it. Every wait is for something that must happen; nothing here depends on time.
 * Exit status 0: all as expected; 1: what is not, on stderr.
 */
#include "threads.h"
#include "qkernels.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_TASKS = 300, CALLERS = 4, LOOPS = 150, INNER = 5 };

static atomic_size_t failed, loops, tasks_run;

static void expect(int condition, const char *what) {
    if (condition) return;
    fprintf(stderr, "%s\n", what);
    atomic_fetch_add(&failed, 1);
}

/* Plain memory on purpose: that a task's writes are seen by the caller and by the loops after is what is promised. */
struct loop {
    size_t runs[MOST_TASKS];
    size_t scratch[QK_MAX_THREADS]; /* of the thread with that number alone */
    size_t threads;
    void (*inner)(struct loop *);
};

static void task(void *context, size_t index, size_t thread) {
    struct loop *l = context;
    expect(thread < l->threads, "a thread's number is not below the number of threads");
    l->runs[index]++;
    l->scratch[thread]++;
    atomic_fetch_add(&tasks_run, 1);
    if (l->inner) l->inner(l);
}

/* Two loops over the same tasks; the second may give each to another thread. */
static void run_loop(size_t tasks, void (*inner)(struct loop *)) {
    struct loop *l = calloc(1, sizeof *l);
    if (!l) {
        expect(0, "no memory for the test");
        return;
    }
    l->inner = inner;
    l->threads = (size_t)qk_threads_enter();
    qk_parallel_for(tasks, task, l);
    qk_parallel_for(tasks, task, l);
    qk_threads_leave();
    size_t sum = 0;
    for (size_t i = 0; i < MOST_TASKS; i++) expect(l->runs[i] == (i < tasks ? 2 : 0), "a task did not run once in each loop");
    for (size_t i = 0; i < QK_MAX_THREADS; i++) sum += l->scratch[i];
    expect(sum == 2 * tasks, "two tasks used a thread's scratch at once");
    free(l);
    atomic_fetch_add(&loops, 2);
}

static void every_number_of_threads(void) {
    for (int threads = 1; threads <= 9; threads++) {
        qk_set_num_threads(threads);
        for (size_t tasks = 0; tasks <= 20; tasks++) run_loop(tasks, NULL);
        run_loop(MOST_TASKS, NULL);
    }
}

static void inner_loop(struct loop *outer) {
    (void)outer;
    struct loop l = {.threads = (size_t)qk_get_num_threads()};
    qk_parallel_for(INNER, task, &l);
    for (size_t i = 0; i < INNER; i++) expect(l.runs[i] == 1, "a task of a loop inside a task did not run once");
}

static void loops_inside_tasks(void) {
    qk_set_num_threads(4);
    for (size_t i = 0; i < 20; i++) run_loop(10, inner_loop);
}

/* --- many callers, while the number of threads and the instruction set change --- */

static atomic_int done;

static void *change_settings(void *unused) {
    qk_isa_info sets[8];
    const size_t n = qk_isa_list(sets, 8);
    for (int turn = 0; !atomic_load(&done); turn++) {
        qk_set_num_threads(1 + turn % 7);
        if (sets[(size_t)turn % n].supported) qk_use_isa(sets[(size_t)turn % n].name);
    }
    return unused;
}

static void *call_loops(void *unused) {
    for (size_t i = 0; i < LOOPS; i++) run_loop(i % 40, i % 10 ? NULL : inner_loop);
    return unused;
}

/* A linear operator of all callers; each has a plan of its own. */
struct shared {
    qk_op *op;
    uint8_t a[64 * 64];
    int32_t expected[64 * 64];
};

static void *call_operators(void *argument) {
    const struct shared *s = argument;
    static const float scale[] = {0.5f, 0.25f};
    static const int32_t zero_point[] = {3, 200};
    static float x[2 * 50000];
    for (int i = 0; i < 20; i++) {
        int32_t c[64 * 64];
        expect(qk_op_run(s->op, (const void *[]){s->a}, c, 64) == QK_OK, "an operator in several threads fails");
        for (size_t j = 0; j < 64 * 64; j++) expect(c[j] == s->expected[j], "an operator in several threads gives other sums");
        const qk_affine map = {1, 2, 50000, scale, zero_point, QK_U8};
        uint8_t *q = malloc(2 * 50000);
        qk_op *op = NULL;
        qk_plan *plan = NULL;
        int from, to;
        expect(q && qk_plan_create(&plan) == QK_OK && qk_plan_add_tensor(plan, sizeof x, &from) == QK_OK &&
                   qk_plan_add_tensor(plan, 2 * 50000, &to) == QK_OK && qk_quantize_create(&map, &op) == QK_OK &&
                   qk_plan_add_op(plan, op, 0, &from, to) == QK_OK && qk_plan_finish(plan, &from, 1, &to, 1) == QK_OK &&
                   qk_plan_run(plan, (const void *[]){x}, (void *[]){q}, NULL) == QK_OK,
               "a plan in one of several threads fails");
        expect(q && q[0] == 3 && q[50000] == 200, "a plan in one of several threads gives other bytes");
        qk_plan_destroy(plan);
        free(q);
    }
    return NULL;
}

static void many_callers(void *(*call)(void *), void *argument) {
    pthread_t callers[CALLERS], changer;
    atomic_store(&done, 0);
    if (pthread_create(&changer, NULL, change_settings, NULL) != 0) exit(2);
    for (int i = 0; i < CALLERS; i++)
        if (pthread_create(&callers[i], NULL, call, argument) != 0) exit(2);
    for (int i = 0; i < CALLERS; i++) pthread_join(callers[i], NULL);
    atomic_store(&done, 1);
    pthread_join(changer, NULL);
}

static void operators_in_many_threads(void) {
    static struct shared s;
    static int8_t weights[64 * 64];
    for (size_t i = 0; i < 64 * 64; i++) s.a[i] = (uint8_t)(i * 31), weights[i] = (int8_t)(i * 17);
    for (size_t i = 0; i < 64; i++)
        for (size_t j = 0; j < 64; j++)
            for (size_t k = 0; k < 64; k++) s.expected[i * 64 + j] += s.a[i * 64 + k] * weights[k * 64 + j];
    const qk_linear_desc desc = {64, 64, weights, 64, 1, QK_S8, NULL, 0};
    const qk_epilogue epilogue = {.dtype = QK_S32};
    if (qk_linear_create(&desc, &epilogue, &s.op) != QK_OK) exit(2);
    many_callers(call_operators, &s);
    qk_op_destroy(s.op);
}

int main(void) {
    many_callers(call_loops, NULL); /* first of all: the pool and the tables are made by whoever comes first */
    every_number_of_threads();
    loops_inside_tasks();
    operators_in_many_threads();
    printf("%zu loops, %zu tasks, %zu failed\n", atomic_load(&loops), atomic_load(&tasks_run), atomic_load(&failed));
    return atomic_load(&failed) ? 1 : 0;
}
