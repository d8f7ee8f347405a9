"""Forks and other ways to a new process, after use and during it. Each in an interpreter of its own: a child that hangs or
dies must not take the test run with it."""

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

import qkernels as qk

COMMON = """
import multiprocessing, os, signal, sys, threading, time
import numpy as np
import qkernels as qk
from qkernels import _native
from qkernels.graph import ir
from qkernels.model import Model

rng = np.random.default_rng(5)
a, b = rng.integers(0, 256, (600, 300)).astype(np.uint8), rng.integers(-128, 128, (300, 200)).astype(np.int8)
x = rng.normal(size=300_000).astype(np.float32)
weights = qk.PackedWeights(b)

def model_of(channels=16):
    shape, nodes = (1, 40, 40, channels), []
    nodes.append(ir.Input(name="x", inputs=(), shape=shape, dtype="float32"))
    nodes.append(ir.Quantize(name="q", inputs=("x",), shape=shape, dtype="uint8", scale=np.array([0.02], np.float32),
                             output_zero_point=np.array([128], np.int32)))
    w = np.random.default_rng(3).integers(-128, 128, (3, 3, channels, channels)).astype(np.int8)
    for i in range(4):
        nodes.append(ir.Conv2d(name=str(i), inputs=(nodes[-1].name,), shape=shape, dtype="uint8", weights=w, stride=(1, 1),
                               padding=(1, 1, 1, 1), dilation=(1, 1), groups=1, input_zero_point=np.array([7], np.int32),
                               bias=np.zeros(channels, np.int32), multiplier=np.full(channels, 0.002, np.float32),
                               zero_point=100))
    return Model(ir.Graph(tuple(nodes), ("x",), (nodes[-1].name,)))

model = model_of()
image = rng.normal(size=(1, 40, 40, 16)).astype(np.float32)

def work():
    return b"".join(array.tobytes() for array in (qk.matmul(a, weights), qk.quantize(x, 0.02, 3), model(image)))

def child_of_fork(run):
    # Exit status of a forked child that calls `run`, 99 where it hangs.
    pid = os.fork()
    if pid == 0:
        try:
            status = 0 if run() else 3
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            status = 4
        os._exit(status)
    for _ in range(6000):
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return 99

_native.set_num_threads(2)
"""

GENERATIONS = """
want = work()
def generation(left):
    return work() == want and (left == 0 or child_of_fork(lambda: generation(left - 1)) == 0) and work() == want
assert generation(4)
_native.set_num_threads(1)
assert child_of_fork(lambda: (_native.set_num_threads(3), work() == want)[1]) == 0
"""

FORK_DURING_KERNELS = """
want, stop, wrong = work(), threading.Event(), []

def others():
    while not stop.is_set():
        if work() != want:
            wrong.append("in the parent")
            stop.set()

def forks():
    for turn in range(25):
        _native.set_num_threads(1 + turn % 3)
        status = child_of_fork(lambda: work() == want)
        if status:
            wrong.append(status)

kernels = [threading.Thread(target=others) for _ in range(2)]
forking = threading.Thread(target=forks)
for thread in [*kernels, forking]:
    thread.start()
forking.join()
stop.set()
for thread in kernels:
    thread.join()
assert wrong == [], wrong
assert work() == want
"""

# The other thread is inside the model when the fork comes, and the child will never see it leave.
FORK_WHILE_A_MODEL_RUNS = """
busy = model_of(64)
large = rng.normal(size=(1, 40, 40, 64)).astype(np.float32)
want, out = work(), busy(large)
thread = threading.Thread(target=lambda: busy.profile(large, repeats=300))
thread.start()
forks = 0
while thread.is_alive():
    assert child_of_fork(lambda: np.array_equal(busy(large), out) and work() == want) == 0
    forks += 1
thread.join()
assert forks > 0
"""


def run(*command):
    """An interpreter that finds the same package; its standard output."""
    done = subprocess.run([sys.executable, "-W", "ignore", *command], capture_output=True, text=True, timeout=300,
                          env={**os.environ, "PYTHONPATH": str(Path(qk.__file__).parents[1]), "MALLOC_CHECK_": "3"})
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("code", [GENERATIONS, FORK_DURING_KERNELS, FORK_WHILE_A_MODEL_RUNS],
                         ids=["generations", "during kernels", "while a model runs"])
def test_fork(code):
    run("-c", COMMON + code)


MODULE = COMMON + """
def shared(_):
    return work()

if __name__ == "__main__":
    want = work()
    context = multiprocessing.get_context(sys.argv[1])
    with context.Pool(2) as pool:
        assert set(pool.map_async(shared, range(6)).get(timeout=200)) == {want}
    assert work() == want
"""


@pytest.mark.parametrize("method", multiprocessing.get_all_start_methods())
def test_multiprocessing(method, tmp_path):
    """A pool of processes after use in this one, in each way to start it: the same bytes."""
    script = tmp_path / "pooled.py"
    script.write_text(MODULE)
    run(str(script), method)


INTERRUPT = """
_native.set_num_threads(int(sys.argv[1]))
large = qk.PackedWeights(rng.integers(-128, 128, (1024, 2048)).astype(np.int8))
rows, out = np.ones((4096, 1024), np.uint8), np.zeros((4096, 2048), np.int32)
want = qk.matmul(rows, large)
inside = threading.Event()
def interrupt():
    inside.wait()
    os.kill(os.getpid(), signal.SIGINT)
def call():
    inside.set()
    qk.matmul(rows, large, out=out)
handled = []
signal.signal(signal.SIGINT, lambda *_: handled.append(threading.current_thread() is threading.main_thread()))
thread = threading.Thread(target=interrupt)
thread.start()
call()
thread.join()
assert handled == [True] and np.array_equal(out, want)
signal.signal(signal.SIGINT, signal.default_int_handler)
inside.clear()
thread = threading.Thread(target=interrupt)
thread.start()
try:
    for _ in range(1000):
        call()
except KeyboardInterrupt:
    thread.join()
    assert work()
    print("interrupted")
"""


@pytest.mark.parametrize("threads", [1, 2])
def test_ctrl_c_during_a_kernel(threads):
    """The handler runs when the call is over, whose result is whole; KeyboardInterrupt ends the loop around it."""
    assert run("-c", COMMON + INTERRUPT, str(threads)) == "interrupted\n"
