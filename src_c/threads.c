/* The only place that knows of threads: a pool that is made on first use and grows to the number asked for.
 *
 * A loop is published by raising `generation`; workers join it while it is open, and it ends when its tasks are done and
 * nobody is inside: one that wakes too late finds it closed and is not waited for. Every thread has a part of the
 * tasks of its own, the same part in every loop, so that it finds what it wrote in the loop before in its own cache; when
 * that is done it takes from the others' parts, so that a core that is busy elsewhere does not hold up the rest. One loop runs at a time: a caller that finds the pool busy (another Python thread) runs its tasks itself.
 */
#define _GNU_SOURCE
#include "threads.h"
#include "qkernels.h"
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#define cpu_relax() __builtin_ia32_pause()
#else
#define cpu_relax() ((void)0)
#endif

/* Turns of the waiting loop (some 40 ns each) before a worker sleeps: longer than the gaps between a plan's operators,
 * shorter than what another program would notice. */
enum { SPIN_TURNS = 4000 };

struct part {
    _Alignas(64) atomic_size_t next; /* a cache line each: threads count on their own */
    size_t end;
};

enum { CLOSED = -1 };

static struct {
    pthread_mutex_t lock; /* of generation and awake while somebody sleeps */
    pthread_cond_t wake;
    pthread_mutex_t busy; /* held by the caller whose loop is running */
    atomic_uint generation;
    atomic_int awake;
    size_t workers;
    atomic_int inside; /* workers in the open loop, or CLOSED */
    size_t participants;
    cpu_set_t allowed; /* to workers: the caller's CPUs */
    int kept_off;      /* the one that workers keep off: where the caller is */
    qk_task_fn *run;
    void *context;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER, .busy = PTHREAD_MUTEX_INITIALIZER,
          .inside = CLOSED, .kept_off = -1};

static struct part parts[QK_MAX_THREADS];
static atomic_int num_threads; /* 0: as many as there are CPUs for */
static _Thread_local int held; /* the number between enter and leave, else 0 */

/* What the system lets the calling thread use. It may change at any time (a container is resized, a process is moved), so it
 * is looked at again, but not in every call: that takes some system calls. */
enum { LOOK_AGAIN_MS = 1000 };
static _Thread_local struct {
    cpu_set_t cpus; /* empty where the system does not say */
    int available;  /* 0 before the first look */
    int64_t looked_ms;
} limits;

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int qk_cpus_allowed(void) {
    if (sched_getaffinity(0, sizeof limits.cpus, &limits.cpus) == 0) return CPU_COUNT(&limits.cpus);
    CPU_ZERO(&limits.cpus);
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int)online : 1;
}

/* A part of a CPU counts as one: with a thread less that part would never be used. */
int qk_threads_available(void) {
    const int allowed = qk_cpus_allowed();
    const double quota = ceil(qk_cpu_quota(""));
    limits.available = quota < allowed ? (int)quota : allowed;
    limits.looked_ms = now_ms();
    return limits.available;
}

static int available_lately(void) {
    if (limits.available == 0 || now_ms() - limits.looked_ms >= LOOK_AGAIN_MS) return qk_threads_available();
    return limits.available;
}

void qk_set_num_threads(int n) {
    atomic_store(&num_threads, n < 1 ? 1 : n > QK_MAX_THREADS ? QK_MAX_THREADS : n);
}

static int set_or(int (*available)(void)) {
    int n = atomic_load(&num_threads);
    if (n == 0) n = available();
    return n < QK_MAX_THREADS ? n : QK_MAX_THREADS;
}

int qk_get_num_threads(void) {
    return held ? held : set_or(qk_threads_available);
}

int qk_num_threads(void) {
    return held ? held : set_or(available_lately);
}

static void take_tasks(size_t thread) {
    for (size_t i = 0; i < pool.participants; i++) {
        struct part *part = &parts[(thread + i) % pool.participants];
        size_t task;
        while ((task = atomic_fetch_add(&part->next, 1)) < part->end) pool.run(pool.context, task, thread);
    }
}

static void wait_for_loop(unsigned seen) {
    for (int turn = 0; turn < SPIN_TURNS && atomic_load(&pool.awake) > 0; turn++) {
        if (atomic_load(&pool.generation) != seen) return;
        cpu_relax();
    }
    pthread_mutex_lock(&pool.lock);
    while (atomic_load(&pool.generation) == seen) pthread_cond_wait(&pool.wake, &pool.lock);
    pthread_mutex_unlock(&pool.lock);
}

static pthread_t threads_of_pool[QK_MAX_THREADS];

/* Workers run where the caller may. A woken one may be put on the caller's CPU, each in the other's way until the scheduler
 * notices, milliseconds later: so that CPU is forbidden to workers, where there is another. It costs system calls only when
 * the caller has moved or its CPUs are others. */
