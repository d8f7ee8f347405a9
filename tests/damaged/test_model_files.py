"""Damaged model files: each ends in a model that runs or in a clear exception, never in a crash or a hang.

The damage is seeded, so that every run sees the same files.
"""

import os
import random
import re
import sys
from collections import Counter
from pathlib import Path

import pytest

from .loader import Loader
from .onnx_file import relu_model
from .small_model import save

OUTCOMES = Counter()
"""(damage, outcome) -> files, for the summary."""
ABSURD = ("0", "-1", "3", "255", "65536", "2147483647", "2147483648", "1099511627776", "9223372036854775808", "1e308", "nan",
          "", "-9223372036854775808")


@pytest.fixture(scope="module")
def loader():
    found = Loader()
    yield found
    found.close()


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """(text of the .xml, bytes of the .bin)"""
    path = save(tmp_path_factory.mktemp("whole"))
    return path.read_bytes(), path.with_suffix(".bin").read_bytes()


@pytest.fixture
def load(loader, tmp_path):
    """Loads an IR of those bytes; `weights` None: no .bin."""
    def outcome(xml, weights):
        (tmp_path / "model.xml").write_bytes(xml)
        (tmp_path / "model.bin").unlink(missing_ok=True)
        if weights is not None:
            (tmp_path / "model.bin").write_bytes(weights)
        return loader.load(tmp_path / "model.xml")
    return outcome


