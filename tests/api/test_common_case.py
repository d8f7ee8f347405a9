"""The common case of a call, which Python does not check, against the checks: the same result or error."""

import itertools
import threading

import numpy as np
import pytest

import qkernels as qk
from qkernels import _native

COMMON = ["quantize_common", "dequantize_common", "requantize_common", "linear_common"]


class Subclass(np.ndarray):
    pass


class Integer(int):
    pass


class Real(float):
    pass


def outcome(call, arguments):
    """What a call does: its result, or its exception, and what became of `out`."""
    arguments = {name: value() if callable(value) and not isinstance(value, type) else value
                 for name, value in arguments.items()}
    out = arguments.get("out")
    try:
        result = call(**arguments)
    except Exception as error:
        return type(error), str(error), np.asarray(out).tobytes()
    return type(result), result.dtype, result.shape, result.tobytes(), result is out, np.asarray(out).tobytes()


@pytest.fixture
def agree(monkeypatch):
    """Asserts that a call does the same with and without the common case; arguments that are functions make a fresh value.

    Returns whether the common case took it.
    """
    def check(call, **arguments):
        taken = []

        def watched(function):
            def run(*args):
                result = function(*args)
                taken.append(result is not None)
                return result
            return run

        with monkeypatch.context() as patch:
            for name in COMMON:
                patch.setattr(_native, name, watched(getattr(_native, name)))
            got = outcome(call, arguments)
        with monkeypatch.context() as patch:
            for name in COMMON:
                patch.setattr(_native, name, lambda *args: None)
            assert got == outcome(call, arguments), arguments
        return any(taken)
    return check


def array(dtype, shape=(3, 4)):
    values = np.arange(np.prod(shape, dtype=int)).reshape(shape) * 3 - 4
    return np.asarray(values % 200 if np.dtype(dtype) == np.uint8 else values).astype(dtype)


def forms(dtype):
    """Functions that make arrays of 3 x 4 in every form, right and wrong ones."""
    def read_only():
        a = array(dtype)
        a.flags.writeable = False
        return a

    def misaligned():
        a = np.zeros(array(dtype).nbytes + 1, np.uint8)[1:].view(dtype).reshape(3, 4)
        a[:] = array(dtype)
        return a

    return {
        "plain": lambda: array(dtype), "subclass": lambda: array(dtype).view(Subclass),
        "scalar array": lambda: array(dtype, ()), "scalar": lambda: np.dtype(dtype).type(3),
        "empty": lambda: array(dtype, (0, 4)), "vector": lambda: array(dtype, (4,)),
        "five axes": lambda: array(dtype, (1, 3, 1, 2, 4)), "transposed": lambda: array(dtype, (4, 3)).T,
        "every other": lambda: array(dtype, (3, 8))[:, ::2], "reversed": lambda: array(dtype)[::-1, ::-1],
        "read-only": read_only,
        "misaligned": misaligned, "big-endian": lambda: array(dtype).astype(np.dtype(dtype).newbyteorder(">")),
        "list": lambda: array(dtype).tolist(), "other dtype": lambda: array(np.int16), "float64": lambda: array(np.float64),
        "masked": lambda: np.ma.masked_array(array(dtype)), "none": lambda: None}


FLOATS = [0.25, 1, True, -0.5, 0.0, 1e60, 1e-60, np.nan, np.inf, np.float32(0.3), np.float64(0.3), np.float16(0.3), np.int64(2),
          Real(0.3), [0.3], np.array(0.3), np.array([0.3]), np.full(4, 0.3, np.float32), np.full(4, np.nan, np.float32),
          np.full(4, 0.3, np.float32).view(Subclass), np.full(4, 0.3), np.full(3, 0.3, np.float32), "text", None, 1j]
INTEGERS = [0, 5, -5, 127, 128, 255, 256, -128, -129, 2**40, -2**70, True, 1.0, np.int32(5), np.uint8(5), np.bool_(True),
            Integer(5), [5], np.array(5), np.array([5]), "text", None]
