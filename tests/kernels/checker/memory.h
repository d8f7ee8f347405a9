/* Buffers of a case. Each begins where an unreadable page ends or ends where one begins, at random; the other side is filled
 * with canaries. Inputs are read-only while kernels run. */
#ifndef CHECKER_MEMORY_H
#define CHECKER_MEMORY_H

#include <stddef.h>

/* Makes the room for buffers, once; 0 when the system gives none. */
int make_buffers(void);
/* Forgets the buffers of the case before. */
void reset_buffers(void);

/* `bytes` to be filled by the caller, before seal(). */
void *input(size_t bytes);
/* Every input so far is read-only from here on: a kernel that writes to one ends in a signal. */
void seal(void);

/* Two buffers that lie alike: what the scalar kernel writes and what the tested one does. */
struct outputs {
    void *expected, *got;
};
struct outputs outputs(size_t bytes);

/* Fails the case unless both hold the same bytes. */
void compare(struct outputs pair, size_t bytes);
/* Fails the case if something beside a buffer was written. */
void verify_canaries(void);

#endif
