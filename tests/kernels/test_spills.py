"""Accumulators stay in registers: no vector register is written to memory in the loops that hold the dot products."""

import disassembly
import pytest


def body_of(optimized, stem, name):
    """A function of src_c/kernels; skipped where this compiler lacks the instruction set. A name that is not there fails: a
    renamed function would otherwise be looked at no more."""
    paths = [path for path in optimized.objects if path.stem.endswith(stem)]
    if not paths:
        pytest.skip(f"the compiler lacks the instruction set of {stem}")
    found = disassembly.functions(paths[0])
    assert name in found, f"no function {name} in {stem}"
    return found[name]


@pytest.mark.parametrize("stem, name, expected", [
    *(("gemm_7x64_avx512vnni", f"{form}_{rows}", 4 * rows) for form in ("plain", "bounded", "words", "any")
      for rows in (4, 7)),
    *(("gemm_14x32_avx512vnni", f"{form}_14", 28) for form in ("plain", "bounded", "words", "any")),
    *(("gemm_avx2", f"{form}_6", 12) for form in ("plain", "bounded", "any"))])
def test_matrix_tiles_store_nothing(optimized, stem, name, expected):
    """The loop over k: as many dot products as accumulators, or a multiple if unrolled, and no store at all."""
    loop = disassembly.hot_loop(body_of(optimized, stem, name), expected)
    assert loop is not None
    assert disassembly.dots(loop) % expected == 0
    assert disassembly.vector_stores(loop) == []


@pytest.mark.parametrize("name, expected", [("two_rows", 48), ("stride2", 24), ("one_row", 24)])
@pytest.mark.parametrize("form", ["plain", "bounded"])
def test_depthwise_avx512vnni_spills_nothing(optimized, name, expected, form):
    """The loop over columns, two vectors of outputs a turn, stores its results and nothing on the stack."""
    loop = disassembly.hot_loop(body_of(optimized, "depthwise_avx512vnni", f"{name}_{form}"), expected)
    assert loop is not None
    assert disassembly.dots(loop) == expected
    assert disassembly.vector_stores(loop, stack_only=True) == []


@pytest.mark.parametrize("stem, name, expected, allowed", [
    ("depthwise_any_avx512vnni", "all_rows_5x5", 16, 0), ("depthwise_any_avx512vnni", "stride2_5x5", 8, 0),
    ("depthwise_any_avx512vnni", "two_rows", 8, 0), ("depthwise_any_avx2", "all_rows_5x5", 8, 8),
    ("depthwise_any_avx2", "stride2_5x5", 4, 0), ("depthwise_any_avx2", "all_rows", 8, 0)])
@pytest.mark.parametrize("form", ["plain", "bounded"])
def test_depthwise_any_spills_nothing(optimized, stem, name, expected, allowed, form):
    """A dot product of four outputs of each row. Where GCC unrolls all of them, the loop is the one over groups of channels:
    sixteen registers then have to hold what the next group's columns need too, and some of it goes to the stack."""
    loop = disassembly.hot_loop(body_of(optimized, stem, f"{name}_{form}"), expected)
    assert loop is not None
    assert disassembly.dots(loop) % expected == 0
    assert len(disassembly.vector_stores(loop, stack_only=True)) <= allowed


@pytest.mark.parametrize("name, expected, allowed", [
    ("two_rows_of_32", 48, {"gcc": 2, "clang": 19}), ("two_rows_of_32_adjacent", 48, {"gcc": 2, "clang": 19}),
    ("two_rows_of_16_adjacent", 48, {"gcc": 2, "clang": 25}), ("stride2_of_32", 24, {"gcc": 4, "clang": 10}),
    ("stride2_of_16", 24, {"gcc": 6, "clang": 34})])
@pytest.mark.parametrize("form", ["plain", "bounded"])
def test_depthwise_avx512vnni_of_several_pixels_spills_few(optimized, name, expected, allowed, form):
    """Columns are put together from several pixels on the way, which takes registers that the sums leave; Clang, which is not
    what the kernels were written with, keeps more of these columns on the stack."""
    loop = disassembly.hot_loop(body_of(optimized, "depthwise_avx512vnni", f"{name}_{form}"), expected)
    assert loop is not None
    assert disassembly.dots(loop) == expected
    assert len(disassembly.vector_stores(loop, stack_only=True)) <= allowed[optimized.compiler[0]]


@pytest.mark.parametrize("form, allowed", [("plain", 0), ("bounded", 1)])
def test_first_convolution_avx512vnni_spills(optimized, form, allowed):
    """The loop over tiles of eight pixels, seven steps of sixteen dot products. The bounded epilogue has four constants more;
    one vector of them and the patches' indices finds no register under GCC."""
    loop = disassembly.hot_loop(body_of(optimized, "conv_first_avx512vnni", form), 112)
    assert loop is not None
    assert disassembly.dots(loop) == 112
    assert len(disassembly.vector_stores(loop, stack_only=True)) <= allowed


@pytest.mark.parametrize("name, expected, allowed", [("two_rows", 96, 4), ("stride2", 48, 0), ("one_row", 48, 0)])
@pytest.mark.parametrize("form", ["plain", "bounded"])
def test_depthwise_avx2_spills_few(optimized, name, expected, allowed, form):
    """Sixteen registers do not hold the sums of two rows, a column and the constants: a few go to the stack, not more. Widened
    columns go to a buffer there on purpose, through other registers."""
    loop = disassembly.hot_loop(body_of(optimized, "depthwise_avx2", f"{name}_{form}"), expected)
    assert loop is not None
    assert disassembly.dots(loop) == expected
    assert len(disassembly.vector_stores(loop, stack_only=True)) <= allowed