static void place_workers(int cpu) {
    const int known = CPU_COUNT(&limits.cpus);
    if (known == 0 || (cpu == pool.kept_off && CPU_EQUAL(&limits.cpus, &pool.allowed))) return;
    cpu_set_t others = limits.cpus;
    if (cpu >= 0 && known > 1) CPU_CLR((unsigned)cpu, &others);
    for (size_t i = 0; i < pool.workers; i++) pthread_setaffinity_np(threads_of_pool[i], sizeof others, &others);
    pool.allowed = limits.cpus;
    pool.kept_off = cpu;
}

static int join_loop(void) {
    int inside = atomic_load(&pool.inside);
    while (inside != CLOSED)
        if (atomic_compare_exchange_weak(&pool.inside, &inside, inside + 1)) return 1;
    return 0;
}

struct start {
    size_t thread;
    unsigned seen;
};
static struct start starts[QK_MAX_THREADS];

static void *worker(void *argument) {
    const struct start *start = argument;
    unsigned seen = start->seen;
    for (;;) {
        wait_for_loop(seen);
        seen = atomic_load(&pool.generation);
        if (!join_loop()) continue;
        if (start->thread < pool.participants) take_tasks(start->thread);
        atomic_fetch_sub(&pool.inside, 1);
    }
    return NULL;
}

/* Who has a turn and who waits for one, of all locks together: they are many, and a fork must find every one. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t given;
    unsigned process; /* 1, in a forked child 2, in its child 3 ... */
    size_t waiting;
} turns = {.lock = PTHREAD_MUTEX_INITIALIZER, .given = PTHREAD_COND_INITIALIZER, .process = 1};

/* The threads of the parent do not exist in a forked child: nobody works, nobody holds or waits for anything. */
static void forget_threads(void) {
    turns.process++;
    turns.waiting = 0;
    pthread_mutex_init(&turns.lock, NULL);
    pthread_cond_init(&turns.given, NULL);
    pool.workers = 0;
    pool.kept_off = -1;
    atomic_store(&pool.awake, 0);
    atomic_store(&pool.inside, CLOSED);
    pthread_mutex_init(&pool.lock, NULL);
    pthread_mutex_init(&pool.busy, NULL);
    pthread_cond_init(&pool.wake, NULL);
}
static pthread_once_t fork_once = PTHREAD_ONCE_INIT;
static void register_fork_handler(void) {
    pthread_atfork(NULL, NULL, forget_threads);
}

void qk_turn_take(qk_turn *turn) {
    pthread_once(&fork_once, register_fork_handler);
    pthread_mutex_lock(&turns.lock);
    turns.waiting++;
    while (*turn == turns.process) pthread_cond_wait(&turns.given, &turns.lock);
    turns.waiting--;
    *turn = turns.process;
    pthread_mutex_unlock(&turns.lock);
}

void qk_turn_give(qk_turn *turn) {
    pthread_mutex_lock(&turns.lock);
    *turn = 0;
    if (turns.waiting) pthread_cond_broadcast(&turns.given);
    pthread_mutex_unlock(&turns.lock);
}

/* Fewer workers than asked for (the system refuses a thread) only means less speed. */
static void grow_pool(size_t workers) {
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    while (pool.workers < workers) {
        struct start *start = &starts[pool.workers];
        *start = (struct start){pool.workers + 1, atomic_load(&pool.generation)};
        if (pthread_create(&threads_of_pool[pool.workers], &attributes, worker, start) != 0) break;
        pool.workers++;
        pool.kept_off = -1;
    }
    pthread_attr_destroy(&attributes);
}

void qk_parallel_for(size_t tasks, qk_task_fn *run, void *context) {
    const size_t threads = tasks > 1 ? (size_t)qk_num_threads() : 1;
    if (threads > 1) pthread_once(&fork_once, register_fork_handler); /* before a lock is held: a fork may come at any time */
    if (threads <= 1 || pthread_mutex_trylock(&pool.busy) != 0) {
        for (size_t task = 0; task < tasks; task++) run(context, task, 0);
        return;
    }
    available_lately();
    grow_pool(threads - 1);
    pool.participants = threads;
    for (size_t i = 0; i < threads; i++) {
        atomic_store(&parts[i].next, i * tasks / threads);
        parts[i].end = (i + 1) * tasks / threads;
    }
    pool.run = run;
    pool.context = context;
    place_workers(sched_getcpu());
    atomic_store(&pool.inside, 0);
    pthread_mutex_lock(&pool.lock);
    atomic_fetch_add(&pool.generation, 1);
    pthread_cond_broadcast(&pool.wake);
    pthread_mutex_unlock(&pool.lock);
    take_tasks(0);
    for (int turn = 0, nobody = 0; !atomic_compare_exchange_weak(&pool.inside, &nobody, CLOSED); turn++, nobody = 0) {
        if (turn < SPIN_TURNS) cpu_relax();
        else sched_yield(); /* to a worker that waits for this very CPU */
    }
    pthread_mutex_unlock(&pool.busy);
}

int qk_threads_enter(void) {
    atomic_fetch_add(&pool.awake, 1);
    return held = qk_num_threads();
}

void qk_threads_leave(void) {
    held = 0;
    atomic_fetch_sub(&pool.awake, 1);
}
