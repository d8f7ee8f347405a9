"""A disk that is full, for the length of a block."""

import contextlib
import resource


@contextlib.contextmanager
def no_file_above(n_bytes):
    """The kernel refuses every byte of a file beyond that. Not as a fixture: the tests' own output may be a file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
