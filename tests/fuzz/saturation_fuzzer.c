/* The saturation audit of products of any shape and layout, against its definition. */
#include "reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct reader r = {data, size};
    choose_threads(&r);
    const size_t m = between(&r, 0, 20), n = between(&r, 0, 150), k = between(&r, 0, one_in(&r, 8) ? 600 : 60);
    const size_t gap = between(&r, 1, 3);
    const int transposed = one_in(&r, 2), backwards = one_in(&r, 4);
    ptrdiff_t stride_k = (ptrdiff_t)(transposed ? gap : n * gap), stride_n = (ptrdiff_t)(transposed ? k * gap : gap);
    const size_t bytes = k && n ? (k * n - 1) * gap + 1 : 0;
    uint8_t *a = make_bytes(&r, m * k);
    int8_t *block = make_bytes(&r, bytes), *b = block;
    if (one_in(&r, 2)) /* sums at the ends of int16 */
        for (size_t i = 0; i < bytes; i++) {
            const int more = block[i] >> 1 & 1;
            block[i] = (int8_t)(block[i] & 1 ? 64 + more : -64 - more);
        }
    if (backwards && bytes) b = block + bytes - 1, stride_k = -stride_k, stride_n = -stride_n;
    uint64_t expected = 0;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++)
            for (size_t p = 0; p + 1 < k; p += 2) {
                const int8_t *at = b + (ptrdiff_t)p * stride_k + (ptrdiff_t)j * stride_n;
                const int32_t sum = a[i * k + p] * at[0] + a[i * k + p + 1] * at[stride_k];
                expected += sum < -32768 || sum > 32767;
            }
    EACH_ISA(isa) REQUIRE(qk_count_saturations(a, m, b, k, n, stride_k, stride_n) == expected);
    free(a), free(block);
    return 0;
}
