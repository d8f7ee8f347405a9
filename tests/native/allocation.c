#include "allocation.h"
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static atomic_size_t asked, live;
static size_t refused = SIZE_MAX;
static int no_threads;

void refuse_allocation(size_t number) {
    atomic_store(&asked, 0);
    refused = number;
}
size_t allocations(void) {
    return atomic_load(&asked);
}
size_t live_blocks(void) {
    return atomic_load(&live);
}
void refuse_threads(int refuse) {
    no_threads = refuse;
}

void *__real_malloc(size_t bytes);
void *__real_calloc(size_t n, size_t bytes);
void *__real_realloc(void *p, size_t bytes);
void *__real_aligned_alloc(size_t alignment, size_t bytes);
void __real_free(void *p);
ssize_t __real_getline(char **line, size_t *size, FILE *file);
double __real_qk_cpu_quota(const char *root);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument);

static int is_refused(void) {
    return atomic_fetch_add(&asked, 1) == refused;
}
static void *counted(void *p) {
    if (p) atomic_fetch_add(&live, 1);
    return p;
}

void *__wrap_malloc(size_t bytes) {
    return is_refused() ? NULL : counted(__real_malloc(bytes));
}
void *__wrap_calloc(size_t n, size_t bytes) {
    return is_refused() ? NULL : counted(__real_calloc(n, bytes));
}
void *__wrap_realloc(void *p, size_t bytes) {
    if (is_refused()) return NULL;
    void *grown = __real_realloc(p, bytes);
    return p ? grown : counted(grown); /* one block in place of another */
}
void *__wrap_aligned_alloc(size_t alignment, size_t bytes) {
    return is_refused() ? NULL : counted(__real_aligned_alloc(alignment, bytes));
}
void __wrap_free(void *p) {
    if (p) atomic_fetch_sub(&live, 1);
    __real_free(p);
}
/* What the C library allocates for its caller, who frees it. */
ssize_t __wrap_getline(char **line, size_t *size, FILE *file) {
    const int had_none = *line == NULL;
    const ssize_t length = __real_getline(line, size, file);
    if (had_none) counted(*line);
    return length;
}
double __wrap_qk_cpu_quota(const char *root) {
    (void)root;
    return INFINITY;
}
double system_cpu_quota(void) {
    return __real_qk_cpu_quota("");
}
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *argument) {
    return no_threads ? EAGAIN : __real_pthread_create(thread, attributes, run, argument);
}
