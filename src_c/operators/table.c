/* A function of one variable on bytes, by table. */
#include "op.h"
#include <string.h>

enum { CHUNK = 1 << 15 }; /* bytes a task */

struct table {
    qk_op op;
    qk_table_fn *kernel;
    size_t elements;
    uint8_t entries[QK_TABLE_SIZE];
};

struct loop {
    const struct table *t;
    const uint8_t *src;
    uint8_t *dst;
};

static void task(void *context, size_t index, size_t thread) {
    const struct loop *l = context;
    (void)thread;
    const size_t at = index * CHUNK;
    l->t->kernel(l->src + at, l->dst + at, qk_min(CHUNK, l->t->elements - at), l->t->entries);
}

static void run(const qk_op *op, const void *const *src, void *dst, size_t rows, uint8_t *scratch) {
    const struct table *t = (const struct table *)op;
    (void)rows, (void)scratch;
    struct loop l = {t, src[0], dst};
    qk_parallel_for((t->elements + CHUNK - 1) / CHUNK, task, &l);
}

static void destroy(qk_op *op) {
    qk_aligned_free(op);
}

qk_status qk_table_create(size_t elements, const uint8_t *table, qk_op **op) {
    if (elements == 0 || elements >= QK_TOO_MANY) return QK_ERROR_ARGUMENT;
    struct table *t = qk_aligned_alloc(sizeof *t);
    if (!t) return QK_ERROR_MEMORY;
    t->op = (qk_op){.implementation = "table_u8", .run = run, .destroy = destroy, .n_inputs = 1, .src_bytes = {elements},
                    .dst_bytes = elements};
    t->kernel = qk_current_kernels()->table;
    t->elements = elements;
    memcpy(t->entries, table, sizeof t->entries);
    *op = &t->op;
    return QK_OK;
}
