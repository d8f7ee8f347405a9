"""The checker and src_c as the package compiles it, by each compiler."""

import pytest
from native_build import COMPILERS


@pytest.fixture(scope="session", params=COMPILERS)
def optimized(native_builds, request):
    """src_c with the package's flags."""
    return native_builds(request.param, "package")
