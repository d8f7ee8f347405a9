"""libFuzzer (by atheris) on the importer: a model, generated or damaged, ends in UnsupportedModelError or in a plan whose
results are those of graph/reference.py, and OpenVINO's within a step.

    python tests/fuzz/graph_fuzzer.py [libFuzzer's options] CORPUS...
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parent))

with atheris.instrument_imports(include=["qkernels.graph", "qkernels.model"]):
    from qkernels.graph import UnsupportedModelError, import_model
    from qkernels.graph.reference import evaluate_graph
    from qkernels.model import Model

import numpy as np  # noqa: E402
from graph_models import Bytes, damaged_embedded, generated  # noqa: E402

FOLDER = Path(tempfile.mkdtemp(prefix="qkernels-fuzz-"))
# of a quantized output; of a float32 one, relative to the largest value: OpenVINO sums its products in float32
STEP, RELATIVE = 1, 1e-3


class WrongResult(AssertionError):
    """A plan that does not compute what its model says."""


class Oracle:
    """graph_oracle.py, started on the first question and again after a crash of OpenVINO."""

    def __init__(self):
        self.process, self.crashes = None, 0

    def differences(self, data):
        """[name, dtype, difference] of each node; None where OpenVINO has no answer."""
        if self.process is None:
            self.process = subprocess.Popen([sys.executable, str(Path(__file__).with_name("graph_oracle.py"))], text=True,
                                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.process.stdin.write(data.hex() + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if answer:
            return json.loads(answer)
        status = self.process.wait()
        self.process = None
        if status > 0:      # a Python exception, ours; a signal is OpenVINO's
            raise WrongResult("the comparison with OpenVINO failed: run graph_oracle.py on this input")
        self.crashes += 1
        return None


oracle = Oracle()


def equal(ours, expected):
    """The same bytes; of a float32 result, softmax's exponential may differ in its last places."""
    if ours.dtype == np.float32:
        return np.allclose(ours, expected, rtol=1e-5, atol=1e-6, equal_nan=True)
    return np.array_equal(ours, expected)


def inputs_of(native, seed):
    """Bytes, or numbers from -2 to 2."""
    random = np.random.default_rng(seed)
    nodes = [native.graph[name] for name in native.graph.inputs]
    return [random.integers(0, 256, node.shape, np.uint8) if node.dtype == "uint8"
            else random.uniform(-2, 2, node.shape).astype(np.float32) for node in nodes]


def check_generated(data):
    model = generated(Bytes(data))
    try:
        native = Model(import_model(model))
    except UnsupportedModelError:
        return
    inputs = inputs_of(native, len(data))
    outputs = native(*inputs)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    expected = evaluate_graph(native.graph, *inputs)
    for index, (ours, theirs) in enumerate(zip(outputs, expected, strict=True)):
        if ours.shape != theirs.shape or not equal(ours, theirs):
            raise WrongResult(f"output {index} differs from graph/reference.py")
    # compiling each layer costs a hundred times what the rest does
    if data and data[-1] % 8 == 0:
        for name, dtype, difference in oracle.differences(data) or ():
            if not difference <= (STEP if dtype == "uint8" else RELATIVE):
                raise WrongResult(f"{name!r} differs from OpenVINO by {difference}")


def check_damaged(data):
    """No comparison here: the network of a changed description is too large to be computed in NumPy each time."""
    try:
        native = Model(import_model(damaged_embedded(Bytes(data), FOLDER)))
    except ValueError as error:     # not a model, or one with an operator that is not supported
        if not isinstance(error, UnsupportedModelError) and not str(error).startswith("source: "):
            raise
        return
    outputs = native(*inputs_of(native, 0))
    shapes = tuple(y.shape for y in (outputs if isinstance(outputs, tuple) else (outputs,)))
    if shapes != native.output_shapes:
        raise WrongResult(f"outputs of shapes {shapes}, expected {native.output_shapes}")


def run_one(data):
    with np.errstate(all="ignore"):
        if data[:1] == b"\xff":
            check_damaged(data[1:])
        else:
            check_generated(data)


if __name__ == "__main__":
    atheris.Setup(sys.argv, run_one)
    atheris.Fuzz()
