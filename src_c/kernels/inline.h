/* What vector kernels are made of: functions that exist only inside others, where their arguments are constants and their
 * accumulators registers. Builds without optimization define it as `static inline`: the copies have no end there. */
#ifndef QK_KERNELS_INLINE_H
#define QK_KERNELS_INLINE_H

#ifndef ALWAYS_INLINE
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#endif

#endif