DTYPES = [np.uint8, np.int8, np.dtype(np.uint8), np.dtype(np.int8), "uint8", "int8", "u1", np.float32, np.int16, int, None, [1]]
FUNCTIONS = {"quantize": ("x", np.float32, np.uint8), "dequantize": ("q", np.uint8, np.float32),
             "requantize": ("acc", np.int32, np.uint8)}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_element_wise(agree, name):
    """Each argument in every form, the others as usual; every form of `out` with every form of the source."""
    call, (first, source, target) = getattr(qk, name), FUNCTIONS[name]
    factor = "multiplier" if name == "requantize" else "scale"
    usual = {first: lambda: array(source), factor: 0.25, "zero_point": 5, "out": lambda: np.full((3, 4), 85, target)}
    assert agree(call, **usual) and agree(call, **{**usual, "out": None})
    for x, out in itertools.product(forms(source).values(), [*forms(target).values(), usual["out"]]):
        agree(call, **{**usual, first: x, "out": out})
    others = [(factor, FLOATS), ("zero_point", INTEGERS)]
    if name != "dequantize":
        others += [("dtype", DTYPES)]
    if name == "requantize":
        others += [("lo", INTEGERS), ("hi", INTEGERS)]
    for argument, values in others:
        for value in values:
            agree(call, **{**usual, argument: value})
            agree(call, **{**usual, argument: value, "out": None})
    if name != "dequantize":
        for zero_point in INTEGERS:
            agree(call, **{**usual, "zero_point": zero_point, "dtype": np.int8, "out": lambda: np.full((3, 4), 85, np.int8)})


@pytest.mark.parametrize("axis", [None, 0, -1, 2, "text", 0.5])
def test_axis_is_checked_where_there_is_one_scale_too(agree, axis):
    agree(qk.quantize, x=lambda: array(np.float32), scale=0.25, axis=axis)
    if axis in (2, "text", 0.5):
        with pytest.raises((TypeError, ValueError), match="^axis: "):
            qk.quantize(array(np.float32), 0.25, axis=axis)


@pytest.mark.parametrize("b_dtype, points", [(np.int8, 0), (np.uint8, 0), (np.int8, 3), (np.uint8, 128)])
def test_products(agree, b_dtype, points):
    """Each argument in every form with each kind of packed weights."""
    weights = qk.PackedWeights(array(b_dtype, (4, 5)), points)
    multiplier = 0.25 if b_dtype == np.int8 and not points else None
    target = np.uint8 if multiplier else np.int32
    usual = {"a": lambda: array(np.uint8), "a_zero_point": 5, "out": lambda: np.full((3, 5), 85, np.int32)}
    assert agree(qk.matmul, b=weights, **usual) and agree(qk.matmul, b=weights, **{**usual, "out": None})
    linear = {**usual, "multiplier": multiplier, "zero_point": 7 if multiplier else 0,
              "out": lambda: np.full((3, 5), 85, target)}
    assert agree(qk.linear, weights=weights, **linear)
    biases = [None, 7, np.arange(5, dtype=np.int32), np.arange(5), np.arange(10, dtype=np.int32)[::2],
              np.arange(4, dtype=np.int32), np.arange(5, dtype=np.int32).view(Subclass), np.arange(5, dtype=">i4"),
              0.5, [1, 2, 3, 4, 5]]
    outs = [lambda: np.full((5, 3), 85, target).T, lambda: np.full((3, 4), 85, target), lambda: np.full((3, 5), 85, np.int64),
            lambda: np.full((3, 5), 85, target).view(Subclass), lambda: np.full((3, 5), 85, target)[::-1],
            lambda: [[85] * 5] * 3]
    for argument, values in [("a", [*forms(np.uint8).values(), *forms(np.int8).values()]), ("a_zero_point", INTEGERS),
                             ("bias", biases), ("out", outs)]:
        for value in values:
            agree(qk.matmul, b=weights, **{**usual, argument: value})
            agree(qk.linear, weights=weights, **{**linear, argument: value})
            if argument == "a":
                agree(qk.matmul, b=weights, **{**usual, argument: value, "out": None})
    factors = [*FLOATS, np.full(5, 0.3, np.float32), np.array([0.1, 0.2, np.nan, 1, 1], np.float32)]
    for argument, values in [("multiplier", factors), ("zero_point", INTEGERS), ("dtype", DTYPES),
                             ("lo", INTEGERS), ("hi", INTEGERS)]:
        for value in values:
            agree(qk.linear, weights=weights, **{**linear, "multiplier": 0.25, argument: value})
            agree(qk.linear, weights=weights, **{**linear, "multiplier": 0.25, argument: value, "out": None})
    for value in INTEGERS:
        agree(qk.matmul, b=weights, b_zero_point=value, **usual)


