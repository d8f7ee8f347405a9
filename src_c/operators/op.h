/* What every operator is to a plan: packed parameters, a run function and how much scratch that wants. */
#ifndef QK_OP_H
#define QK_OP_H

#include "../backends/backend.h"
#include "../qkernels.h"
#include "../threads.h"

struct qk_op {
    const char *implementation;
    size_t scratch_per_thread; /* bytes, rounded up to 64 */
    void (*run)(const qk_op *op, const void *const *src, void *dst, size_t rows, uint8_t *scratch); /* n_inputs sources */
    void (*destroy)(qk_op *op);
    size_t n_inputs;
    size_t src_bytes[QK_MAX_INPUTS], dst_bytes; /* that a run reads and writes: of one row if `by_row`, else of all */
    int by_row;
};

void *qk_aligned_alloc(size_t bytes); /* 64-byte aligned, zeroed; NULL when there is no memory */
void qk_aligned_free(void *p);

/* The requantization of bytes as kernels want it: int8 is uint8 plus 128 with the sign bit flipped. */
struct qk_requant qk_make_requant(qk_dtype dtype, int32_t zero_point, int32_t lo, int32_t hi);
struct qk_requant qk_epilogue_requant(const qk_epilogue *epilogue);
static inline uint8_t qk_flip(qk_dtype dtype) {
    return dtype == QK_S8 ? 0x80 : 0;
}
/* A zero point in terms of the uint8 that kernels see. */
static inline int32_t qk_zero_point_u8(qk_dtype dtype, int32_t zero_point) {
    return dtype == QK_S8 ? zero_point + 128 : zero_point;
}

/* More bytes than an array can have; no memory is found for them, and rounding them up does not wrap round. */
#define QK_TOO_MANY ((size_t)PTRDIFF_MAX + 1)
/* a * b, or QK_TOO_MANY where it is no less: it stays so through further products, but not times 0. */
static inline size_t qk_times(size_t a, size_t b) {
    return a && b > (size_t)PTRDIFF_MAX / a ? QK_TOO_MANY : a * b;
}
/* a + b likewise */
static inline size_t qk_plus(size_t a, size_t b) {
    return a >= QK_TOO_MANY || b >= QK_TOO_MANY - a ? QK_TOO_MANY : a + b;
}
static inline int qk_is_byte(qk_dtype dtype) {
    return dtype == QK_U8 || dtype == QK_S8;
}
/* Whether each of n zero points is one of the dtype's values. */
int qk_are_zero_points(const int32_t *zero_point, size_t n, qk_dtype dtype);
/* Whether the dtype is one of a requantized output, lo <= hi, and these and the zero point its values. */
int qk_is_requantization(qk_dtype dtype, int32_t zero_point, int32_t lo, int32_t hi);
int qk_is_epilogue(const qk_epilogue *epilogue);
int qk_is_weight(int value); /* that an int16 may have: a uint8 one less its zero point */

static inline size_t qk_round_up(size_t n, size_t multiple) {
    return (n + multiple - 1) / multiple * multiple;
}
static inline size_t qk_min(size_t a, size_t b) {
    return a < b ? a : b;
}

#endif
