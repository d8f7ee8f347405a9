"""Interrupts where Python cannot raise them."""

import os
import signal
import sys
import weakref

import pytest

from qkernels.cli import interrupts


class Watched:
    pass


def test_one_that_meets_a_callback_is_remembered_and_not_printed(monkeypatch):
    printed = []
    monkeypatch.setattr(sys, "unraisablehook", lambda lost: printed.append(lost.exc_value))
    with interrupts.remembered():
        watched = Watched()
        reference = weakref.ref(watched, lambda _: os.kill(os.getpid(), signal.SIGINT))
        del watched
        assert reference() is None and interrupts.came() and printed == []
        with pytest.raises(KeyboardInterrupt):
            interrupts.check()


def test_other_exceptions_of_callbacks_are_still_printed(monkeypatch):
    printed = []
    monkeypatch.setattr(sys, "unraisablehook", lambda lost: printed.append(lost.exc_value))
    with interrupts.remembered():
        watched = Watched()
        reference = weakref.ref(watched, lambda _: 1 / 0)
        del watched
    assert reference() is None and [type(error) for error in printed] == [ZeroDivisionError]
