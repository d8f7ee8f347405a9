"""Downloads from a server that breaks off, stalls, lies and changes its mind."""

import dataclasses
import hashlib
import socket

import pytest

from qkernels.fetch import download as download_module
from qkernels.fetch import fetch

from .conftest import GOOD, MODEL, NAME, serve, status, tgz

QUICK = {"timeout": 0.5, "pause": 0.01}
HALF = len(GOOD) // 2
OTHER_MODEL = MODEL[:8] + MODEL[:7:-1]
OTHER = tgz((f"{NAME}.tflite", OTHER_MODEL))


def files(directory):
    return sorted(path.name for path in directory.iterdir() if not path.name.endswith(".lock"))


def test_whole(server, archive, tmp_path):
    steps = []
    found = fetch(archive, tmp_path, progress=lambda done, total: steps.append((done, total)), **QUICK)
    assert found.path == tmp_path / f"{NAME}.tflite" and found.path.read_bytes() == MODEL
    assert found.recorded == hashlib.sha256(GOOD).hexdigest()
    assert files(tmp_path) == [f"{NAME}.sha256", f"{NAME}.tflite"]
    assert steps[0] == (0, len(GOOD)) and steps[-1] == (len(GOOD), len(GOOD)) and steps == sorted(steps)
    assert fetch(archive, tmp_path).recorded is None and len(server.requests) == 1


@pytest.mark.parametrize("broken", [serve(send=HALF), serve(send=HALF, stall=2.0), serve(length=len(GOOD) + 9)],
                         ids=["truncated", "stalled", "longer by the headers"])
def test_continued(server, archive, tmp_path, broken):
    server.turns = [broken]
    assert fetch(archive, tmp_path, **QUICK).path.read_bytes() == MODEL
    assert "Range" not in server.requests[0] and server.requests[1]["If-Range"] == '"1"'
    assert server.requests[1]["Range"].startswith("bytes=") and server.requests[1]["Range"] != "bytes=0-"


def test_continued_by_a_later_call(server, archive, tmp_path):
    server.turns = [serve(send=HALF), *[status(503)] * 4]
    with pytest.raises(ConnectionError, match=f"503 Service Unavailable, 4 times; .*put {NAME}.tgz of that address into"):
        fetch(archive, tmp_path, **QUICK)
    assert files(tmp_path) == [f"{NAME}.tgz.part", f"{NAME}.tgz.part.json"]
    assert fetch(archive, tmp_path, **QUICK).path.read_bytes() == MODEL
    assert server.requests[-1]["Range"] == f"bytes={HALF}-"


@pytest.mark.parametrize("second, expected", [
    (serve(ranges=False), MODEL), (serve(OTHER, tag='"2"'), OTHER_MODEL), (serve(tag='"2"', changed=OTHER), MODEL),
], ids=["ignores Range", "another file", "another file and ignores If-Range"])
def test_begun_anew(server, archive, tmp_path, second, expected):
    """Parts of different files never meet in one."""
    server.turns = [serve(send=HALF), second]
    assert fetch(archive, tmp_path, **QUICK).path.read_bytes() == expected


def test_without_a_version_nothing_is_continued(server, archive, tmp_path):
    server.turns = [serve(send=HALF, tag=None)]
    assert fetch(archive, tmp_path, **QUICK).path.read_bytes() == MODEL
    assert not any("Range" in request for request in server.requests)


def test_a_file_changed_unnoticed_is_refused(server, archive, tmp_path):
    """The same ETag for other bytes: the archive's own checksum shows it."""
    changed = bytearray(GOOD)
    changed[HALF + 1000] ^= 1
    server.turns = [serve(send=HALF), serve(changed=bytes(changed))]
    with pytest.raises(ValueError, match="a damaged archive"):
        fetch(archive, tmp_path, **QUICK)
    assert files(tmp_path) == []


def test_shorter_by_the_headers_is_refused(server, archive, tmp_path):
    server.turns = [serve(length=HALF)]
    with pytest.raises(ValueError, match="a damaged archive"):
        fetch(archive, tmp_path, **QUICK)
    assert files(tmp_path) == []


@pytest.mark.parametrize("code, said", [(404, "404 Not Found"), (403, "403 Forbidden"), (302, "302 Found"),
                                        (206, "206 Partial Content")])
def test_refused_by_the_server(server, archive, tmp_path, code, said):
    server.turns = [status(code)]
    with pytest.raises(OSError, match=f"the server answered {said}") as caught:
        fetch(archive, tmp_path, **QUICK)
    assert not isinstance(caught.value, ConnectionError) and len(server.requests) == 1 and files(tmp_path) == []


def test_busy_for_a_while(server, archive, tmp_path):
    server.turns = [status(500), status(429)]
    assert fetch(archive, tmp_path, **QUICK).path.read_bytes() == MODEL


def test_nobody_there(archive, tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        gone = dataclasses.replace(archive, url=f"http://127.0.0.1:{closed.getsockname()[1]}/x.tgz")
        with pytest.raises(ConnectionError, match=f"put {NAME}.tgz of that address into {tmp_path}"):
            fetch(gone, tmp_path, **QUICK)


@pytest.mark.parametrize("length", [None, 20_000])
def test_too_large(server, archive, tmp_path, monkeypatch, length):
    monkeypatch.setattr(download_module, "LIMIT", 10_000)
    server.turns = [serve(length=length)]
    with pytest.raises(OSError, match="expected at most 10000|more than 10000 bytes"):
        fetch(archive, tmp_path, **QUICK)
    assert files(tmp_path) == []


@pytest.mark.parametrize("notes", ["", "[]", '{"url": "x", "validator": "y"}', '{"url": 1}'])
def test_a_part_of_unknown_origin(server, archive, tmp_path, notes):
    (tmp_path / f"{NAME}.tgz.part").write_bytes(b"something else")
    (tmp_path / f"{NAME}.tgz.part.json").write_text(notes)
    assert fetch(archive, tmp_path, **QUICK).path.read_bytes() == MODEL
    assert "Range" not in server.requests[0]


def test_interrupted_and_continued(server, archive, tmp_path):
    def interrupt(done, total):
        if done > HALF:
            raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        fetch(archive, tmp_path, progress=interrupt, **QUICK)
    kept = (tmp_path / f"{NAME}.tgz.part").stat().st_size
    assert kept > HALF and fetch(archive, tmp_path, **QUICK).path.read_bytes() == MODEL
    assert server.requests[-1].get("Range") == f"bytes={kept}-"