@pytest.mark.parametrize("at", [-48, -16, -1, 0, 1, 47, 48, 49])
def test_overlap(agree, at):
    """`out` before, over, beside and after the source in one block of memory."""
    def memory():
        block = np.ones(256, np.uint8)
        x, out = block[64:112].view(np.float32), block[64 + at:][:12]
        return x, out

    def run():
        x, out = memory()
        qk.quantize(x, 0.25, 1, out=out)
        return out.copy()
    agree(run)
    x, out = memory()
    assert np.may_share_memory(x, out) == (-12 < at < 48)


@pytest.mark.parametrize("rows", [1, 3, 65])
@pytest.mark.parametrize("k, n", [(1, 1), (16, 16), (64, 64), (33, 130), (1024, 1500)])
@pytest.mark.parametrize("a_dtype", [np.uint8, np.int8])
def test_sizes(isa, rng, agree, rows, k, n, a_dtype):
    """Products whose parameters fit the stack and such that do not."""
    a = rng.integers(0, 256, (rows, k)).astype(np.uint8).view(a_dtype)
    weights = qk.PackedWeights(rng.integers(-128, 128, (k, n)).astype(np.int8))
    bias, multiplier = rng.integers(-9999, 9999, n, np.int32), rng.uniform(1e-4, 1e-3, n).astype(np.float32)
    assert agree(qk.matmul, a=a, b=weights, a_zero_point=3, bias=bias)
    assert agree(qk.linear, a=a, weights=weights, a_zero_point=3, bias=bias, multiplier=multiplier, zero_point=9, lo=9, hi=200)
    want = (a.astype(np.int64) - 3) @ unpacked(weights, k) + bias
    np.testing.assert_array_equal(qk.matmul(a, weights, a_zero_point=3, bias=bias), want)


def unpacked(weights, k):
    """The matrix behind packed weights, by products with unit vectors."""
    return qk.matmul(np.eye(k, dtype=np.uint8), weights).astype(np.int64)


def test_many_threads(rng):
    """Small calls from many Python threads on shared weights, each with its own results."""
    weights = qk.PackedWeights(rng.integers(-128, 128, (16, 16)).astype(np.int8))
    inputs = [rng.integers(0, 256, (4, 16)).astype(np.uint8) for _ in range(8)]
    wanted = [qk.matmul(a, weights) for a in inputs]
    wrong = []

    def work(a, want):
        out, real = np.zeros_like(want), want.astype(np.float32)
        for turn in range(300):
            qk.matmul(a, weights, out=out)
            q = qk.quantize(real, 512.0, 128)
            if not np.array_equal(out, want) or not np.array_equal(q, np.clip(np.rint(real / 512) + 128, 0, 255)):
                wrong.append(turn)

    workers = [threading.Thread(target=work, args=pair) for pair in zip(inputs, wanted)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert wrong == []
