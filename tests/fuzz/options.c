/* A request for more memory than this gets NULL, as on a full machine: the functions must report it. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "allocator_may_return_null=1:max_allocation_size_mb=64:detect_leaks=1";
}
