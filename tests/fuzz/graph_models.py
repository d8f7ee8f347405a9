"""From a fuzzer's bytes to an openvino.Model: operators that the importer knows and others, with usual and odd arguments.

What OpenVINO refuses to build is left out and the model goes on without it, so that every input means a model.
"""

import re
from functools import cache

import numpy as np
import openvino
from openvino import opset13 as o

from qkernels.models import embedded_model_path


class Bytes:
    """Numbers from the front of the input; zeros when it is used up."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def byte(self):
        self.at += 1
        return self.data[self.at - 1] if self.at <= len(self.data) else 0

    def between(self, lo, hi):
        return lo + self.byte() % (hi - lo + 1)

    def one_in(self, n):
        return self.byte() % n == n - 1

    def choice(self, options):
        return options[self.byte() % len(options)]

    def random(self):
        return np.random.default_rng(self.byte())


class Unbuildable(Exception):
    """OpenVINO does not build this operator; its own reason is the cause."""


def shape_of(x):
    partial = x.get_output_partial_shape(0)
    return [d.get_length() if d.is_static else 1 for d in partial] if partial.rank.is_static else []


def ends(b, channels_shape):
    """(low, high) of a range, mostly with 0 on a step; arrays of `channels_shape`."""
    steps = b.choice([1 / 64, 0.02, 1.0, 1e-3, 3e-7, 1e4, 1e-30, 1e30]) * np.ones(channels_shape)
    if b.one_in(2):
        steps = steps * b.random().uniform(0.5, 1, channels_shape)
    zero_point = b.choice([0, 128, 127, 255, 1, 77])
    low, high = -zero_point * steps, (255 - zero_point) * steps
    if b.one_in(12):
        low, high = b.choice([(low, low), (high, low), (low + steps / 3, high), (low * np.nan, high), (low, high * np.inf),
                              (low * 0 + 1, high * 0 + 2), (-steps, steps * 0)])
    return low.astype(np.float32), high.astype(np.float32)


def channel_shape(b, x):
    """Of a constant that goes with x: a scalar, a value a channel, or something odd."""
    shape = shape_of(x)
    axis = b.choice([1, len(shape) - 1]) if len(shape) > 1 else 0
    per_channel = [n if i == axis else 1 for i, n in enumerate(shape)]
    return b.choice([[], [1] * len(shape), per_channel, per_channel, shape, [1], shape[-1:], [1, *per_channel], [2]])


def fake_quantize(b, x):
    low, high = ends(b, b.choice([[], [], [1] * len(shape_of(x)), channel_shape(b, x)]))
    levels = 256 if not b.one_in(10) else b.choice([255, 2, 16, 128, 65536])
    out = (low, high) if not b.one_in(16) else ends(b, [])
    return o.fake_quantize(x, low, high, *out, levels)


def transpose(b, x):
    rank = len(shape_of(x))
    orders = [[0, 3, 1, 2], [0, 2, 3, 1]] if rank == 4 else [list(range(rank))]
    return o.transpose(x, b.choice(orders) if not b.one_in(5) else b.random().permutation(rank))


def weights(b, shape, channel_axes):
    scales = [n if i < channel_axes else 1 for i, n in enumerate(shape)]
    if b.one_in(8):
        scales = b.choice([[], [1] * len(shape), list(shape), scales[::-1]])
    kind = b.between(0, 11)
    values = b.random().integers(-128, 128, shape)
    if kind == 0:
        low, high = ends(b, scales)
        return o.fake_quantize(o.constant((values / 64).astype(np.float32)), low, high, low, high,
                               b.choice([255, 256, 256, 16]))
    if kind == 1:
        return o.constant(values.astype(np.float32))
    dtype = b.choice([np.int8, np.int8, np.int8, np.uint8, np.int16, np.int32, np.float16])
    w = o.convert(o.constant((values + (128 if dtype == np.uint8 else 0)).astype(dtype)), "f32")
    if dtype == np.uint8 or b.one_in(6):
        w = o.subtract(w, np.full(b.choice([[], [1], scales]), b.choice([128, 0, 1, -3, 0.5, 1e9]), np.float32))
    scale = b.choice([0.02, 1.0, 1e-6, 0.0, -0.5, 1e30, np.nan])
    return o.multiply(w, (scale * b.random().uniform(0.5, 1, scales)).astype(np.float32))


def convolution(b, x):
    channels = (shape_of(x) + [1, 1])[1]
    groups = 1 if b.one_in(2) else channels
    kernel = [b.between(1, 3), b.between(1, 3)]
    rest = [b.choice([1, 3, 4, 8, 17]), channels, *kernel]
    stride, dilation = [b.between(1, 3), b.between(1, 2)], [b.between(1, 2), b.between(1, 2)]
    begin, end = [b.between(0, 2), b.between(0, 2)], [b.between(0, 2), b.between(0, 2)]
    auto_pad = b.choice(["explicit", "same_upper", "same_lower", "valid"])
    if groups > 1 or b.one_in(6):
        w = weights(b, [groups, b.between(1, 2), max(channels // groups, 1), *kernel], 2)
        return o.group_convolution(x, w, stride, begin, end, dilation, auto_pad)
    return o.convolution(x, weights(b, rest, 1), stride, begin, end, dilation, auto_pad)


def matmul(b, x):
    k, n = (shape_of(x) or [1])[-1], b.choice([1, 3, 10, 33])
    transpose_b = b.one_in(2)
    w = weights(b, [n, k] if transpose_b else [k, n], 1 if transpose_b else 2)
    if b.one_in(16):
        return o.matmul(w, x, b.one_in(2), b.one_in(2))
    return o.matmul(x, w, b.one_in(16), transpose_b)


def arithmetic(b, x):
    make = b.choice([o.add, o.add, o.multiply, o.subtract, o.divide, o.maximum])
    values = b.choice([0.0, 0.25, -1.0, 3.0, 1e30, np.nan, np.inf]) * b.random().uniform(0.5, 1, channel_shape(b, x))
    c = o.constant(values.astype(np.float32))
    return b.choice([lambda: make(x, c), lambda: make(x, c), lambda: make(x, c), lambda: make(c, x), lambda: make(x, x)])()


def clamp(b, x):
    low, high = b.choice([(0.0, 6.0), (-1.0, 1.0), (0.0, 1e-9), (-np.inf, np.inf), (1.0, 2.0), (-5.0, -4.0), (0.0, 0.0)])
    return o.clamp(x, low, high)


def average_pool(b, x):
    kernel = [b.between(1, 3), b.between(1, 3)] if b.one_in(2) else (shape_of(x) + [1] * 4)[2:4]
    pads = [b.choice([0, 0, 0, 1]), 0]
    return o.avg_pool(x, [b.between(1, 3), b.between(1, 2)], pads, [0, b.choice([0, 0, 1])], kernel, b.one_in(2),
                      b.choice(["floor", "ceil"]), b.choice(["explicit", "valid", "same_upper"]))


def reduce_mean(b, x):
    axes = b.choice([[2, 3], [2, 3], [3, 2], [-1, -2], [1, 2], [1], []])
    return o.reduce_mean(x, np.array(axes, np.int64), not b.one_in(5))


def reshape(b, x):
    shape = shape_of(x)
    total = int(np.prod(shape))
    wanted = b.choice([[shape[0] if shape else 1, -1], [-1], [1, 1, total], [1, total, 1, 1], [0, -1], shape[::-1],
                       [*shape, 1]])
    return o.reshape(x, np.array(wanted, np.int64), b.one_in(2))


def squeeze(b, x):
    axes = b.choice([[2, 3], [1], [0], [1, 2], [-1]])
    return b.choice([o.squeeze, o.unsqueeze])(x, np.array(axes, np.int64))


def softmax(b, x):
    return o.softmax(x, b.choice([1, -1, 0, 3, 2]))


def other(b, x):
    """What the importer may not know."""
    return b.choice([
        lambda: o.pad(x, [0] * len(shape_of(x)), [1] * len(shape_of(x)), "constant", np.float32(0)),
        lambda: o.convert(x, b.choice(["f16", "u8", "i32", "f32", "f64"])),
        lambda: o.convert(o.convert(x, "f16"), "f32"),
        lambda: o.sigmoid(x), lambda: o.concat([x, x], 1), lambda: o.split(x, 1, 1),
        lambda: o.shape_of(x), lambda: o.max_pool(x, [1, 1], [1, 1], [0, 0], [0, 0], [2, 2]), lambda: o.negative(x),
        lambda: o.prelu(x, np.float32(0.1)),
    ])()


OPERATORS = [fake_quantize, fake_quantize, fake_quantize, transpose, convolution, matmul, arithmetic, arithmetic, clamp,
             lambda b, x: o.relu(x), average_pool, reduce_mean, reshape, squeeze, softmax, other]
# what stands after what in real networks; without it hardly a model would come through whole
SEQUENCES = [[fake_quantize, convolution, arithmetic, clamp, fake_quantize],
             [fake_quantize, transpose, convolution, fake_quantize],
             [fake_quantize, matmul, arithmetic, softmax], [fake_quantize, average_pool, fake_quantize],
             [fake_quantize, matmul, fake_quantize, matmul], [fake_quantize, convolution, transpose],
             [fake_quantize, reduce_mean, fake_quantize, reshape, matmul]]


def apply(operator, b, x):
    try:
        return operator(b, x)
    except Exception as error:  # whatever OpenVINO's or NumPy's functions raise: this model's fault, not the importer's
        raise Unbuildable(str(error)) from error


def parameter(b):
    channels, side = b.choice([1, 3, 4, 8, 17]), b.choice([1, 2, 5, 8])
    shape = b.choice([[1, side, side + 1, channels], [1, channels, side, side], [1, side, side, channels], [2, channels],
                      [1, channels], [2, side, channels], [2, channels, side, side + 2], [channels], [], [0, channels]])
    if b.one_in(24):
        return o.parameter(openvino.PartialShape([-1, *shape]), np.float32, name="in")
    dtype = np.float32 if not b.one_in(24) else b.choice([np.float16, np.uint8, np.int64, np.float64])
    return o.parameter(shape, dtype, name="in")


def generated(b):
    """A model of up to a dozen operators."""
    first = parameter(b)
    values, operators = [first], []
    for _ in range(b.between(1, 3)):
        operators += b.choice(SEQUENCES) if not b.one_in(3) else [b.choice(OPERATORS)]
        if b.one_in(6):
            operators.append(b.choice(OPERATORS))
    if b.one_in(2):
        operators = [transpose, *operators]
    for operator in operators:
        x = values[-1] if not b.one_in(12) else b.choice(values)
        try:
            values.append(apply(operator, b, x))
        except Unbuildable:
            continue
    results = [o.result(values[-1].output(0))]
    if b.one_in(12):
        results.append(o.result(b.choice(values).output(0)))
    names = b.one_in(24)
    model = openvino.Model(results, [first], "generated")
    if names:   # friendly names need not differ
        for op in model.get_ops():
            op.set_friendly_name("same")
    return model


@cache
def embedded_text():
    return embedded_model_path().read_text()


ATTRIBUTE = re.compile(r'(strides|dilations|pads_begin|pads_end|auto_pad|levels|min|max|axis|shape|element_type|transpose_[ab]|'
                       r'keep_dims|kernel|from-layer|from-port|to-layer|to-port|offset|size|type|name|id)="([^"]*)"')
VALUES = ["0", "1", "2", "-1", "3,3", "2,1", "0,0", "255", "256", "1000000000000", "same_lower", "valid", "explicit", "f16",
          "i8", "u8", "f32", "true", "false", "", "nan", "1e30", "Add", "Relu", "MaxPool", "1,3,3", "64"]


def damaged_embedded(b, folder):
    """The path of the embedded model's description with a few attributes changed, beside its own weights."""
    text = embedded_text()
    places = list(ATTRIBUTE.finditer(text))
    for _ in range(b.between(1, 3)):
        place = places[(b.byte() << 8 | b.byte()) % len(places)]
        value = b.choice(VALUES) if not b.one_in(4) else places[(b.byte() << 8 | b.byte()) % len(places)][2]
        text = text[:place.start(2)] + value + text[place.end(2):]
        places = list(ATTRIBUTE.finditer(text))
    path = folder / "damaged.xml"
    path.write_text(text)
    weights_path = path.with_suffix(".bin")
    if not weights_path.exists():
        weights_path.symlink_to(embedded_model_path().with_suffix(".bin"))
    return path