def flipped(data, rng, count):
    found = bytearray(data)
    for _ in range(count):
        bit = rng.randrange(8 * len(found))
        found[bit // 8] ^= 1 << bit % 8
    return bytes(found)


def check(damage, outcomes):
    """Counts them, and lists the ones that are not clear."""
    OUTCOMES.update((damage, outcome.kind) for outcome in outcomes)
    assert not [outcome for outcome in outcomes if not outcome.is_clear]


def test_the_whole_model_runs(load, whole):
    assert load(*whole).kind == "runs"


def test_flipped_bits_of_the_structure(load, whole):
    rng = random.Random(1)
    check("bits of an .xml", [load(flipped(whole[0], rng, 1 if i % 2 else 8), whole[1]) for i in range(800)])


def test_flipped_bits_of_the_weights(load, whole):
    rng = random.Random(2)
    check("bits of a .bin", [load(whole[0], flipped(whole[1], rng, 1 if i % 2 else 30)) for i in range(300)])


def test_other_numbers(load, whole):
    """Sizes, ranges and identifiers that are absurd, one or three at a time."""
    rng, text = random.Random(3), whole[0].decode()
    numbers = [match.span() for match in re.finditer(r"-?\d+(\.\d+)?", text)]
    found = []
    for i in range(800):
        changed = text
        for start, end in sorted(rng.sample(numbers, 1 if i % 2 else 3), reverse=True):
            changed = changed[:start] + rng.choice(ABSURD) + changed[end:]
        found.append(load(changed.encode(), whole[1]))
    check("numbers of an .xml", found)


def test_truncated(load, whole):
    rng = random.Random(4)
    cut = [load(whole[0][:rng.randrange(len(whole[0]))], whole[1]) for _ in range(60)]
    cut += [load(whole[0], whole[1][:rng.randrange(len(whole[1]))]) for _ in range(30)]
    check("truncated IR", cut)
    assert "runs" not in {outcome.kind for outcome in cut}


def test_onnx(loader, tmp_path):
    rng, model, path = random.Random(5), relu_model(), tmp_path / "model.onnx"
    path.write_bytes(model)
    assert loader.load(path).message.startswith("Relu 'y': ")   # read, and refused by name
    found = []
    for i in range(300):
        path.write_bytes(model[:rng.randrange(len(model))] if i % 3 == 0 else flipped(model, rng, 1 + i % 4))
        found.append(loader.load(path))
    check("bits and ends of an .onnx", found)


@pytest.mark.skipif("QKERNELS_DATA" not in os.environ, reason="QKERNELS_DATA is not set: no .tflite to damage")
def test_tflite(loader, tmp_path):
    model = (Path(os.environ["QKERNELS_DATA"]) / "models" / "mobilenet_v1_0.5_160_quant.tflite").read_bytes()
    rng, path, found = random.Random(6), tmp_path / "model.tflite", []
    for i in range(40):
        damaged = bytearray(model[:rng.randrange(len(model))] if i % 4 == 0 else model)
        # the structure is at the end, after the weights
        damaged[-20_000:] = flipped(damaged[-20_000:], rng, 1 + i % 5)
        path.write_bytes(damaged)
        found.append(loader.load(path))
    check("bits and ends of a .tflite", found)


def changed(text, pattern, replacement):
    found, count = re.subn(pattern, replacement, text)
    assert count, pattern
    return found


def layer_ids(text):
    return {name: number for number, name in re.findall(r'<layer id="(\d+)" name="([^"]+)"', text)}


def cycle(text):
    """The convolution reads what is made of its own result."""
    ids = layer_ids(text)
    source, port = re.search(rf'<edge from-layer="({ids["conv/quantized"]})" from-port="(\d+)"', text).groups()
    return changed(text, rf'<edge from-layer="\d+" from-port="\d+" to-layer="{ids["conv"]}" to-port="0"',
                   f'<edge from-layer="{source}" from-port="{port}" to-layer="{ids["conv"]}" to-port="0"')


NO_MODEL = "ValueError", "source: '{path}' is not a model that OpenVINO reads: "
CASES = {
    "a cycle": (cycle, *NO_MODEL),
    "an operator that nobody knows": (lambda t: changed(t, 'type="SoftMax"|type="Softmax"', 'type="Frobnicate"'),
                                      NO_MODEL[0], "Frobnicate"),
    "an operator that the importer does not know": (lambda t: changed(t, 'type="ReLU"|type="Relu"', 'type="Sigmoid"'),
                                                    "UnsupportedModelError", "Sigmoid 'Relu_"),
    "a dynamic shape": (lambda t: changed(t, 'shape="1,8,8,4"', 'shape="?,8,8,4"'), "UnsupportedModelError",
                        "Parameter 'image': shape [?,8,8,4] is dynamic"),
    "a shape of another rank": (lambda t: changed(t, 'shape="1,8,8,4"', 'shape="8,8,4"'), *NO_MODEL),
    "an empty dimension": (lambda t: changed(t, 'shape="1,8,8,4"', 'shape="1,0,8,4"'), *NO_MODEL),
    "channels that do not fit the weights": (lambda t: changed(t, 'shape="1,8,8,4"', 'shape="1,8,8,5"'), *NO_MODEL),
    "no output": (lambda t: changed(t, 'type="Result"', 'type="Relu"'), "ValueError",
                  "source: expected a model with at least one output, got none"),
    "negative padding": (lambda t: changed(t, 'pads_begin="1, 1"', 'pads_begin="-1, 1"'), "ValueError",
                         "conv: a size below 0 or beyond 64 bits"),
}


@pytest.mark.parametrize("case", CASES)
def test_wrong_structure(load, whole, tmp_path, case):
    """Each fails with the reason, the file or the operator by name."""
    change, kind, said = CASES[case]
    outcome = load(change(whole[0].decode()).encode(), whole[1])
    assert outcome.kind == kind and said.format(path=tmp_path / "model.xml") in outcome.message, outcome


def test_missing_and_empty_files(load, loader, whole, tmp_path):
    for weights, said in ((None, "bin file cannot be found"), (b"", "Incorrect weights in bin file")):
        outcome = load(whole[0], weights)
        assert outcome.kind == "ValueError" and said in outcome.message, outcome
    for name in ("empty.xml", "empty.onnx", "empty.tflite", "empty.pb", "empty.pdmodel", "empty.txt"):
        (tmp_path / name).write_bytes(b"")
        outcome = loader.load(tmp_path / name)
        assert outcome.kind == "ValueError" and outcome.is_clear, outcome
    outcome = loader.load(tmp_path)
    assert outcome.kind == "ValueError" and str(tmp_path) in outcome.message, outcome
    assert loader.load(tmp_path / "absent.xml").kind == "FileNotFoundError"


@pytest.mark.parametrize("program, kind", [("import os; input(); os.abort()", "crash"),
                                           ("import time; time.sleep(99)", "hang")])
def test_a_crash_and_a_hang_would_be_seen(program, kind):
    """The harness itself: otherwise a reader that kills the process might pass for one that refuses."""
    outcome = Loader(limit_s=2, command=(sys.executable, "-c", program)).load("model.xml")
    assert outcome.kind == kind and not outcome.is_clear
