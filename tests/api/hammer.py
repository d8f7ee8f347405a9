"""Everything at once from many threads, as a program: `hammer.py THREADS TURNS`. Prints the calls and whether the GIL was on.

Needs nothing but NumPy, so that an interpreter without a GIL can run it. Threads share packed weights, a model and a plan; they
make and drop others; the number of threads and the instruction set change meanwhile. Each result must be the bytes that one
thread alone got before.
"""

import sys
import threading

import numpy as np

import qkernels as qk
from qkernels import _native
from qkernels.graph import ir
from qkernels.model import Model

RNG = np.random.default_rng(11)
A, B = RNG.integers(0, 256, (70, 130)).astype(np.uint8), RNG.integers(-128, 128, (130, 90)).astype(np.int8)
X, SMALL = RNG.normal(size=20_000).astype(np.float32), RNG.normal(size=64).astype(np.float32)
ACC = RNG.integers(-9999, 9999, (50, 90)).astype(np.int32)
IMAGE = RNG.normal(size=(1, 20, 20, 16)).astype(np.float32)
CONV = RNG.integers(-128, 128, (3, 3, 16, 16)).astype(np.int8)
MULTIPLIER = RNG.uniform(1e-4, 1e-3, 90).astype(np.float32)


def make_model() -> Model:
    shape = IMAGE.shape
    nodes = [ir.Input(name="x", inputs=(), shape=shape, dtype="float32"),
             ir.Quantize(name="q", inputs=("x",), shape=shape, dtype="uint8", scale=np.array([0.02], np.float32),
                         output_zero_point=np.array([128], np.int32))]
    for name, weights, groups in (("first", CONV, 1), ("depthwise", CONV[:, :, :1], 16), ("last", CONV, 1)):
        nodes.append(ir.Conv2d(name=name, inputs=(nodes[-1].name,), shape=shape, dtype="uint8", weights=weights, stride=(1, 1),
                               padding=(1, 1, 1, 1), dilation=(1, 1), groups=groups, input_zero_point=np.array([7], np.int32),
                               bias=np.zeros(16, np.int32), multiplier=np.full(16, 0.002, np.float32), zero_point=100))
    return Model(ir.Graph(tuple(nodes), ("x",), ("last",)))


WEIGHTS, MODEL = qk.PackedWeights(B), make_model()
CALLS = {
    "quantize": lambda: qk.quantize(X, 0.02, 3),
    "quantize, out": lambda: qk.quantize(SMALL, 0.02, 3, out=np.empty(64, np.uint8)),
    "quantize, axis": lambda: qk.quantize(X.reshape(200, 100), np.full(100, 0.02), 3, axis=1),
    "quantize_dynamic": lambda: qk.quantize_dynamic(X)[0],
    "dequantize": lambda: qk.dequantize(A, 0.02, 3),
    "requantize": lambda: qk.requantize(ACC, MULTIPLIER, 3),
    "matmul": lambda: qk.matmul(A, B, a_zero_point=3),
    "matmul, shared weights": lambda: qk.matmul(A, WEIGHTS, a_zero_point=3),
    "linear, shared weights": lambda: qk.linear(A, WEIGHTS, multiplier=MULTIPLIER, zero_point=9),
    "linear, new weights": lambda: qk.linear(A, qk.PackedWeights(B), multiplier=0.001),
    "conv2d": lambda: qk.conv2d(A[None, :20, :96].reshape(1, 20, 6, 16), CONV, padding=1),
    "saturations": lambda: np.int64(qk.count_saturations(A, B)),
    "shared model": lambda: MODEL(IMAGE),
    "new model": lambda: make_model()(IMAGE),
    "layers": lambda: np.array([layer.macs for layer in MODEL.layers]),
}


def hammer(threads: int, turns: int) -> int:
    """The number of calls; AssertionError names the first that gave other bytes."""
    wanted = {name: call().tobytes() for name, call in CALLS.items()}
    start, done, wrong = threading.Barrier(threads + 1), threading.Event(), []

    def work(seed: int) -> None:
        rng = np.random.default_rng(seed)
        start.wait()
        for _ in range(turns):
            name = list(CALLS)[rng.integers(len(CALLS))]
            try:
                if CALLS[name]().tobytes() != wanted[name]:
                    wrong.append(name)
            except Exception as error:  # a thread's exception would be printed and forgotten
                wrong.append(f"{name}: {error!r}")

    def change() -> None:
        supported = [name for name, has in _native.isas() if has]
        start.wait()
        for turn in range(10**9):
            if done.is_set():
                return
            _native.set_num_threads(1 + turn % 5)
            qk.use_isa(supported[turn % len(supported)])

    workers = [threading.Thread(target=work, args=(seed,)) for seed in range(threads)]
    changer = threading.Thread(target=change)
    for thread in (*workers, changer):
        thread.start()
    for thread in workers:
        thread.join()
    done.set()
    changer.join()
    assert wrong == [], wrong[:5]
    return threads * turns


def build_one_plan(threads: int, layers: int) -> None:
    """Several threads add to one plan, and all of them finish it: nothing is lost, and it is finished once."""
    plan = _native.Plan()
    source, start, finished = plan.input((8,), "float32"), threading.Barrier(threads), []
    scale, point = np.array([0.5], np.float32), np.array([3], np.int32)

    def work() -> None:
        start.wait()
        mine = [plan.quantize(source, scale, point, "uint8", name="q") for _ in range(layers)]
        start.wait()
        try:
            plan.finish((mine[-1],))
            finished.append(mine)
        except ValueError:
            pass

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for thread in workers:
        thread.start()
    for thread in workers:
        thread.join()
    assert len(finished) == 1 and len(plan.layers) == threads * layers
    assert sorted(layer["output"] for layer in plan.layers) == list(range(1, threads * layers + 1))
    out = np.empty(8, np.uint8)
    plan.run((np.ones(8, np.float32),), (out,))
    assert (out == 5).all()


if __name__ == "__main__":
    calls = hammer(int(sys.argv[1]), int(sys.argv[2]))
    build_one_plan(int(sys.argv[1]), 50)
    print(calls, getattr(sys, "_is_gil_enabled", lambda: True)())
