"""What tests of the compiled module share: each supported instruction set in turn, and the state put back."""

import zlib

import numpy as np
import pytest

from qkernels import _native


@pytest.fixture(params=[name for name, _ in _native.isas()])
def isa(request):
    """Every instruction set that is built in; those that this CPU lacks are skipped by name."""
    if not dict(_native.isas())[request.param]:
        pytest.skip(f"this CPU lacks {request.param}")
    before = _native.current_isa()
    _native.use_isa(request.param)
    yield request.param
    _native.use_isa(before)


@pytest.fixture
def threads():
    """The setter of the number of threads; the number is put back afterwards."""
    before = _native.get_num_threads()
    yield _native.set_num_threads
    _native.set_num_threads(before)


@pytest.fixture
def rng(request):
    """Random numbers that differ from test to test and repeat from run to run."""
    return np.random.default_rng(zlib.crc32(request.node.name.encode()))
