/* Choice of instruction set and number of threads, and the probes of the machine. */
#include "reader.h"

static void isas(struct reader *r) {
    qk_isa_info list[MAX_ISAS];
    const size_t capacity = between(r, 0, MAX_ISAS), built = qk_isa_list(capacity ? list : NULL, capacity);
    size_t current = 0;
    for (size_t i = 0; i < built && i < capacity; i++) {
        current += list[i].current != 0;
        if (list[i].current) REQUIRE(strcmp(list[i].name, qk_current_isa()) == 0 && list[i].supported);
    }
    REQUIRE(current == 1 || capacity < built);
    char name[24];
    for (size_t i = 0; i < sizeof name; i++) name[i] = (char)take(r, 1);
    name[sizeof name - 1] = 0;
    if (capacity && one_in(r, 2)) snprintf(name, sizeof name, "%s", list[between(r, 0, (built < capacity ? built : capacity) - 1)].name);
    char before[24];
    snprintf(before, sizeof before, "%s", qk_current_isa());
    int known = 0;
    const char *supported[MAX_ISAS];
    const size_t n = supported_isas(supported);
    for (size_t i = 0; i < n; i++) known |= strcmp(supported[i], name) == 0;
    REQUIRE(qk_use_isa(name) == (known ? QK_OK : QK_ERROR_UNSUPPORTED));
    REQUIRE(strcmp(qk_current_isa(), known ? name : before) == 0);
}

/* Loops of all lengths while the number of threads moves. */
static void threads(struct reader *r) {
    const int asked = any_int(r);
    qk_set_num_threads(asked);
    REQUIRE(qk_get_num_threads() >= 1 && (asked < 1 || qk_get_num_threads() <= asked) && qk_threads_available() >= 1);
    REQUIRE(qk_cpus_allowed() >= qk_threads_available() && qk_cpu_quota("/nowhere") == INFINITY);
    qk_set_num_threads((int)between(r, 1, 3));
    const float scale = 1;
    const int32_t zero_point = 0;
    const size_t n = between(r, 0, 40000);
    const qk_affine map = {1, 1, n, &scale, &zero_point, QK_U8};
    float *x = exact(n * sizeof *x);
    uint8_t *q = exact(n);
    for (size_t i = 0; i < n; i++) x[i] = (float)(i % 256);
    REQUIRE(qk_quantize(x, q, &map) == QK_OK);
    for (size_t i = 0; i < n; i++) REQUIRE(q[i] == i % 256);
    free(x), free(q);
}

static void probes(struct reader *r) {
    const double durations[] = {0, -1, 1e-6, -INFINITY, NAN, -1e30, -0.0, 1e-30};
    const double seconds = durations[between(r, 0, 7)];
    const uint64_t before = qk_clock_ns();
    if (one_in(r, 4)) REQUIRE(qk_measure_peak(seconds) > 0);
    const size_t bytes = between(r, 0, 4096), shift = between(r, 0, 64);
    uint8_t *block = exact(bytes + shift);
    memset(block, 1, bytes + shift);
    REQUIRE(qk_measure_read_bandwidth(block + shift, bytes, seconds) >= 0);
    REQUIRE(qk_clock_ns() >= before);
    free(block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct reader r = {data, size};
    REQUIRE(qk_use_isa("scalar") == QK_OK);
    while (r.size) switch (between(&r, 0, 7)) {
        case 0: probes(&r); break;
        case 1: threads(&r); break;
        default: isas(&r);
        }
    return 0;
}
