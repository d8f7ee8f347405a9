"""What the property tests draw: arrays in every layout, parameters of every size, and the state a call runs in."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import qkernels as qk
from qkernels import _native

RANGES = {"uint8": (0, 255), "int8": (-128, 127)}
ISAS = qk.cpu_info()["supported"]

dtypes = st.sampled_from(list(RANGES))
isas = st.sampled_from(ISAS)
threads = st.sampled_from([1, 2, 3])
scales = st.floats(2.0**-126, 2.0**100, width=32)
multipliers = st.one_of(st.floats(2.0**-40, 2.0**10, width=32), st.floats(-1, 1, width=32), st.just(0.0))
shapes = arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=9)
long_shapes = st.one_of(shapes, st.tuples(st.integers(0, 3000)), st.tuples(st.integers(1, 3), st.integers(1, 700)))


@contextmanager
def running(isa: str, n_threads: int) -> Iterator[None]:
    """On an instruction set and a number of threads, and back."""
    before = qk.get_num_threads()
    _native.set_num_threads(n_threads)          # no warning where there are fewer CPUs
    try:
        with qk.use_isa(isa):
            yield
    finally:
        _native.set_num_threads(before)


def zero_points(dtype):
    return st.integers(*RANGES[dtype])


def bytes_of(shape, dtype):
    """Every value as likely as its neighbours, and the ends of the range more often."""
    least, most = RANGES[dtype]
    return arrays.arrays(np.dtype(dtype), shape, elements=st.one_of(st.integers(least, most), st.sampled_from([least, most])))


def int32s(shape, most=2**31 - 1):
    return arrays.arrays(np.int32, shape, elements=st.one_of(st.integers(-most - 1, most), st.integers(-999, 999)))


@st.composite
def floats_near_steps(draw, shape, scale, steps=300):
    """float32: whole and half steps of `scale`, their neighbours, and any float at all; a dozen different ones in an array."""
    on_steps = st.integers(-2 * steps, 2 * steps).map(lambda n: np.float32(n / 2) * np.float32(scale))
    near = st.tuples(on_steps, st.sampled_from([-np.inf, np.inf])).map(lambda pair: np.nextafter(pair[0], np.float32(pair[1])))
    values = draw(st.lists(st.one_of(on_steps, near, st.floats(width=32)), min_size=1, max_size=12))
    return np.array(values, np.float32)[np.random.default_rng(len(values)).integers(len(values), size=shape)]


@st.composite
def products(draw, most=40):
    """(a, b, a_zero_point, b_zero_point) of any dtypes, `a` of one to three dimensions."""
    a_dtype, b_dtype = draw(dtypes), draw(dtypes)
    k, n = draw(st.integers(1, most)), draw(st.integers(1, most))
    leading = draw(arrays.array_shapes(min_dims=0, max_dims=2, min_side=0, max_side=17))
    a, b = draw(bytes_of((*leading, k), a_dtype)), draw(bytes_of((k, n), b_dtype))
    b_points = draw(st.one_of(zero_points(b_dtype), arrays.arrays(np.int32, n, elements=zero_points(b_dtype))))
    return a, b, draw(zero_points(a_dtype)), b_points


@dataclass(frozen=True)
class Convolution:
    """Arguments of conv2d without the epilogue's."""

    x: np.ndarray
    weights: np.ndarray
    keywords: dict[str, Any]


@st.composite
def convolutions(draw):
    dtype = draw(dtypes)
    groups, per_group, out_per_group = draw(st.sampled_from(
        [(1, 3, 8), (1, 4, 5), (2, 2, 3), (8, 1, 1), (33, 1, 1), (1, 1, 70)]))
    kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    dilation = draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    stride = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    padding = draw(st.one_of(st.sampled_from(["same", "valid"]), st.tuples(*[st.integers(0, 2)] * 4)))
    window = [(size - 1) * step + 1 for size, step in zip(kernel, dilation)]
    sides = [draw(st.integers(least, least + 6)) for least in window]
    batch, channels = draw(st.integers(1, 2)), groups * per_group
    # random numbers from a seed: a shrinking search over thousands of bytes finds nothing that the shapes do not
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    least, most = RANGES[dtype]
    x = rng.integers(least, most + 1, (batch, *sides, channels)).astype(dtype)
    weights = rng.integers(-128, 128, (*kernel, per_group, groups * out_per_group)).astype(np.int8)
    points = draw(st.one_of(zero_points(dtype), arrays.arrays(np.int32, channels, elements=zero_points(dtype))))
    return Convolution(x, weights, dict(stride=stride, padding=padding, dilation=dilation, groups=groups,
                                        x_zero_point=points))


def misaligned(array):
    """The same elements one byte beside their alignment."""
    memory = np.zeros(array.nbytes + 1, np.uint8)
    found = memory[1:].view(array.dtype).reshape(array.shape)
    found[...] = array
    return found


def sliced(array):
    """The same elements as every other row and column of an array with others between."""
    memory = np.full(tuple(2 * n for n in array.shape), 7, array.dtype)
    found = memory[(..., *(slice(None, None, 2) for _ in array.shape))]
    found[...] = array
    return found


def reversed_(array):
    """The same elements behind negative strides."""
    flip = (..., *(slice(None, None, -1) for _ in array.shape))
    return np.array(array[flip], order="C", copy=True)[flip]


def transposed(array):
    return np.array(array.T, order="C", copy=True).T


def read_only(array):
    found = np.array(array)
    found.flags.writeable = False
    return found


LAYOUTS = {
    "C": np.array, "Fortran": lambda array: np.array(array, order="F"), "sliced": sliced, "negative strides": reversed_,
    "transposed": transposed, "misaligned": misaligned, "read-only": read_only,
    "byte-swapped": lambda array: np.asarray(array).astype(array.dtype.newbyteorder(">")),
}
"""The same elements in another memory layout, by its name."""

layouts = st.sampled_from(list(LAYOUTS))
