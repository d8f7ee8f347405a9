"""The checker itself: it finds faults of every kind, and nothing new passes by it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from native_build import CHECKER, ROOT, portable_sources

FAULTY = Path(__file__).with_name("faulty_backend.c")
DIFFERS = "the scalar kernel's"
SIGNAL = "outside the buffers, or a write to an input"
CANARY = "a buffer of"

# slot, function of faulty_backend.c, what the checker must say; a write beside a buffer meets the page or the canaries
FAULTS = [
    ("quantize", "quantize_stores_one_after", f"{SIGNAL}|{CANARY}"),
    ("quantize", "quantize_stores_one_before", f"{SIGNAL}|{CANARY}"),
    ("quantize", "quantize_reads_one_after", SIGNAL),
    ("quantize", "quantize_reads_one_before", SIGNAL),
    ("quantize", "quantize_writes_its_input", SIGNAL),
    ("quantize", "quantize_rounds_ties_away", DIFFERS),
    ("quantize", "quantize_multiplies", DIFFERS),
    ("quantize", "quantize_makes_nan_zero", DIFFERS),
    ("quantize", "quantize_flushes_subnormal_scales", DIFFERS),
    ("quantize", "quantize_leaves_the_last", DIFFERS),
    ("quantize", "quantize_adds_in_16_bits", DIFFERS),
    ("quantize_channels", "quantize_channels_reads_one_scale_more", SIGNAL),
    ("dequantize", "dequantize_rounds_twice", DIFFERS),
    ("dequantize_channels", "dequantize_channels_shifts_zero_points", DIFFERS),
    ("requantize", "requantize_overflows", DIFFERS),
    ("requantize_channels", "requantize_channels_ignores_lo", DIFFERS),
    ("minmax", "minmax_takes_nan", DIFFERS),
    ("gemm", "&gemm_reads_one_after_kernel", SIGNAL),
    ("gemm", "&gemm_stores_a_column_more_kernel", f"{SIGNAL}|{CANARY}|{DIFFERS}"),
    ("gemm", "&gemm_saturates_pairs_kernel", DIFFERS),
    ("gemm", "&gemm_trusts_bounded_kernel", DIFFERS),
    ("gemm", "&gemm_forgets_the_activation_if_bounded_kernel", DIFFERS),
    ("gemm", "&gemm_meets_one_group_again_kernel", DIFFERS),
    ("gemm_narrow", "&gemm_forgets_a_last_row_kernel", DIFFERS),
    ("depthwise", "&depthwise_reads_beyond_width_kernel", f"{SIGNAL}|{DIFFERS}"),
    ("depthwise", "&depthwise_swaps_rows_kernel", DIFFERS),
    ("depthwise", "&depthwise_takes_swish_for_sigmoid_kernel", DIFFERS),
    ("conv_first", "&conv_first_packs_int8_kernel", DIFFERS),
    ("conv_first", "&conv_first_packs_too_much_kernel", f"{SIGNAL}|{CANARY}"),
    ("window_sum", "window_sum_in_16_bits", DIFFERS),
    ("add", "add_fuses", DIFFERS),
    ("add", "add_makes_nan_hi", DIFFERS),
    ("multiply", "multiply_in_16_bits", DIFFERS),
    ("table", "table_takes_seven_bits_of_the_last", DIFFERS),
    ("table", "table_reads_one_entry_more", SIGNAL),
    ("transpose_u8", "transpose_u8_writes_gaps", DIFFERS),
    ("transpose_u32", "transpose_u32_leaves_a_last_column", DIFFERS),
    ("quantize16", "quantize16_saturates_as_signed", DIFFERS),
    ("dequantize16", "dequantize16_ignores_flip", DIFFERS),
    ("dequantize32", "dequantize32_rounds_once", DIFFERS),
    ("count_saturations", "count_saturations_counts_the_ends", DIFFERS),
    ("softmax_row", "softmax_row_sums_in_order", DIFFERS),
    ("probe_peak", "probe_peak_counts_once", "does not follow"),
    ("probe_read", "probe_read_leaves_the_last", "does not depend on byte"),
]


@pytest.fixture(scope="module")
def run_faulty(native_builds):
    """(slot, function, arguments) -> the finished checker, with an instruction set `faulty` beside the scalar one."""
    build = native_builds("gcc", "package")
    objects = build.compile([*portable_sources(), *CHECKER.glob("*.c")], "faulty", ["-DQK_BUILD_AVX2=1"])

    def run(slot, function, arguments="-i faulty -s 1"):
        faulty = build.compile([FAULTY], "faulty", [f"-DSLOT={slot}", f"-DKERNEL={function}"])
        program = build.link("faulty", [*objects, *faulty])
        return subprocess.run([str(program), *arguments.split()], capture_output=True, text=True, timeout=600)

    return run


def failure(done, slot):
    """(what the checker says of the case that failed, the arguments that repeat it)"""
    assert done.returncode == 1, done.stdout + done.stderr
    found = re.search(rf"^faulty +{slot} .*  FAILED\n    (.*)\n    again: (.*)$", done.stdout, re.M)
    assert found, done.stdout
    return found[1], found[2]


@pytest.mark.parametrize("slot, function, checked", [("quantize", "correct_quantize", ["quantize"]),
                                                     ("gemm", "&correct_gemm_again_kernel", ["gemm", "gemm_narrow"])])
def test_a_registered_kernel_is_checked(run_faulty, slot, function, checked):
    """An entry in a table is all that a new kernel needs; a correct one passes, and what is inherited is not run again."""
    done = run_faulty(slot, function)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.findall(r"^faulty +(\S+) +[1-9]\d* cases .*  ok$", done.stdout, re.M) == checked
    assert "depthwise" in re.findall(r"^faulty +(\S+) +inherited$", done.stdout, re.M)


@pytest.mark.parametrize("slot, function, expected", FAULTS, ids=[function for _, function, _ in FAULTS])
def test_finds_fault(run_faulty, slot, function, expected):
    case, _ = failure(run_faulty(slot, function), slot)
    assert re.search(expected, case), case


def test_a_failure_is_repeated_by_the_arguments_it_prints(run_faulty):
    case, again = failure(run_faulty("gemm", "&gemm_saturates_pairs_kernel", "-i faulty -s 77"), "gemm")
    assert failure(run_faulty("gemm", "&gemm_saturates_pairs_kernel", again), "gemm") == (case, again)


def test_an_operation_without_a_check_does_not_compile(native_builds, tmp_path):
    build = native_builds("gcc", "package")
    shutil.copytree(ROOT / "src_c", tmp_path / "src_c", ignore=shutil.ignore_patterns("*.c"))
    header = tmp_path / "src_c" / "backends" / "backend.h"
    table = "struct qk_kernels {"
    header.write_text(header.read_text().replace(table, f"{table} void (*new_operation)(void);"))
    command = [*build.compiler, "-std=c11", "-D_DEFAULT_SOURCE", f"-I{tmp_path / 'src_c'}", "-c", str(CHECKER / "main.c"), "-o",
               str(tmp_path / "main.o")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 0
    assert "a slot of struct qk_kernels has no line in slots.h" in done.stderr
