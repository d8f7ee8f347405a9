#include "memory.h"
#include "cases.h"
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

/* GUARD is a multiple of every usual page size. */
enum { GUARD = 1 << 16, ROOM = 4 * GUARD, MARGIN = 256, CANARY = 0xa5, N_BUFFERS = 24 };

static struct buffer {
    uint8_t *room, *start;
    size_t bytes;
    int at_start, is_input, is_sealed;
} buffers[N_BUFFERS];
static size_t used;

int make_buffers(void) {
    for (int i = 0; i < N_BUFFERS; i++) {
        uint8_t *p = mmap(NULL, ROOM + 2 * GUARD, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED || mprotect(p + GUARD, ROOM, PROT_READ | PROT_WRITE) != 0) return 0;
        buffers[i].room = p + GUARD;
    }
    return 1;
}

static void protect(struct buffer *b, int sealed) {
    if (b->is_sealed == sealed) return;
    if (mprotect(b->room, ROOM, sealed ? PROT_READ : PROT_READ | PROT_WRITE) != 0) fail("mprotect does not work");
    b->is_sealed = sealed;
}

void reset_buffers(void) {
    for (size_t i = 0; i < used; i++) protect(&buffers[i], 0);
    used = 0;
}

static uint8_t *margin_of(const struct buffer *b) {
    return b->at_start ? b->start + b->bytes : b->start - MARGIN;
}

static void *place(size_t bytes, int at_start, int is_input) {
    if (used == N_BUFFERS || bytes + MARGIN > ROOM) fail("the checker has no room for this case");
    struct buffer *b = &buffers[used++];
    b->start = at_start ? b->room : b->room + ROOM - bytes;
    b->bytes = bytes;
    b->at_start = at_start;
    b->is_input = is_input;
    memset(at_start ? b->start : b->start - MARGIN, CANARY, bytes + MARGIN);
    return b->start;
}

void *input(size_t bytes) {
    return place(bytes, (int)below(2), 1);
}

void seal(void) {
    for (size_t i = 0; i < used; i++)
        if (buffers[i].is_input) protect(&buffers[i], 1);
}

struct outputs outputs(size_t bytes) {
    const int at_start = (int)below(2);
    void *expected = place(bytes, at_start, 0), *got = place(bytes, at_start, 0);
    return (struct outputs){expected, got};
}

void compare(struct outputs pair, size_t bytes) {
    const uint8_t *expected = pair.expected, *got = pair.got;
    for (size_t i = 0; i < bytes; i++)
        if (expected[i] != got[i]) fail("byte %zu is %#x, the scalar kernel's %#x", i, got[i], expected[i]);
}

void verify_canaries(void) {
    for (size_t i = 0; i < used; i++) {
        const uint8_t *margin = margin_of(&buffers[i]);
        for (size_t at = 0; at < MARGIN; at++)
            if (margin[at] != CANARY)
                fail("byte %zu %s a buffer of %zu bytes was written", buffers[i].at_start ? at : MARGIN - 1 - at,
                     buffers[i].at_start ? "after" : "before", buffers[i].bytes);
    }
}
