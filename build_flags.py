"""Compiler flags: the one place where an instruction set's are set."""

COMMON_FLAGS = ["-O2", "-std=c11", "-ffp-contract=off", "-fvisibility=hidden", "-Wall", "-Wextra"]

# Kept when the compiler takes them: GCC's partial redundancy elimination moves loads out of the hot loops of
# 28 accumulators and spills them. Clang has no such flag.
OPTIONAL_FLAGS = ["-fno-tree-pre"]

# A file belongs to the set that its name ends in, otherwise to none.
ISA_FLAGS = {
    "avx2": ["-mavx2", "-mfma"],
    "avx512vnni": ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mavx512vbmi", "-mavx512vnni",
                   "-mprefer-vector-width=512"],
}
