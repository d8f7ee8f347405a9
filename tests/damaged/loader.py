"""A process that loads and runs model files, one a line of standard input, and says of each what came of it.

OpenVINO's readers are native code: what they do with a damaged file may take the interpreter down, and must not take the
tests with it. Run as a script it is the process; `Loader` is the other end.
"""

import json
import selectors
import subprocess
import sys
from dataclasses import dataclass

CLEAR = ("FileNotFoundError", "MemoryError", "UnsupportedModelError", "ValueError")
"""What may be raised for a file that cannot be run."""


@dataclass(frozen=True)
class Outcome:
    """`kind`: "runs", the name of an exception, "crash" (the process died) or "hang" (it took too long)."""

    kind: str
    message: str

    @property
    def is_clear(self):
        return self.kind == "runs" or (self.kind in CLEAR and "\n" not in self.message and self.message != "")


class Loader:
    """Starts the process when it is needed, and again when it has died."""

    def __init__(self, limit_s=60, command=(sys.executable, __file__)):
        self.limit_s, self.command, self.process = limit_s, command, None

    def load(self, path):
        if self.process is None:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=subprocess.DEVNULL, text=True)
        self.process.stdin.write(f"{path}\n")
        self.process.stdin.flush()
        with selectors.DefaultSelector() as waiting:
            waiting.register(self.process.stdout, selectors.EVENT_READ)
            line = self.process.stdout.readline() if waiting.select(self.limit_s) else None
        if line:
            return Outcome(**json.loads(line))
        if line is None:
            self.process.kill()
        self.process.communicate()
        status, self.process = self.process.returncode, None
        return Outcome("hang", f"longer than {self.limit_s} s") if line is None else Outcome("crash", f"status {status}")

    def close(self):
        if self.process is not None:
            self.process.communicate("")


def outcome(path):
    import numpy as np

    import qkernels

    try:
        model = qkernels.load_model(path)
        model(*(np.zeros(model.graph[name].shape, model.graph[name].dtype) for name in model.graph.inputs))
    except Exception as error:
        return {"kind": type(error).__name__, "message": str(error)}
    return {"kind": "runs", "message": ""}


if __name__ == "__main__":
    answers = sys.stdout
    sys.stdout = sys.stderr                       # whatever a reader prints is no answer
    for line in sys.stdin:
        print(json.dumps(outcome(line.rstrip("\n"))), file=answers, flush=True)
