"""What can be chosen about a quantization."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

METHODS = ("auto", "minmax", "percentile", "mse", "entropy")
WEIGHTS = ("s8", "u8")
ROUNDINGS = ("nearest", "error")

# (what is being done, share of the work done: 0..1)
Progress = Callable[[str, float], None]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """
    method           of activation ranges; "auto": for each tensor the one under which the operators that read it err least
    weights          "s8": int8, symmetric, a scale for each output channel; "u8": uint8, one scale and zero point
    rounding         of weights: "nearest", or "error": what keeps each layer's output nearest on the samples
    equalize         scale channels between layers so that one range fits all; None: only where weights are "u8"
    bias_correction  make the mean of each layer's output that of the FP32 model

    Raises ValueError for another method, sort of weights or rounding, TypeError for what is neither True nor False.
    """

    method: str = "auto"
    weights: str = "s8"
    rounding: str = "error"
    equalize: bool | None = None
    bias_correction: bool = True

    def __post_init__(self) -> None:
        for name, allowed in (("method", METHODS), ("weights", WEIGHTS), ("rounding", ROUNDINGS)):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name}: expected {', '.join(allowed)}, got {getattr(self, name)!r}")
        if not isinstance(self.equalize, (bool, type(None))):
            raise TypeError(f"equalize: expected True, False or None, got {self.equalize!r}")
        if not isinstance(self.bias_correction, bool):
            raise TypeError(f"bias_correction: expected True or False, got {self.bias_correction!r}")

    @property
    def equalizes(self) -> bool:
        return self.weights == "u8" if self.equalize is None else self.equalize
