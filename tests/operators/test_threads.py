"""The number of threads may change while other threads are at work."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import qkernels as qk
from qkernels import _native

# A process of its own: memory written outside a buffer would end the test run itself.
RAISE_WHILE_RUNNING = """
import sys, threading
import numpy as np
from qkernels import _native
_native.use_isa(sys.argv[1])
rng = np.random.default_rng(3)
x = rng.integers(0, 256, (1, 40, 40, 16)).astype(np.uint8)
w = rng.integers(-128, 128, (3, 3, 16, 16)).astype(np.int8)

def run():
    plan = _native.Plan()
    tensor = plan.input(x.shape, "uint8")
    for i in range(6):
        tensor = plan.conv2d(tensor, w, stride=(1, 1), padding=(1, 1, 1, 1), dilation=(1, 1), groups=1, name=str(i),
                             input_zero_point=np.array([7], np.int32), bias=np.zeros(16, np.int32),
                             multiplier=np.full(16, 0.002, np.float32), zero_point=100, lo=0, hi=255, dtype="uint8")
    plan.finish((tensor,))
    out = np.empty(x.shape, np.uint8)
    plan.run((x,), (out,))
    return out.tobytes()

_native.set_num_threads(1)
expected, done = run(), threading.Event()

def change():
    n = 0
    while not done.is_set():
        n += 1
        _native.set_num_threads(1 if n % 2 else 24)

changer = threading.Thread(target=change)
changer.start()
same = all(run() == expected for _ in range(60))
done.set()
changer.join()
sys.exit(0 if same else 3)
"""


@pytest.mark.parametrize("isa", [name for name, supported in _native.isas() if supported])
def test_number_raised_during_a_run(isa):
    root = str(Path(_native.__file__).parents[1])
    done = subprocess.run([sys.executable, "-c", RAISE_WHILE_RUNNING, isa],
                          env={"PYTHONPATH": root, "MALLOC_CHECK_": "3"},
                          capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


def test_a_product_of_no_rows_on_two_threads(threads):
    """Rows are shared out among threads: none to share is no division by zero."""
    threads(2)
    assert qk.matmul(np.empty((0, 5), np.uint8), np.ones((5, 3), np.int8)).shape == (0, 3)
