"""matmul, linear and PackedWeights against NumPy, and what bad input gets."""

import threading

import numpy as np
import pytest

import qkernels as qk

RANGES = {"uint8": (0, 255), "int8": (-128, 127)}


def random_bytes(rng, shape, dtype):
    least, most = RANGES[dtype]
    return rng.integers(least, most + 1, shape).astype(dtype)


def exact(a, b, za=0, zb=0):
    return (a.astype(np.int64) - za) @ (b.astype(np.int64) - zb)


@pytest.mark.parametrize("a_dtype", ["uint8", "int8"])
@pytest.mark.parametrize("b_dtype", ["uint8", "int8"])
def test_matmul(isa, rng, a_dtype, b_dtype):
    """Leading dimensions, a vector, zero points of both, a bias."""
    b = random_bytes(rng, (37, 45), b_dtype)
    za, zb = int(random_bytes(rng, (), a_dtype)), random_bytes(rng, 45, b_dtype).astype(np.int32)
    bias = rng.integers(-9999, 9999, 45, np.int32)
    for shape in [(37,), (1, 37), (5, 37), (2, 3, 4, 37), (0, 37)]:
        a = random_bytes(rng, shape, a_dtype)
        want = (exact(a, b, za, zb.astype(np.int64)) + bias).astype(np.int32)
        np.testing.assert_array_equal(qk.matmul(a, b, a_zero_point=za, b_zero_point=zb, bias=bias), want, strict=True)
        packed = qk.PackedWeights(b, zb)
        np.testing.assert_array_equal(qk.matmul(a, packed, a_zero_point=za, bias=bias), want, strict=True)


def test_any_layout(isa, rng):
    """Transposed, strided and reversed operands."""
    a, b = random_bytes(rng, (40, 30), "int8"), random_bytes(rng, (50, 40), "int8")
    np.testing.assert_array_equal(qk.matmul(a.T, b.T), exact(a.T, b.T))
    np.testing.assert_array_equal(qk.matmul(a[::2, ::-1], b[::-2, :30:1][:, :30][:20].repeat(2, 0)[:30]),
                                  exact(a[::2, ::-1], b[::-2, :30:1][:, :30][:20].repeat(2, 0)[:30]))
    np.testing.assert_array_equal(qk.matmul(a[:, :13], b[::-1, ::3][:13]), exact(a[:, :13], b[::-1, ::3][:13]))


def test_sums_wrap_around(isa):
    a, b = np.full((2, 66051), 255, np.uint8), np.full((66051, 3), 127, np.int8)
    want = exact(a, b).astype(np.uint64).astype(np.uint32).view(np.int32)
    np.testing.assert_array_equal(qk.matmul(a, b), want)


@pytest.mark.parametrize("a_dtype", ["uint8", "int8"])
@pytest.mark.parametrize("dtype", ["uint8", "int8", "float32"])
def test_linear(isa, rng, a_dtype, dtype):
    a, w = random_bytes(rng, (19, 51), a_dtype), random_bytes(rng, (51, 70), "int8")
    bias, multiplier = rng.integers(-9999, 9999, 70, np.int32), rng.uniform(1e-4, 5e-3, 70).astype(np.float32)
    scaled = (exact(a, w, 11) + bias).astype(np.float32) * multiplier
    got = qk.linear(a, w, a_zero_point=11, bias=bias, multiplier=multiplier, zero_point=0 if dtype == "float32" else 40,
                    dtype=dtype, lo=None if dtype == "float32" else 42)
    want = scaled if dtype == "float32" else np.clip(np.rint(scaled) + 40, 42, RANGES[dtype][1]).astype(dtype)
    np.testing.assert_array_equal(got, want, strict=True)


def test_linear_without_multiplier_is_matmul(isa, rng):
    a, w = random_bytes(rng, (4, 9), "uint8"), qk.PackedWeights(random_bytes(rng, (9, 8), "uint8"), 3)
    np.testing.assert_array_equal(qk.linear(a, w, bias=7), qk.matmul(a, w, bias=7), strict=True)


def test_packed_weights(isa, rng):
    """Their own copy of b, of known shape, and usable after the instruction set has changed."""
    b = random_bytes(rng, (20, 33), "int8")
    packed, want = qk.PackedWeights(b), b.copy()
    b[:] = 0
    assert packed.shape == (20, 33) and packed.dtype == np.int8 and isa in packed.implementation
    a = random_bytes(rng, (5, 20), "uint8")
    with qk.use_isa("scalar"):
        np.testing.assert_array_equal(qk.matmul(a, packed), exact(a, want))


