"""What tests share: each supported instruction set in turn, the state put back, src_c as compilers make it, and the profiles of
hypothesis.

`--hypothesis-profile=long` runs many more examples, from a seed of its own unless `--hypothesis-seed` gives one.
"""

import functools
import secrets
import zlib

import hypothesis
import numpy as np
import pytest
from native_build import BUILDS, Build, MissingError

from qkernels import _native

hypothesis.settings.register_profile("usual", deadline=None, derandomize=True, max_examples=100, database=None)
hypothesis.settings.register_profile("long", deadline=None, max_examples=5000, database=None)
hypothesis.settings.load_profile("usual")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    """A seed that the summary can name, where examples are drawn anew."""
    if config.getoption("--hypothesis-profile") == "long" and config.getoption("--hypothesis-seed") is None:
        config.option.hypothesis_seed = str(secrets.randbits(32))


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


@pytest.fixture(scope="session")
def native_builds(tmp_path_factory):
    """(compiler, name in BUILDS) -> Build, made once a session; skipped by name where the machine lacks what it needs."""

    @functools.cache
    def make(compiler, name):
        try:
            return Build(compiler, BUILDS[name], tmp_path_factory.mktemp(f"{compiler}-{name}"))
        except MissingError as error:
            return error

    def build(compiler, name):
        made = make(compiler, name)
        if isinstance(made, MissingError):
            pytest.skip(str(made))
        return made

    return build
