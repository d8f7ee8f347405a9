"""What is in the cache: sums, archives that the user put there, refused archives, the command."""

import dataclasses
import hashlib
import io
import os
import re
import sys
import tarfile
from pathlib import Path

import filelock
import numpy as np
import pytest

import qkernels as qk
from qkernels.cli import main
from qkernels.fetch import ARCHIVES, Archive, fetch, named
from qkernels.fetch import unpack as unpack_module

from .conftest import GOOD, MODEL, NAME, serve, tgz
from .test_download import QUICK, files

MEMBER = f"{NAME}.tflite"


def test_table():
    assert len(ARCHIVES) == 34 and named("mobilenet-v1").name == "mobilenet_v1_1.0_224_quant"
    for name, archive in ARCHIVES.items():
        assert archive.url.startswith("https://") and archive.url.endswith(f"/{name}.tgz")
        assert archive.sha256 is None or re.fullmatch("[0-9a-f]{64}", archive.sha256)


def test_known_sum(server, archive, tmp_path):
    known = dataclasses.replace(archive, sha256=hashlib.sha256(GOOD).hexdigest())
    assert fetch(known, tmp_path, **QUICK).recorded is None
    server.turns = [serve(tgz((MEMBER, MODEL)))]
    (tmp_path / MEMBER).unlink()
    with pytest.raises(ValueError, match=f"SHA-256 [0-9a-f]+, expected {known.sha256}$"):
        fetch(known, tmp_path, **QUICK)
    assert files(tmp_path) == [f"{NAME}.sha256"]


def test_another_archive_than_the_first(server, archive, tmp_path):
    first = fetch(archive, tmp_path, **QUICK)
    first.path.unlink()
    server.turns = [serve(tgz((MEMBER, MODEL)))]
    with pytest.raises(ValueError, match=f"expected {first.recorded}, as at first; delete .*{NAME}.sha256 to take another"):
        fetch(archive, tmp_path, **QUICK)
    assert not first.path.exists()
    assert fetch(archive, tmp_path, **QUICK) == dataclasses.replace(first, recorded=None)


def test_a_changed_model(archive, tmp_path):
    model = fetch(archive, tmp_path, **QUICK).path
    model.write_bytes(MODEL[:-1])
    with pytest.raises(ValueError, match=f"{MEMBER}: SHA-256 .*delete the file to fetch it again"):
        fetch(archive, tmp_path, **QUICK)


def test_damaged_record(archive, tmp_path):
    (tmp_path / f"{NAME}.sha256").write_text("nothing")
    with pytest.raises(ValueError, match=f"{NAME}.sha256: expected lines of a SHA-256"):
        fetch(archive, tmp_path, **QUICK)


def test_an_archive_of_the_user(server, archive, tmp_path):
    (tmp_path / archive.file).write_bytes(GOOD)
    assert fetch(archive, tmp_path).path.read_bytes() == MODEL
    assert server.requests == [] and (tmp_path / archive.file).read_bytes() == GOOD


def test_another_process(archive, tmp_path):
    with filelock.FileLock(tmp_path / f".{NAME}.lock"), pytest.raises(BlockingIOError, match="another process"):
        fetch(archive, tmp_path)


def special(kind, name="x", **fields):
    entry = tarfile.TarInfo(name)
    entry.type = kind
    for field, value in fields.items():
        setattr(entry, field, value)
    return entry, b""


