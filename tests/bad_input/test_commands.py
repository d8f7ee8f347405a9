"""Every row of the commands' table: exit status, the last line, no traceback."""

import re
import struct
import zlib

import pytest
from damaged.small_model import save

import qkernels as qk
from qkernels.cli import main
from qkernels.models import sample_images
from qkernels.quantization.save import save as save_model

from .quantization import IMAGE, float_model
from .row import ANY
from .table import COMMAND_ROWS, command_parameters

GOOD = next(sample_images().iterdir())


def png_of(width, height):
    """A PNG that says it is that large, with hardly any data."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """The files that rows name."""
    found = tmp_path_factory.mktemp("files")
    (found / "empty").mkdir()
    (found / "damaged").mkdir()
    (found / "text.xml").write_text("nothing")
    (found / "empty.png").write_bytes(b"")
    (found / "bomb.png").write_bytes(png_of(60_000, 60_000))
    (found / "damaged" / "cut.jpg").write_bytes(GOOD.read_bytes()[:9000])
    (found / "good.png").write_bytes(GOOD.read_bytes())
    (found / "images").mkdir()
    (found / "images" / "good.png").write_bytes(GOOD.read_bytes())
    (found / "labels.csv").write_text("good.png,1\n")
    (found / "wrong.csv").write_text("good.png,9\n")
    (found / "bombs").mkdir()
    (found / "bombs" / "bomb.png").write_bytes(png_of(60_000, 60_000))
    save(found)
    save_model(float_model(), found / "float.xml")
    save_model(qk.quantize_model(float_model(), [IMAGE]), found / "q.xml")
    return found


@pytest.mark.parametrize("row", COMMAND_ROWS, ids=lambda row: f"{row.command}-{row.parameter}-{row.wrong}")
def test_row(row, directory, capsys, threads):
    with pytest.raises(SystemExit) as caught:
        main([row.command, *(argument.format(tmp=directory) for argument in row.arguments)])
    said = capsys.readouterr()
    status, text = (1, caught.value.code) if isinstance(caught.value.code, str) else (caught.value.code, said.err)
    lines = text.strip().splitlines()
    assert status == row.status
    assert re.fullmatch(".*".join(map(re.escape, row.message.split(ANY))), lines[-1]), lines
    assert status == 2 or len(lines) == 1
    assert "Traceback" not in said.err and said.out == ""


@pytest.mark.parametrize("command, parameters", command_parameters().items())
def test_every_parameter_has_a_row(command, parameters):
    missing = set(parameters) - {row.parameter for row in COMMAND_ROWS if row.command == command}
    assert not missing, f"{command}: no row for {sorted(missing)}"
