"""Pictures that cannot be read: an exception that names the file, never a warning, whatever the damage."""

import io
import random
import warnings

import numpy as np
import pytest
from PIL import Image

from qkernels.measure.images import load_picture, load_pictures
from qkernels.models import sample_images

FORMATS = [("JPEG", "RGB"), ("JPEG", "CMYK"), ("PNG", "RGB"), ("PNG", "P"), ("PNG", "RGBA"), ("BMP", "RGB"), ("WEBP", "RGB"),
           ("GIF", "P"), ("TIFF", "RGB")]


@pytest.fixture(scope="module")
def picture():
    return Image.open(next(sample_images().iterdir())).convert("RGB").resize((64, 48))


@pytest.mark.parametrize("name, mode", FORMATS)
def test_damaged(picture, tmp_path, name, mode):
    """Cut off or with flipped bits: read all the same, or refused by name."""
    memory = io.BytesIO()
    picture.convert(mode).save(memory, name)
    rng, path, refused = random.Random(7), tmp_path / "damaged.img", 0
    for i in range(150):
        data = bytearray(memory.getvalue())
        if i % 4 == 0:
            del data[rng.randrange(len(data)):]
        for _ in range(i % 4):
            bit = rng.randrange(8 * min(len(data), 200 if i % 2 else len(data)))
            data[bit // 8] ^= 1 << bit % 8
        path.write_bytes(data)
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            try:
                assert load_picture(path).x.shape == (1, 224, 224, 3)
            except ValueError as error:
                refused += 1
                assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
        assert not warned, [str(warning.message) for warning in warned]
    assert refused > 10                           # of a PNG all: its chunks carry checksums


@pytest.mark.parametrize("side", [9_600, 60_000])
def test_a_decompression_bomb(tmp_path, side):
    """Beyond Pillow's limit and beyond twice its limit: a warning and an error of Pillow's, one exception here."""
    path = tmp_path / "bomb.bmp"
    header = bytearray(b"BM" + bytes(8) + (54).to_bytes(4, "little") + (40).to_bytes(4, "little"))
    header += side.to_bytes(4, "little") * 2 + (1).to_bytes(2, "little") + (24).to_bytes(2, "little") + bytes(24)
    path.write_bytes(header)
    with pytest.raises(ValueError, match=r"bomb\.bmp: an image too large to be read: "):
        load_picture(path)


def test_file_system_errors_stay_what_they_are(tmp_path):
    with pytest.raises(FileNotFoundError, match="absent"):
        load_picture(tmp_path / "absent.png")
    with pytest.raises(IsADirectoryError):
        load_picture(tmp_path)


def test_a_directory_with_one_damaged_picture_is_refused(picture, tmp_path):
    picture.save(tmp_path / "a.png")
    (tmp_path / "b.jpg").write_bytes(b"")
    with pytest.raises(ValueError, match=r"b\.jpg: not an image"):
        load_pictures(tmp_path)


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1)])
def test_tiny_pictures_are_pictures(tmp_path, size):
    Image.new("RGB", size, (255, 0, 0)).save(tmp_path / "tiny.png")
    x = load_picture(tmp_path / "tiny.png").x
    np.testing.assert_array_equal(x, np.broadcast_to(np.float32([1, -1, -1]), x.shape))
