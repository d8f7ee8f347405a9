"""One file out of a .tgz that is not trusted: nothing is written under a name from the archive, and nothing is unpacked
without a limit."""

from __future__ import annotations

import gzip
import io
import os
import secrets
import tarfile
import zlib
from pathlib import Path, PurePosixPath
from typing import BinaryIO

LIMIT = 512 * 2**20
"""Bytes of an unpacked archive: far more than any of these models' has."""

_CHUNK = 2**20
_TFLITE = slice(4, 8), b"TFL3"                    # FlatBuffers' file identifier


class _Limited(io.RawIOBase):
    """Reads on until `LIMIT` bytes have come."""

    def __init__(self, source: BinaryIO, name: str) -> None:
        self.source, self.name, self.done = source, name, 0

    def read(self, size: int = -1) -> bytes:
        data = self.source.read(size if 0 <= size <= _CHUNK else _CHUNK)
        self.done += len(data)
        if self.done > LIMIT:
            raise ValueError(f"{self.name}: refused: more than {LIMIT} bytes when unpacked")
        return data


def unpack(archive: Path, member: str, target: Path) -> None:
    """The regular file `member`, a TFLite model, from anywhere in `archive` to `target`, which appears whole or not at all.

    Raises ValueError for an archive that is damaged, that unpacks to more than `LIMIT` bytes, that has an absolute path, "..",
    a link, a device or a sparse file in it, or that has not exactly one `member`; OSError where a file cannot be read or
    written.
    """
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(6)}.tmp")
    try:
        try:
            found = _search(archive, member, temporary)
        except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
            raise ValueError(f"{archive}: a damaged archive: {error}") from error
        if found != 1:
            raise ValueError(f"{archive}: expected one {member} in it, found {found}")
        with temporary.open("rb") as model:
            where, magic = _TFLITE
            if model.read(where.stop)[where] != magic:
                raise ValueError(f"{archive}: {member} in it is no TFLite model")
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def _search(archive: Path, member: str, target: Path) -> int:
    """Writes `member` to `target`; how many there are. Reads to the end, where the checksum of the archive is."""
    found = 0
    with gzip.open(archive) as unzipped:
        limited = _Limited(unzipped, str(archive))
        with tarfile.open(fileobj=limited, mode="r|") as tar:
            for entry in tar:
                path = PurePosixPath(entry.name)
                if path.is_absolute() or ".." in path.parts:
                    raise ValueError(f"{archive}: refused: the path {entry.name!r} leads out of it")
                # a sparse file unpacks to more than is read
                if not (entry.isreg() or entry.isdir()) or entry.issparse():
                    raise ValueError(f"{archive}: refused: {entry.name!r} is neither a plain file nor a directory")
                if entry.isreg() and path.name == member:
                    found += 1
                    if found == 1:
                        _write(tar, entry, target)
        while limited.read(_CHUNK):
            pass
    return found


def _write(tar: tarfile.TarFile, entry: tarfile.TarInfo, target: Path) -> None:
    source = tar.extractfile(entry)
    assert source is not None                     # a regular file has contents
    with source, target.open("xb") as file:
        while data := source.read(_CHUNK):
            file.write(data)
        file.flush()
        os.fsync(file.fileno())
