"""Ranges of arrays from what was seen of them: observers that gather, methods that choose, `calibrate` for both."""

from .calibrate import calibrate
from .observer import Observer

__all__ = ["Observer", "calibrate"]
