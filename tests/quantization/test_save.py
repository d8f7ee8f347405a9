"""A quantized model's two files: whole or not at all."""

import errno

import numpy as np
import pytest
from file_limit import no_file_above

openvino = pytest.importorskip("openvino")
from qkernels.quantization.save import save  # noqa: E402


def constants(model):
    return {op.friendly_name: op.data for op in model.get_ordered_ops() if op.get_type_name() == "Constant"}


def test_the_files_hold_the_model(build, tmp_path):
    model = build()
    save(model, tmp_path / "new" / "m.xml")
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["m.bin", "m.xml"]
    found, expected = constants(openvino.Core().read_model(tmp_path / "new" / "m.xml")), constants(model)
    assert len(found) == len(expected) > 5
    assert any(value.dtype == np.float32 for value in found.values())
    assert all(found[name].dtype == value.dtype and (found[name] == value).all() for name, value in expected.items()
               if name in found)


@pytest.mark.parametrize("limit", [0, 100, 1500])
def test_what_was_there_stays_where_a_model_does_not_fit(build, tmp_path, limit):
    (tmp_path / "m.xml").write_text("old")
    (tmp_path / "m.bin").write_bytes(b"old weights")
    model = build()
    with no_file_above(limit), pytest.raises(OSError, match="m.xml and m.bin could not be written whole: "):
        save(model, tmp_path / "m.xml")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"m.xml": b"old", "m.bin": b"old weights"}


@pytest.mark.parametrize("suffix", [".xml", ".bin"])
def test_a_file_that_was_cut_short_in_silence(build, tmp_path, monkeypatch, suffix):
    def cut(model, path, **options):
        whole(model, path, **options)
        with path.with_suffix(suffix).open("rb+") as file:
            file.truncate(path.with_suffix(suffix).stat().st_size - 1 - 10 * (suffix == ".xml"))
    whole = openvino.save_model
    monkeypatch.setattr(openvino, "save_model", cut)
    with pytest.raises(OSError, match="m.xml and m.bin could not be written whole$"):
        save(build(), tmp_path / "m.xml")
    assert not list(tmp_path.iterdir())


def test_a_directory_that_cannot_be_made_is_named(build, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file") as caught:
        save(build(), tmp_path / "file" / "m.xml")
    assert caught.value.errno in (errno.EEXIST, errno.ENOTDIR)
