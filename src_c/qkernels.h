/* qkernels: int8 kernels for x86-64 and whatever has a C compiler. The public C API.
 *
 * Activations are NHWC. Every function returns a status, none prints or aborts. Results are the same
 * bytes on every instruction set and with any number of threads.
 *
 * Sizes, types and zero points are checked, also for products that no array's size can reach: QK_ERROR_ARGUMENT, before
 * anything else is looked at. Pointers and the lengths of what they point to are the caller's business.
 */
#ifndef QKERNELS_H
#define QKERNELS_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    QK_OK = 0,
    QK_ERROR_MEMORY = 1,      /* an allocation failed */
    QK_ERROR_ARGUMENT = 2,    /* a size, a type or a combination that the function does not define */
    QK_ERROR_UNSUPPORTED = 3, /* the instruction set is not built in or this CPU lacks it */
} qk_status;

typedef enum { QK_U8 = 0, QK_S8 = 1, QK_S32 = 2, QK_F32 = 3, QK_U16 = 4, QK_S16 = 5 } qk_dtype;

size_t qk_dtype_size(qk_dtype dtype);

/* --- instruction sets ------------------------------------------------------------------------ */

typedef struct {
    const char *name;
    int supported; /* this CPU and operating system can run it */
    int current;   /* new work uses it */
} qk_isa_info;

size_t qk_isa_list(qk_isa_info *list, size_t capacity); /* sets built in, weakest first; returns their number */
qk_status qk_use_isa(const char *name);
const char *qk_current_isa(void);

/* --- threads --------------------------------------------------------------------------------- */

int qk_cpus_allowed(void);                /* CPUs that the calling thread may run on (its affinity) */
/* CPUs' worth of time that the process's control group and those around it allow (Linux, both versions); INFINITY where
 * nothing limits it. `root` stands before every path: "" for the system's own, a directory in tests. */
double qk_cpu_quota(const char *root);
int qk_threads_available(void);           /* the lesser of the two, rounded up; at least 1 */
void qk_set_num_threads(int n);           /* n >= 1 */
int qk_get_num_threads(void);             /* what was set, otherwise what is available now */

/* --- affine maps: real = scale * (q - zero_point) --------------------------------------------- */

/* An array seen as [outer][channels][inner] with one (scale, zero point) a channel; channels = 1 for per tensor. */
typedef struct {
    size_t outer, channels, inner;
    const float *scale;
    const int32_t *zero_point;
    qk_dtype dtype; /* of the quantized side: QK_U8, QK_S8, QK_U16, QK_S16; dequantized also QK_S32, zero points 0 */
} qk_affine;

qk_status qk_quantize(const float *x, void *q, const qk_affine *map);
qk_status qk_dequantize(const void *q, float *x, const qk_affine *map);
void qk_minmax(const float *x, size_t n, float *lo, float *hi); /* of finite and infinite values; NaN is passed over */

/* q = clamp(round_half_even(float32(acc) * multiplier[c]) + zero_point, lo, hi) */
typedef struct {
    size_t outer, channels, inner;
    const float *multiplier;
    int32_t zero_point, lo, hi;
    qk_dtype dtype;
} qk_requantize_map;

qk_status qk_requantize(const int32_t *acc, void *q, const qk_requantize_map *map);

/* --- operators ------------------------------------------------------------------------------- */

/* What v = float32(acc + bias) * multiplier becomes before it is rounded, in float32, an operation a rounding.
 *   QK_ACTIVATION_NONE          v; ReLU and ReLU6 are a matter of lo and hi
 *   QK_ACTIVATION_HARD_SWISH    v * min(max(v + 3, 0), 6) * activation_scale
 *   QK_ACTIVATION_HARD_SIGMOID      min(max(v + 3, 0), 6) * activation_scale */
typedef enum { QK_ACTIVATION_NONE = 0, QK_ACTIVATION_HARD_SWISH = 1, QK_ACTIVATION_HARD_SIGMOID = 2 } qk_activation;

