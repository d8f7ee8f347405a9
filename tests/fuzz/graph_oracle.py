"""OpenVINO's answer to a generated model, in a process of its own: a crash in there is OpenVINO's, not the importer's.

Reads the fuzzer's bytes from standard input, one model a line in hexadecimal, and answers with one line of JSON each: the
differences [name, dtype, difference] of each node of the graph between OpenVINO and graph/reference.py, or null where
OpenVINO cannot compile or run the model.
"""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np  # noqa: E402
from graph_models import Bytes, generated  # noqa: E402

from qkernels.graph import import_model, ir  # noqa: E402
from qkernels.graph.single_layer import check  # noqa: E402

# outside of these steps OpenVINO's plugin departs from FakeQuantize's definition: it takes an offset of a millionth for 0
STEPS = (1e-4, 1e4)


def differences(data):
    model = generated(Bytes(data))
    graph = import_model(model)
    steps = np.concatenate([np.ones(1), *(node.scale for node in graph.nodes if node.scale is not None)])
    if steps.min() < STEPS[0] or steps.max() > STEPS[1]:
        return None
    found = []
    for node in graph.nodes:
        if isinstance(node, (ir.Input, ir.Reshape)):
            continue
        try:
            found.append((node.name, node.dtype, check(model, graph, node).max_difference))
        except RuntimeError:    # OpenVINO's own, while it compiles or runs
            return None
    return found


def main():
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)   # whatever OpenVINO prints does not belong to the answers
    for line in sys.stdin:
        with np.errstate(all="ignore"):
            print(json.dumps(differences(bytes.fromhex(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
