/* A case: its number, its random values and its failure. The same seed, slot and number make the same case. */
#ifndef CHECKER_CASES_H
#define CHECKER_CASES_H

#include "kernels/requant.h"
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>

extern sigjmp_buf case_failed; /* where fail() and a signal lead to */
extern char case_text[256];    /* what describe() said of the case */
extern char case_fault[256];   /* what went wrong */

void begin_case(uint64_t seed, const char *slot, size_t number);
/* Cases after which every combination of swept values has been met. */
size_t sweep_size(void);

void describe(const char *format, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A value in [lo, hi] that depends on the case's number alone: cases in order meet every combination of such values. */
size_t swept(size_t lo, size_t hi);

uint32_t next_random(void);
size_t below(size_t n);              /* [0, n) */
size_t between(size_t lo, size_t hi); /* [lo, hi] */
float uniform(void);                 /* [0, 1) */

/* All random, all zeros, all one extreme or a mixture of extremes. */
void fill_bytes(void *p, size_t n);
/* Sums: zeros, small ones, extremes of int32, any. */
void fill_ints(int32_t *p, size_t n);
/* Weights within -255..255: any of them, int8 with few beyond it, or int8 alone. */
void fill_weights(int16_t *p, size_t n);
/* Multipliers of a requantization: ones that make ties, subnormal, negative, huge, infinite, ordinary. */
void fill_multipliers(float *p, size_t n);
/* Ranges, zero points at the ends and between, int8 and uint8; `bounded` is 0. */
struct qk_requant any_requant(void);
/* The same with an activation or none; its scale may be anything, infinite and NaN too. */
struct qk_requant any_activated_requant(void);
/* A finite scale > 0, from the lowest subnormal number to 1e30 and beyond. */
float any_scale(void);
/* 0, 255 or between. */
int32_t any_zero_point(void);
/* A number to be quantized by `scale`: NaN, infinities, subnormal, huge, exact ties, neighbours of ties, ordinary. */
float any_float(float scale);

#endif