/* What becomes of an int32 accumulator, per output channel.
 *   QK_S32: acc + bias
 *   QK_F32: float32(acc + bias) * multiplier
 *   QK_U8, QK_S8: clamp(round_half_even(activation(float32(acc + bias) * multiplier)) + zero_point, lo, hi) */
typedef struct {
    qk_dtype dtype;
    const int32_t *bias;     /* per channel, or NULL for zeros */
    const float *multiplier; /* per channel; unused for QK_S32 */
    int32_t zero_point, lo, hi;
    qk_activation activation; /* QK_U8 and QK_S8 alone */
    float activation_scale;
} qk_epilogue;

typedef struct qk_op qk_op; /* one operator with its packed weights, immutable, shared by threads */

/* (M, K) x (K, N). Weights are QK_S8, QK_U8, or QK_S16 within -255..255, which holds uint8 weights less their zero point.
 * Zero points of their own go with QK_S32 output only unless they are all 0 (int8, int16) or all 128 (uint8). */
typedef struct {
    size_t k, n;
    const void *weights; /* element (k, n) at weights[k * stride_k + n * stride_n] */
    ptrdiff_t stride_k, stride_n;
    qk_dtype weights_dtype;
    const int32_t *weights_zero_point; /* n values, or NULL for zeros */
    int32_t input_zero_point; /* the input is uint8; qk_linear_run takes int8 too */
} qk_linear_desc;

typedef struct {
    size_t batch, height, width, channels_in, channels_out, groups;
    size_t kernel_h, kernel_w, stride_h, stride_w, dilation_h, dilation_w;
    size_t pad_top, pad_left, pad_bottom, pad_right; /* filled with the input's zero point */
    const int32_t *input_zero_point; /* channels_in values; the input is uint8 */
    const void *weights;             /* (kernel_h, kernel_w, channels_in / groups, channels_out) */
    qk_dtype weights_dtype;          /* QK_S8, or QK_S16 within -255..255 */
} qk_conv2d_desc;

typedef struct {
    size_t batch, height, width, channels;
    size_t kernel_h, kernel_w, stride_h, stride_w;
    int32_t input_zero_point; /* the input is uint8 */
    float multiplier; /* s_in / (s_out * kernel_h * kernel_w) */
    int32_t zero_point, lo, hi;
    qk_dtype dtype;
    size_t pad_top, pad_left, pad_bottom, pad_right; /* of zeros; no window is padding alone */
    int exclude_pad; /* divide by the pixels of the image in a window, not by those of the window */
} qk_average_pool_desc;

/* The largest value of each window; uint8 in and out. */
typedef struct {
    size_t batch, height, width, channels;
    size_t kernel_h, kernel_w, stride_h, stride_w;
    size_t pad_top, pad_left, pad_bottom, pad_right; /* left out of the maximum; no window is padding alone */
} qk_max_pool_desc;

/* Two uint8 tensors [images][pixels][channels], real = scale * (q - zero_point): scales in steps of the output.
 *   QK_ADD       clamp(round_half_even((a - za) * scale_a + (b - zb) * scale_b) + zero_point, lo, hi)
 *   QK_MULTIPLY  clamp(round_half_even((a - za) * (b - zb) * scale_a) + zero_point, lo, hi) */
typedef enum { QK_ADD = 0, QK_MULTIPLY = 1 } qk_operation;
typedef struct {
    qk_operation operation;
    size_t images, pixels, channels;
    int one_pixel_b; /* b has one pixel an image, which meets all of a's */
    int32_t zero_point_a, zero_point_b;
    float scale_a, scale_b;
    int32_t zero_point, lo, hi;
    qk_dtype dtype; /* of the output: QK_U8 or QK_S8 */
} qk_arithmetic_desc;

