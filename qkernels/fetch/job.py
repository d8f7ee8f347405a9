"""A published model: from the cache, from an archive that the user put there, or from the network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock
import platformdirs

from .archives import Archive
from .download import Progress, download, remove
from .sums import read_sums, sha256, write_sums
from .unpack import unpack


@dataclass(frozen=True)
class Fetched:
    """The model's file; `recorded`: the archive's SHA-256 where none was known and this one is compared with from now on."""

    path: Path
    recorded: str | None = None


def cache_directory() -> Path:
    """Where the operating system keeps a user's caches; on Linux, XDG_CACHE_HOME sets it."""
    return platformdirs.user_cache_path("qkernels", appauthor=False) / "models"


def fetch(archive: Archive, directory: Path | None = None, *, progress: Progress = lambda done, total: None,
          **options: Any) -> Fetched:
    """The model of `archive` in `directory` (None: `cache_directory()`).

    An archive is compared with its SHA-256; where none is known, with that of the first one that came. A model in the
    directory is compared with the sum recorded when it was unpacked. `options` are those of `download`.
    Raises ConnectionError where the server cannot be reached (the message says which file to put where), OSError where it does
    not have the file, ValueError where a sum differs or the archive is refused, BlockingIOError while another process fetches
    the same one.
    """
    where = cache_directory() if directory is None else directory
    where.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(where / f".{archive.name}.lock", timeout=0):
            return _fetch(archive, where, progress, options)
    except filelock.Timeout as error:
        raise BlockingIOError(f"{archive.name}: another process fetches it into {where}") from error


def _fetch(archive: Archive, where: Path, progress: Progress, options: dict[str, Any]) -> Fetched:
    model, record = where / archive.model, where / f"{archive.name}.sha256"
    sums = read_sums(record)
    if model.exists() and archive.model in sums:
        if (found := sha256(model)) != sums[archive.model]:
            raise ValueError(f"{model}: SHA-256 {found}, expected {sums[archive.model]}; delete the file to fetch it again")
        return Fetched(model)
    given, part = where / archive.file, where / f"{archive.file}.part"
    source = given if given.exists() else part
    if source is part:
        try:
            download(archive.url, part, progress=progress, **options)
        except ConnectionError as error:
            raise ConnectionError(f"{error}; without a network, put {archive.file} of that address into {where}") from error
        except OSError:
            remove(part)                          # nothing that could be continued
            raise
    try:
        found = sha256(source)
        known = archive.sha256 or sums.get(archive.file)
        if known not in (found, None):
            why = "" if archive.sha256 else f", as at first; delete {record} to take another"
            raise ValueError(f"{source}: SHA-256 {found}, expected {known}{why}")
        unpack(source, archive.model, model)
    finally:
        remove(part)
    write_sums(record, {archive.file: found, archive.model: sha256(model)})
    return Fetched(model, None if known else found)