SPARSE = {"pax_headers": {"GNU.sparse.size": str(2**40), "GNU.sparse.map": "0,1"}}
REFUSED = {
    "parent": (tgz(("../x", b"1"), (MEMBER, MODEL)), "the path '../x' leads out of it"),
    "parent further on": (tgz((f"a/../../{MEMBER}", MODEL)), "leads out of it"),
    "absolute": (tgz((f"/tmp/{MEMBER}", MODEL)), "leads out of it"),
    "symbolic link": (tgz(special(tarfile.SYMTYPE, MEMBER, linkname="/etc/passwd")), "neither a plain file nor a directory"),
    "hard link": (tgz(special(tarfile.LNKTYPE, MEMBER, linkname="x")), "neither a plain file nor a directory"),
    "device": (tgz(special(tarfile.CHRTYPE)), "neither a plain file nor a directory"),
    "sparse": (tgz(special(tarfile.REGTYPE, MEMBER, **SPARSE)), "neither a plain file nor a directory"),
    "bomb": (tgz(("x", bytes(3 * 2**20)), (MEMBER, MODEL)), "more than 2097152 bytes when unpacked"),
    "bomb behind the end": (tgz((MEMBER, MODEL)) + tgz(("x", bytes(3 * 2**20))), "more than 2097152 bytes when unpacked"),
    "no model": (tgz(("x", b"1")), f"expected one {MEMBER} in it, found 0"),
    "two models": (tgz((f"a/{MEMBER}", MODEL), (f"b/{MEMBER}", MODEL)), f"expected one {MEMBER} in it, found 2"),
    "another kind of file": (tgz((MEMBER, b"<html></html>")), "is no TFLite model"),
    "empty model": (tgz((MEMBER, b"")), "is no TFLite model"),
    "no archive": (b"<html></html>", "a damaged archive"),
    "empty": (b"", "a damaged archive|found 0"),
    "truncated": (GOOD[:-5], "a damaged archive"),
    "flipped bit": (GOOD[:-6] + bytes([GOOD[-6] ^ 1]) + GOOD[-5:], "a damaged archive"),
}


@pytest.mark.parametrize("contents, said", REFUSED.values(), ids=REFUSED)
def test_refused_archives(archive, tmp_path, monkeypatch, contents, said):
    monkeypatch.setattr(unpack_module, "LIMIT", 2 * 2**20)
    (tmp_path / archive.file).write_bytes(contents)
    with pytest.raises(ValueError, match=said):
        fetch(archive, tmp_path)
    assert files(tmp_path) == [archive.file]


@pytest.fixture
def listed(archive, tmp_path, monkeypatch):
    """The command's table and cache, led to the test's own."""
    monkeypatch.setitem(ARCHIVES, NAME, archive)
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: tmp_path)
    return tmp_path / "models"


def test_command(server, listed, capsys):
    main(["fetch", NAME])
    said = capsys.readouterr()
    assert said.out == f"{listed / MEMBER}\n" and (listed / MEMBER).read_bytes() == MODEL
    assert said.err == (f"{NAME}.tgz: no checksum of it is known here; SHA-256 {hashlib.sha256(GOOD).hexdigest()} is recorded "
                        "and expected from now on\n")
    main(["fetch", NAME])
    assert capsys.readouterr() == (said.out, "") and len(server.requests) == 1


def test_command_shows_its_progress_on_a_terminal(listed, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    main(["fetch", NAME])
    assert f"{NAME}.tgz" in sys.stderr.getvalue() and "100%" in sys.stderr.getvalue()


@pytest.mark.parametrize("package", ["httpx", "platformdirs", "filelock"])
def test_command_without_a_package(listed, monkeypatch, package):
    for module in [name for name in sys.modules if name.startswith("qkernels.fetch")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SystemExit, match=re.escape(f"qkernels: {package} is not installed: pip install qkernels[report]")):
        main(["fetch", NAME])


def test_a_published_model_is_ready_to_run(server, tmp_path):
    name = "mobilenet_v1_0.5_160_quant"
    folder = os.environ.get("QKERNELS_DATA")
    if not folder:
        pytest.skip(f"QKERNELS_DATA is not set: {name}.tflite is not fetched")
    contents = (Path(folder) / "models" / f"{name}.tflite").read_bytes()
    server.turns = [serve(tgz((f"./{name}.tflite", contents)))]
    model = qk.load_model(fetch(Archive(name, server.url), tmp_path, **QUICK).path)
    assert model(np.zeros(model.input_shapes[0], np.uint8)).size == 1001
