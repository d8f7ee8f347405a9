/* Uses of the public API, each from creation to destruction. */
#ifndef NATIVE_USES_H
#define NATIVE_USES_H

#include "qkernels.h"

/* Returns the first status that is not QK_OK, having given back everything; `digest` takes in every byte that came out. */
typedef qk_status use_fn(uint64_t *digest);

struct use {
    const char *name;
    use_fn *run;
};
extern const struct use uses[];
extern const size_t n_uses;

/* Fills the arrays that uses read. */
void prepare_uses(void);

#endif
