/* Overlays the backends' tables in order, once, and keeps which of them is in use. */
#include "../qkernels.h"
#include "backend.h"
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

extern const struct qk_backend qk_backend_scalar;
#ifdef QK_BUILD_AVX2
extern const struct qk_backend qk_backend_avx2;
#endif
#ifdef QK_BUILD_AVX512VNNI
extern const struct qk_backend qk_backend_avx512vnni;
#endif

/* weakest first: a set inherits from the ones above it in this list */
static const struct qk_backend *const backends[] = {
    &qk_backend_scalar,
#ifdef QK_BUILD_AVX2
    &qk_backend_avx2,
#endif
#ifdef QK_BUILD_AVX512VNNI
    &qk_backend_avx512vnni,
#endif
};
enum { N_BACKENDS = sizeof backends / sizeof *backends };

static struct qk_kernels resolved[N_BACKENDS];
static unsigned features;
static atomic_int current;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int is_supported(int i) {
    return (backends[i]->required_features & ~features) == 0;
}

static void resolve(void) {
    /* every slot is one pointer */
    enum { SLOTS = sizeof(struct qk_kernels) / sizeof(void *) };
    features = qk_cpu_features();
    for (int i = 0; i < N_BACKENDS; i++) {
        void *own[SLOTS], *merged[SLOTS] = {0};
        if (i > 0) memcpy(merged, &resolved[i - 1], sizeof merged);
        memcpy(own, &backends[i]->kernels, sizeof own);
        for (int s = 0; s < SLOTS; s++)
            if (own[s]) merged[s] = own[s];
        memcpy(&resolved[i], merged, sizeof merged);
        /* a set's own gemm goes before a narrow one inherited from below */
        if (!backends[i]->kernels.gemm_narrow && backends[i]->kernels.gemm) resolved[i].gemm_narrow = resolved[i].gemm;
        if (is_supported(i)) atomic_store(&current, i);
    }
}

const struct qk_kernels *qk_current_kernels(void) {
    pthread_once(&once, resolve);
    return &resolved[atomic_load(&current)];
}

size_t qk_isa_list(qk_isa_info *list, size_t capacity) {
    pthread_once(&once, resolve);
    for (size_t i = 0; i < N_BACKENDS && i < capacity; i++)
        list[i] = (qk_isa_info){backends[i]->name, is_supported((int)i), (int)i == atomic_load(&current)};
    return N_BACKENDS;
}

qk_status qk_use_isa(const char *name) {
    pthread_once(&once, resolve);
    for (int i = 0; i < N_BACKENDS; i++)
        if (strcmp(backends[i]->name, name) == 0 && is_supported(i)) {
            atomic_store(&current, i);
            return QK_OK;
        }
    return QK_ERROR_UNSUPPORTED;
}

const char *qk_current_isa(void) {
    pthread_once(&once, resolve);
    return backends[atomic_load(&current)]->name;
}
