/* Compares every kernel of every instruction set with the scalar one, byte for byte.
 *
 *     checker [-i SET] [-k SLOT] [-n CASES] [-s SEED]
 *
 * One line a kernel. A kernel inherited from the set below is not run again. The seed is random unless given.
 * Exit status 0: all equal; 1: some differ; 2: usage; 77: this machine or build lacks the set of -i.
 */
#include "cases.h"
#include "memory.h"
#include "qkernels.h"
#include "slots.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { DEFAULT_CASES = 20000, MOST_SETS = 32, STATUS_UNSUPPORTED = 77 };

#define NUMBER_OF(slot) NUMBER_OF_##slot,
enum { EACH_SLOT(NUMBER_OF) N_SLOTS };
#undef NUMBER_OF
_Static_assert(N_SLOTS == sizeof(struct qk_kernels) / sizeof(void *), "a slot of struct qk_kernels has no line in slots.h");

static const struct slot {
    const char *name;
    size_t offset;
    check_fn *check;
} slots[] = {
#define ROW(slot) {#slot, offsetof(struct qk_kernels, slot), check_##slot},
    EACH_SLOT(ROW)
#undef ROW
};

static struct {
    const char *set, *slot;
    size_t cases;
    uint64_t seed;
} options = {NULL, NULL, DEFAULT_CASES, 0};

static struct {
    size_t kernels, cases, failed;
} total;

static void on_signal(int signal, siginfo_t *info, void *context) {
    (void)context;
    snprintf(case_fault, sizeof case_fault, "%s at %p: outside the buffers, or a write to an input", strsignal(signal),
             info->si_addr);
    siglongjmp(case_failed, 1);
}

static int passes(const struct slot *slot, const struct qk_kernels *scalar, const struct qk_kernels *tested, size_t number) {
    if (sigsetjmp(case_failed, 1) != 0) return 0;
    begin_case(options.seed, slot->name, number);
    reset_buffers();
    slot->check(scalar, tested);
    verify_canaries();
    return 1;
}

static void check_kernel(const char *set, const struct slot *slot, const struct qk_kernels *scalar,
                         const struct qk_kernels *tested) {
    const uint64_t before = qk_clock_ns();
    size_t done = 0;
    while (done < options.cases && passes(slot, scalar, tested, done)) done++;
    const double seconds = (double)(qk_clock_ns() - before) * 1e-9;
    printf("%-12s %-20s %8zu cases %5zu sweeps %8.2f s  seed %llu  %s\n", set, slot->name, done, done / sweep_size(), seconds,
           (unsigned long long)options.seed, done == options.cases ? "ok" : "FAILED");
    if (done < options.cases)
        printf("    case %zu: %s: %s\n    again: -i %s -k %s -s %llu -n %zu\n", done, case_text, case_fault, set, slot->name,
               (unsigned long long)options.seed, done + 1);
    total.kernels++;
    total.cases += done;
    total.failed += done < options.cases;
    fflush(stdout);
}

static int is_inherited(const struct slot *slot, const struct qk_kernels *tested, const struct qk_kernels *below) {
    return memcmp((const char *)tested + slot->offset, (const char *)below + slot->offset, sizeof(void *)) == 0;
}

/* The kernels of all sets that are built in, each with those of the set below it. */
static int check_sets(void) {
    qk_isa_info sets[MOST_SETS];
    struct qk_kernels scalar = {0}, tested = {0};
    const size_t n_sets = qk_isa_list(sets, MOST_SETS);
    int found = 0;
    for (size_t i = 0; i < n_sets; i++) {
        const int wanted = !options.set || strcmp(options.set, sets[i].name) == 0;
        if (!sets[i].supported) {
            if (wanted) printf("%-12s this machine lacks it\n", sets[i].name);
            continue;
        }
        const struct qk_kernels below = tested;
        qk_use_isa(sets[i].name);
        tested = *qk_current_kernels();
        if (i == 0) scalar = tested;
        found |= wanted;
        for (size_t s = 0; s < N_SLOTS && wanted; s++) {
            if (options.slot && strcmp(options.slot, slots[s].name) != 0) continue;
            if (is_inherited(&slots[s], &tested, &below)) printf("%-12s %-20s inherited\n", sets[i].name, slots[s].name);
            else check_kernel(sets[i].name, &slots[s], &scalar, &tested);
        }
    }
    return found;
}

static int read_options(int argc, char **argv) {
    options.seed = (uint64_t)time(NULL) << 16 ^ (uint64_t)getpid();
    for (int option; (option = getopt(argc, argv, "i:k:n:s:")) != -1;) {
        if (option == 'i') options.set = optarg;
        else if (option == 'k') options.slot = optarg;
        else if (option == 'n') options.cases = strtoull(optarg, NULL, 0);
        else if (option == 's') options.seed = strtoull(optarg, NULL, 0);
        else return 0;
    }
    int known = !options.slot;
    for (size_t s = 0; s < N_SLOTS && !known; s++) known = strcmp(options.slot, slots[s].name) == 0;
    return known && optind == argc && options.cases > 0;
}

int main(int argc, char **argv) {
    if (!read_options(argc, argv)) {
        fprintf(stderr, "usage: %s [-i SET] [-k SLOT] [-n CASES] [-s SEED]\nslots:", argv[0]);
        for (size_t s = 0; s < N_SLOTS; s++) fprintf(stderr, " %s", slots[s].name);
        fputc('\n', stderr);
        return 2;
    }
    if (!make_buffers()) {
        fprintf(stderr, "%s: no memory for the buffers\n", argv[0]);
        return 2;
    }
    const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
        sigaction(signals[i], &(struct sigaction){.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_NODEFER}, NULL);
    const uint64_t before = qk_clock_ns();
    if (!check_sets()) return STATUS_UNSUPPORTED;
    printf("%zu kernels, %zu cases, %zu failed, %.1f s\n", total.kernels, total.cases, total.failed,
           (double)(qk_clock_ns() - before) * 1e-9);
    return total.failed ? 1 : 0;
}
