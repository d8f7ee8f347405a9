"""`@given` that counts how often a property was executed, for the summary at the end of a run."""

import functools
from collections import Counter

import hypothesis

EXECUTIONS = Counter()
"""Property -> executions, the tries to shrink a failure among them."""


def given(*strategies, **named):
    """`hypothesis.given`, counted."""
    def decorate(test):
        @functools.wraps(test)
        def counted(*args, **kwargs):
            EXECUTIONS[f"{test.__module__.rpartition('.')[2]}.{test.__name__}"] += 1
            return test(*args, **kwargs)
        return hypothesis.given(*strategies, **named)(counted)
    return decorate
