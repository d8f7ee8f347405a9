/* The library's allocations, counted and refused on demand: the linker puts these in the way of the C library's (--wrap). */
#ifndef NATIVE_ALLOCATION_H
#define NATIVE_ALLOCATION_H

#include <stddef.h>

/* Refuses the allocation with this number, counted from 0 at this call; SIZE_MAX: none. */
void refuse_allocation(size_t number);
/* How many were asked for since refuse_allocation. */
size_t allocations(void);
/* Blocks that are allocated and not yet freed. */
size_t live_blocks(void);

/* qk_cpu_quota of the system. Operators get an endless quota instead: they ask once a second, and which allocation has which
 * number must not depend on time. */
double system_cpu_quota(void);

/* Whether the system refuses to start threads. */
void refuse_threads(int refuse);

#endif
