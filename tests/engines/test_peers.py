"""Every peer computes what qkernels and the definition in NumPy compute. A peer that is not installed is skipped by name."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest

from qkernels.engines.base import Unsupported
from qkernels.engines.peers import NATIVE, PEERS
from qkernels.engines.work import Dequantize, Gemm, Layer, Quantize
from qkernels.graph.reference import evaluate


def engine(name):
    found = NATIVE if name == NATIVE.name else PEERS[name]
    try:
        found.version()
    except ImportError as error:
        pytest.skip(f"{name}: {error}")
    return found


def result_of(name, work, threads=1):
    """What the engine computes, after checking what it says of its times."""
    prepared = engine(name).prepare(work, threads)
    times = prepared.run(3)
    assert times.shape == (3,) and (times > 0).all()
    if prepared.call is not None:
        assert (prepared.call(3) > 0).all()
    return np.asarray(prepared.result()), prepared.tolerance


def products(kind, m=33, k=96, n=50):
    random, limits = np.random.default_rng(1), np.iinfo(kind)
    # small enough that pairs of products do not saturate on a CPU without VNNI
    return Gemm(random.integers(limits.min, limits.max + 1, (m, k), kind), random.integers(-63, 64, (k, n), np.int8))


@pytest.mark.parametrize("name", ["qkernels", "openvino", "onnxruntime", "numpy"])
def test_quantize(name):
    x = np.random.default_rng(0).uniform(-3, 3, 1001).astype(np.float32)
    expected = np.clip(np.rint(x / np.float32(0.02)) + 120, 0, 255).astype(np.uint8)
    found, tolerance = result_of(name, Quantize(x, 0.02, 120))
    assert found.dtype == np.uint8 and np.abs(found.astype(int) - expected).max() <= tolerance
    assert tolerance == (1 if name == "openvino" else 0)


@pytest.mark.parametrize("name", ["qkernels", "openvino", "onnxruntime", "numpy"])
def test_dequantize(name):
    q = np.arange(256, dtype=np.uint8)
    expected = np.float32(0.02) * (q.astype(np.int32) - 120).astype(np.float32)
    found, tolerance = result_of(name, Dequantize(q, 0.02, 120))
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * np.abs(expected).max())


@pytest.mark.parametrize("name", ["qkernels", "onnxruntime", "numkong", "pytorch", "numpy"])
@pytest.mark.parametrize("kind", [np.uint8, np.int8])
def test_gemm(name, kind):
    work = products(kind)
    if name in ("numkong", "pytorch") and kind is np.uint8:
        with pytest.raises(Unsupported, match="int8 by int8"):
            engine(name).prepare(work, 1)
        return
    found, tolerance = result_of(name, work)
    assert tolerance == 0
    np.testing.assert_array_equal(found, work.a.astype(np.int32) @ work.b.astype(np.int32))


@pytest.mark.parametrize("kind", ["uint8", "int8"])
def test_onednn(kind):
    """In a process of its own: OpenVINO's thread pool may be in this one."""
    engine("onednn")
    script = f"""
        import numpy as np
        from qkernels.engines.base import Unsupported
        from qkernels.engines.peers import PEERS
        from qkernels.engines.work import Gemm
        random, limits = np.random.default_rng(1), np.iinfo(np.{kind})
        a = random.integers(limits.min, limits.max + 1, (33, 96), np.{kind})
        b = random.integers(-63, 64, (96, 50), np.int8)
        prepared = PEERS["onednn"].prepare(Gemm(a, b), 1)
        prepared.run(1), prepared.call(1)
        np.testing.assert_array_equal(prepared.result(), a.astype(np.int32) @ b.astype(np.int32))
        try:
            PEERS["onednn"].prepare(Gemm(a, b), 2)
        except Unsupported as error:
            print(error)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "oneDNN already runs on 1 threads in this process"


def layer(**sizes):
    pytest.importorskip("openvino")
    from qkernels.benchmarks.synthetic import convolution
    return convolution(**sizes)


@pytest.mark.parametrize("name", ["qkernels", "openvino", "onnxruntime"])
@pytest.mark.parametrize("sizes", [{"side": 9, "channels_in": 32, "channels_out": 48},
                                   {"side": 9, "channels_in": 16, "channels_out": 24, "kernel": 3, "stride": 2},
                                   {"side": 9, "channels_in": 32, "channels_out": 32, "kernel": 3, "depthwise": True}])
def test_convolution(name, sizes):
    work = layer(**sizes)
    assert isinstance(work, Layer)
    expected = evaluate(work.node, *work.sources)
    assert 0.2 < np.mean((expected > 0) & (expected < 255))  # it is not all saturated
    found, tolerance = result_of(name, work)
    assert np.abs(found.reshape(expected.shape).astype(int) - expected).max() <= tolerance <= 1


def test_peaks_and_copies_have_a_time_and_no_output():
    peak = engine("peak").prepare(products(np.uint8), 1)
    assert peak.result is None and peak.run(2).shape == (2,)
    copy = engine("copy").prepare(Dequantize(np.zeros(100, np.uint8), 1.0, 0), 1)
    assert copy.result is None and (copy.run(2) > 0).all()


def test_an_absent_distribution_is_named():
    from qkernels.engines.base import Peer
    with pytest.raises(ImportError, match="no-such-thing is not installed"):
        Peer("x", "numpy", ("numpy", "no-such-thing")).version()
