"""What the importer raises when a model is outside of what the native plan can run."""

from collections.abc import Iterable


class UnsupportedModelError(ValueError):
    """A model, or one operator of it, has no native counterpart.

    `operator` is the operator's type (e.g. "MaxPool"), `node` its friendly name in the model and `known` the
    sorted operator types that the importer has; all three stand in the message too.
    """

    def __init__(self, reason: str, *, operator: str, node: str, known: Iterable[str] = ()) -> None:
        self.operator = operator
        self.node = node
        self.known = tuple(sorted(known))
        message = f"{operator} {node!r}: {reason}"
        if self.known:
            message += f"; known operators: {', '.join(self.known)}"
        super().__init__(message)
