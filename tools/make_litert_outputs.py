"""What LiteRT answers to generated images, for tests/graph/test_tflite.py: make_litert_outputs.py OUT.npz MODEL.tflite...

Needs `pip install ai-edge-litert`. Each model's output, through the default XNNPACK delegate, under the model's file name.
"""

import sys
from pathlib import Path

import numpy as np
from ai_edge_litert.interpreter import Interpreter

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "graph"))
from generated_images import generated_images  # noqa: E402


def outputs(path: str) -> np.ndarray:
    interpreter = Interpreter(path, num_threads=1)
    interpreter.allocate_tensors()
    source, = interpreter.get_input_details()
    result, = interpreter.get_output_details()
    found = []
    for image in generated_images(source["shape"][1]):
        interpreter.set_tensor(source["index"], image)
        interpreter.invoke()
        found.append(interpreter.get_tensor(result["index"]))
    return np.concatenate(found)


if __name__ == "__main__":
    target, *models = sys.argv[1:]
    np.savez_compressed(target, **{Path(path).name: outputs(path) for path in models})
