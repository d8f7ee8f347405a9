"""One int8 layer from floats to floats: the third convolution of AlexNet with its ReLU, as in the int8 example that oneDNN
(then MKL-DNN) came with, each step by itself and checked.

    python examples/int8_simplenet.py

Where oneDNN is installed (pip install qkernels[report,peers]) it computes the same layer, is compared and timed
beside. Exit status 1 if a check fails.
"""

import sys

import numpy as np
from onednn_convolution import Convolution

import qkernels as qk
from qkernels import _native
from qkernels.engines.base import Unsupported
from qkernels.measure.clock import time_calls
from qkernels.measure.interleave import interleave
from qkernels.measure.statistics import median_interval, ratio_interval

BATCH, SIDE, CHANNELS_IN, CHANNELS_OUT = 8, 13, 256, 384
ROUNDS, RUNS = 20, 2
failed = []


def check(what, holds):
    print(f"  {'ok' if holds else 'FAILED'}: {what}")
    if not holds:
        failed.append(what)


def patches(x):
    """(batch, height, width, channels) -> (batch * height * width, 9 * channels): what each output pixel sees, 0 outside."""
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    seen = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    return seen.transpose(0, 1, 2, 4, 5, 3).reshape(-1, 9 * x.shape[3])


def convolved(x, w):
    """The definition, in NumPy: float64 holds these integers exactly too."""
    product = patches(x).astype(np.float64) @ w.reshape(-1, w.shape[3]).astype(np.float64)
    return product.reshape(*x.shape[:3], w.shape[3])


qk.set_num_threads(1)
random = np.random.default_rng(3)

print("1. Floats: activations behind a ReLU, weights whose channels differ in size, a bias")
x = np.maximum(random.normal(0, 1, (BATCH, SIDE, SIDE, CHANNELS_IN)), 0).astype(np.float32)
w = (random.normal(0, 0.02, (3, 3, CHANNELS_IN, CHANNELS_OUT)) * random.uniform(0.3, 3, CHANNELS_OUT)).astype(np.float32)
b = random.normal(0, 0.5, CHANNELS_OUT).astype(np.float32)
y = np.maximum(convolved(x, w) + b, 0)

print("2. Quantized: activations to uint8, weights to int8 with a scale for each output channel, the bias to int32")
x_scale = np.float32(x.max() / 255)               # no value is below 0, so the zero point is 0
w_scale = np.abs(w).max(axis=(0, 1, 2)) / np.float32(127)
xq = qk.quantize(x, x_scale)
wq = qk.quantize(w, w_scale, dtype=np.int8, axis=3)
bq = np.rint(b / (x_scale * w_scale)).astype(np.int32)
check("activations and weights are within half a step",
      np.abs(qk.dequantize(xq, x_scale) - x).max() <= 0.501 * x_scale
      and (np.abs(qk.dequantize(wq, w_scale, axis=3) - w) <= 0.501 * w_scale).all())

print("3. uint8 x int8 -> int32: the product of two integers is an integer, and so is their sum")
sums = qk.conv2d(xq, wq, padding=1, bias=bq)
check(f"all {sums.size} sums are those of NumPy", np.array_equal(sums, convolved(xq, wq) + bq))

print("4. Requantized: int32 -> uint8 by one multiplication; ReLU is the lower bound 0 of uint8")
y_scale = np.float32(y.max() / 255)
multiplier = x_scale * w_scale / y_scale
yq = qk.requantize(sums, multiplier)
check("uint8 is the rounded product", np.array_equal(yq, np.clip(np.rint(sums.astype(np.float32) * multiplier), 0, 255)))
check("steps 3 and 4 in one pass, without the int32 array, give the same bytes",
      np.array_equal(yq, qk.conv2d(xq, wq, padding=1, bias=bq, multiplier=multiplier)))

print("5. Dequantized: floats again, and what int8 has cost")
found = qk.dequantize(yq, y_scale)
decibels = 10 * np.log10(np.square(y).mean() / np.square(found - y).mean())
check(f"signal to noise is {decibels:.1f} dB, at least 30", decibels >= 30)

print("6. oneDNN: the same bytes through its convolution, with its weights in its own layout")
try:
    theirs = Convolution(xq, wq)
except (ImportError, Unsupported) as reason:
    print(f"  skipped: {reason}")
    sys.exit(1 if failed else 0)
if vnni := "vnni" in qk.cpu_info()["isa"]:
    check("its int32 sums are the same", np.array_equal(theirs(), qk.conv2d(xq, wq, padding=1)))
else:
    print("  its results are not compared: without VNNI it adds pairs of products in 16 bits, which do not hold them all")
# it adds the bias behind the multiplication, in float32, so a rounding may differ
theirs = Convolution(xq, wq, (bq * multiplier).astype(np.float32), multiplier)
differences = np.abs(theirs().astype(int) - yq)
if vnni:
    check(f"its uint8 differ in {np.count_nonzero(differences)} of {yq.size}, by {differences.max()}: at most 1 in 1000, by 1",
          differences.max() <= 1 and np.mean(differences != 0) <= 0.001)

# a plan is what a model becomes: weights packed once, buffers allocated once
plan = _native.Plan()
source = plan.input(xq.shape, "uint8")
plan.finish((plan.conv2d(source, wq, stride=(1, 1), padding=(1, 1, 1, 1), dilation=(1, 1), groups=1,
                         input_zero_point=np.zeros(1, np.int32), bias=bq, multiplier=multiplier, zero_point=0, lo=0, hi=255,
                         dtype="uint8", name="conv3"),))
ours = np.empty_like(yq)
samples = interleave({"qkernels": lambda n: time_calls(lambda: plan.run((xq,), (ours,)), n),
                      "oneDNN": lambda n: time_calls(theirs, n)}, rounds=ROUNDS, batch=RUNS)
check("a plan gives the same bytes", np.array_equal(ours, yq))
for name, times in samples.items():
    print(f"  {name}: {median_interval(times, unit=1e6).median:.2f} ms, one thread")
ratio = ratio_interval(samples["oneDNN"], samples["qkernels"])
print(f"  oneDNN's time over ours: {ratio.value:.2f} [{ratio.low:.2f}, {ratio.high:.2f}]: {ratio.verdict}")
sys.exit(1 if failed else 0)
