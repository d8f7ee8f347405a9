/* Parallel loops inside an operator. */
#ifndef QK_THREADS_H
#define QK_THREADS_H

#include <stddef.h>

/* One task of a loop; `thread` in [0, threads) names private scratch. */
typedef void qk_task_fn(void *context, size_t task, size_t thread);

/* Runs task 0..tasks-1 on up to qk_get_num_threads() threads, the caller among them, and returns when all are done.
 * Thread t begins with the t-th part of them, in order, and helps out with the others' then. */
void qk_parallel_for(size_t tasks, qk_task_fn *run, void *context);

/* qk_get_num_threads without a look at what the system allows, if there was one within the last second. */
int qk_num_threads(void);

/* A lock, open where it is zeros. A forked child finds every one open, whoever held it in the parent. */
typedef unsigned qk_turn;
void qk_turn_take(qk_turn *turn);
void qk_turn_give(qk_turn *turn);

/* Between these two the calling thread's number of threads stays what it was (and is returned), whatever another thread
 * sets: scratch is sized by it. Idle workers keep watching for the next loop (a plan's operators follow within
 * microseconds); outside they sleep and leave the core to others. Calls do not nest. */
int qk_threads_enter(void);
void qk_threads_leave(void);

enum { QK_MAX_THREADS = 256 };

#endif
