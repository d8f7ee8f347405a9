"""Models that are well-formed and cannot run, and inputs in unusual forms."""

import numpy as np
import openvino
import pytest
from damaged.small_model import quantized, save, small_model, weights
from openvino import opset13 as o

import qkernels
from qkernels.cli import main
from qkernels.engines import openvino as engine
from qkernels.models import sample_images


def wide_convolution(side, batch=1):
    """A convolution of `side` x `side` pixels, from 4 to 8 channels."""
    image = o.parameter([batch, side, side, 4], np.float32, name="image")
    x = o.transpose(quantized(image, 0, 4, "image/quantized"), [0, 3, 1, 2])
    kernel = weights(np.random.default_rng(1), (8, 4, 3, 3), (8, 1, 1, 1))
    x = o.convolution(x, kernel, [1, 1], [1, 1], [1, 1], [1, 1], name="conv")
    x = o.transpose(quantized(o.relu(x), 0, 6, "conv/quantized"), [0, 2, 3, 1])
    return openvino.Model([o.result(x)], [image], "wide")


@pytest.mark.parametrize("side, batch", [(2**20, 1), (2**27, 1), (2**29, 1), (8, 2**40), (2**24, 2**10), (2**30 - 1, 1),
                                         (2**31, 1), (2**20, 2**19)])
def test_sizes_that_no_machine_has(side, batch):
    """From terabytes to more than an address can count: an exception before anything is touched."""
    with pytest.raises((MemoryError, ValueError), match="out of memory|beyond 64 bits|^conv: sizes or types"):
        qkernels.load_model(wide_convolution(side, batch))


def test_misaligned_strided_and_byte_swapped_inputs():
    """Read as what they are; a byte-swapped one is not taken for the bytes of another."""
    model = qkernels.load_model(small_model())
    x = np.random.default_rng(1).uniform(0, 4, (1, 8, 8, 4)).astype(np.float32)
    want = model(x)
    memory = np.zeros(x.nbytes + 1, np.uint8)
    misaligned = memory[1:].view(np.float32).reshape(x.shape)
    misaligned[...] = x
    for form in (x.astype(">f4"), misaligned, np.asfortranarray(x), np.repeat(x, 2, 3)[..., ::2], x.tolist()):
        if isinstance(form, list):
            with pytest.raises(TypeError, match=r"^inputs\[0\]: expected float32, got float64"):
                model(form)
        else:
            np.testing.assert_array_equal(model(form), want, strict=True)


def test_what_openvino_does_not_compile(monkeypatch, tmp_path):
    """Status 1 and one line with OpenVINO's reason."""
    class Core:
        def compile_model(self, *_):
            raise RuntimeError("Exception from somewhere.cpp:1:\nCheck failed at somewhere.cpp:2:\nthe reason\n")
    monkeypatch.setattr(engine, "_CORE", Core())
    with pytest.raises(SystemExit) as caught:
        main(["report", str(save(tmp_path)), "--out", str(tmp_path / "out")])
    assert caught.value.code == "qkernels: ValueError: model: OpenVINO does not compile it: the reason"
    assert not (tmp_path / "out").exists()


def test_classifying_with_two_outputs_is_refused(tmp_path):
    model = small_model()
    model.add_outputs([next(op for op in model.get_ops() if op.friendly_name == "pool").output(0)])
    openvino.save_model(model, tmp_path / "two.xml", compress_to_fp16=False)
    with pytest.raises(SystemExit) as caught:
        main(["run", str(tmp_path / "two.xml"), str(next(sample_images().iterdir()))])
    assert caught.value.code == f"qkernels: ValueError: {tmp_path / 'two.xml'}: expected one input and one output, got 1 and 2"


def test_a_name_that_is_no_utf8(tmp_path):
    path = save(tmp_path)
    path.write_bytes(path.read_bytes().replace(b'name="conv"', b'name="c\xffnv"'))
    with pytest.raises(ValueError, match="^source: .*utf-8"):
        qkernels.load_model(path)