qk_status qk_linear_create(const qk_linear_desc *desc, const qk_epilogue *epilogue, qk_op **op);
qk_status qk_conv2d_create(const qk_conv2d_desc *desc, const qk_epilogue *epilogue, qk_op **op);
qk_status qk_average_pool_create(const qk_average_pool_desc *desc, qk_op **op);
qk_status qk_max_pool_create(const qk_max_pool_desc *desc, qk_op **op);
qk_status qk_quantize_create(const qk_affine *map, qk_op **op);
qk_status qk_dequantize_create(const qk_affine *map, qk_op **op);
qk_status qk_arithmetic_create(const qk_arithmetic_desc *desc, qk_op **op);
qk_status qk_table_create(size_t elements, const uint8_t *table, qk_op **op); /* bytes x[i] -> table[x[i]], 256 entries */
/* Each (rows, columns) matrix of `matrices` transposed; elements of one or four bytes. */
qk_status qk_transpose_create(size_t matrices, size_t rows, size_t columns, qk_dtype dtype, qk_op **op);
qk_status qk_softmax_create(size_t rows, size_t columns, qk_op **op);
void qk_op_destroy(qk_op *op);
const char *qk_op_implementation(const qk_op *op);

enum { QK_MAX_INPUTS = 8 };
size_t qk_op_inputs(const qk_op *op); /* arrays that it reads, 1..QK_MAX_INPUTS */

/* `src` are as many arrays. `rows` matters to linear operators alone (M); the others know their shape. */
qk_status qk_op_run(const qk_op *op, const void *const *src, void *dst, size_t rows);

/* Packed weights of a matrix product whose bias, zero point and scale may change from call to call. */
qk_status qk_linear_run(const qk_op *op, const qk_epilogue *epilogue, int32_t input_zero_point, qk_dtype input_dtype,
                        const void *a, size_t m, void *c);

/* Of (M, K) x (K, N): the sums of two products, of a's uint8 with b's int8 at the same k = 2p and 2p + 1, that VPMADDUBSW
 * would clip to int16. A last k without partner cannot. `a` is contiguous; strides of b as in qk_linear_desc. */
uint64_t qk_count_saturations(const uint8_t *a, size_t m, const int8_t *b, size_t k, size_t n, ptrdiff_t stride_k,
                              ptrdiff_t stride_n);

/* --- plans ----------------------------------------------------------------------------------- */

typedef struct qk_plan qk_plan;

qk_status qk_plan_create(qk_plan **plan);
void qk_plan_destroy(qk_plan *plan);
/* Tensors and operators are numbered from 0 in the order of their making. A tensor is either an input or written by exactly
 * one operator, before it is read, and has exactly the bytes that this and those that read it are made for. Once finished, a
 * plan cannot be added to. */
qk_status qk_plan_add_tensor(qk_plan *plan, size_t bytes, int *tensor);
/* `src` are qk_op_inputs(op) tensors, none of them `dst`. The plan owns `op` from here on, whatever is returned. */
qk_status qk_plan_add_op(qk_plan *plan, qk_op *op, size_t rows, const int *src, int dst);
/* Inputs are tensors that no operator writes, outputs such as one does, each there once. */
qk_status qk_plan_finish(qk_plan *plan, const int *inputs, size_t n_inputs, const int *outputs, size_t n_outputs);
size_t qk_plan_arena_bytes(const qk_plan *plan);
/* Callers take turns: the arena is the plan's own. `op_ns`, if not NULL, receives the nanoseconds of each operator. */
qk_status qk_plan_run(qk_plan *plan, const void *const *inputs, void *const *outputs, uint64_t *op_ns);
/* One operator alone, `repeats` times with the workers awake throughout, as they are inside a network; nanoseconds of each. */
qk_status qk_plan_run_op(qk_plan *plan, size_t op, const void *const *src, void *dst, size_t repeats, uint64_t *ns);

/* --- what this machine can do ---------------------------------------------------------------- */

uint64_t qk_clock_ns(void);
/* MACs a second of the current set's dot-product instruction on registers, one thread. */
double qk_measure_peak(double seconds);
/* Bytes a second read from memory, one thread: from the first multiple of 64 in `data`, in blocks of 512 bytes. 0 where
 * there is not one block. */
double qk_measure_read_bandwidth(const void *data, size_t bytes, double seconds);

#ifdef __cplusplus
}
#endif
#endif