def test_threads_share_weights(isa, rng):
    """Two Python threads at once get what one alone gets."""
    packed, a = qk.PackedWeights(random_bytes(rng, (64, 130), "int8")), random_bytes(rng, (150, 64), "int8")
    want, results = qk.matmul(a, packed), []

    def work():
        for _ in range(20):
            results.append(np.array_equal(qk.matmul(a, packed), want))

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert results == [True] * 40


def test_out(isa, rng):
    a, b, out = random_bytes(rng, (3, 4), "uint8"), random_bytes(rng, (4, 5), "int8"), np.zeros((3, 5), np.int32)
    assert qk.matmul(a, b, out=out) is out
    np.testing.assert_array_equal(out, exact(a, b))


A, B = np.ones((3, 4), np.uint8), np.ones((4, 5), np.int8)


@pytest.mark.parametrize("arguments, error, name", [
    (dict(a=A.astype(np.int16)), TypeError, "a"), (dict(a=A[:, :3]), ValueError, "a"),
    (dict(a=np.uint8(1)), ValueError, "a"), (dict(b=B.astype(float)), TypeError, "b"),
    (dict(b=B[0]), ValueError, "b"), (dict(a_zero_point=256), ValueError, "a_zero_point"),
    (dict(a_zero_point=-1), ValueError, "a_zero_point"), (dict(a_zero_point=1.0), TypeError, "a_zero_point"),
    (dict(b_zero_point=[1, 2]), ValueError, "b_zero_point"), (dict(b_zero_point=128), ValueError, "b_zero_point"),
    (dict(b=qk.PackedWeights(B), b_zero_point=1), ValueError, "b_zero_point"),
    (dict(bias=[1, 2]), ValueError, "bias"), (dict(bias=2**31), ValueError, "bias"),
    (dict(bias=0.5), TypeError, "bias"),
])
def test_bad_input(arguments, error, name):
    """The exception names the argument; `out` keeps its bytes."""
    out = np.full((3, 5), 85, np.int32)
    with pytest.raises(error, match=rf"^{name}\b"):
        qk.matmul(**{"a": A, "b": B, "out": out, **arguments})
    assert (out == 85).all()


@pytest.mark.parametrize("arguments, error, name", [
    (dict(lo=9, hi=8), ValueError, "lo"), (dict(hi=256), ValueError, "hi"),
    (dict(zero_point=-1), ValueError, "zero_point"), (dict(multiplier=np.inf), ValueError, "multiplier"),
    (dict(multiplier=[1, 2]), ValueError, "multiplier"), (dict(dtype=np.int16), TypeError, "dtype"),
    (dict(dtype="nothing"), TypeError, "dtype"), (dict(weights=qk.PackedWeights(B, 1)), ValueError, "weights"),
    (dict(weights=B.view(np.uint8)), ValueError, "weights"), (dict(weights=B.astype(np.int32)), TypeError, "weights"),
])
def test_linear_bad_input(arguments, error, name):
    out = np.full((3, 5), 85, np.uint8)
    with pytest.raises(error, match=rf"^{name}\b"):
        qk.linear(**{"a": A, "weights": B, "multiplier": 1.0, "out": out, **arguments})
    assert (out == 85).all()


@pytest.mark.parametrize("out, error", [
    (np.full((3, 5), 85, np.int64), TypeError), (np.full((5, 3), 85, np.int32).T, ValueError),
    (np.full((3, 4), 85, np.int32), ValueError),
])
def test_bad_out(out, error):
    with pytest.raises(error, match="^out"):
        qk.matmul(A, B, out=out)
    assert (out == 85).all()


@pytest.mark.parametrize("operand", ["a", "b"])
def test_out_that_overlaps_an_operand(operand):
    out = np.full((4, 4), 85, np.int32)
    shared = out.view(np.uint8).reshape(-1)[:16].reshape(4, 4)
    operands = {"a": np.ones((4, 4), np.uint8), "b": np.ones((4, 4), np.uint8), operand: shared}
    with pytest.raises(ValueError, match="^out"):
        qk.matmul(**operands, out=out)
    assert (out == 85).all()
