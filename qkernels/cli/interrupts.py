"""Ctrl-C that is not lost: some packages swallow a KeyboardInterrupt that meets them while they are imported, or make
another exception of it."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_came = threading.Event()


@contextmanager
def remembered() -> Iterator[None]:
    """SIGINT raises KeyboardInterrupt as always, and `came` knows of it afterwards."""
    _came.clear()
    if threading.current_thread() is not threading.main_thread():
        yield                                     # signals are the main thread's
        return
    before, hook = signal.signal(signal.SIGINT, _raise), sys.unraisablehook

    def unraisable(lost: sys.UnraisableHookArgs) -> None:
        # one that met a callback, such as the import system's own, where Python can only print it: it is remembered
        if not isinstance(lost.exc_value, KeyboardInterrupt):
            hook(lost)

    sys.unraisablehook = unraisable
    try:
        yield
    finally:
        sys.unraisablehook = hook
        signal.signal(signal.SIGINT, before)


def _raise(*_: object) -> None:
    _came.set()
    raise KeyboardInterrupt


def came() -> bool:
    """Whether there was one since `remembered` began."""
    return _came.is_set()


def check() -> None:
    """KeyboardInterrupt if there was one: for the place right behind a command's imports."""
    if _came.is_set():
        raise KeyboardInterrupt
