"""A file over HTTP, in parts where the connection breaks.

What has come lies in `part`; beside it `part`.json says of which version of the file it is (URL, ETag or Last-Modified). Only a
part of a version that the server can name is continued (RFC 9110, Range and If-Range); any other is begun anew.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

LIMIT = 512 * 2**20
"""Bytes: far more than any of the archives has."""

_ATTEMPTS = 4                                     # without a byte of progress
_BUSY = (408, 429, 500, 502, 503, 504)
_OK, _PARTIAL, _UNSATISFIABLE = 200, 206, 416
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")

Progress = Callable[[int, int | None], None]
"""Bytes so far and in all, None where the server does not say."""


class _Again(Exception):
    """The part is of no use: from the start."""


def download(url: str, part: Path, *, progress: Progress = lambda done, total: None, timeout: float = 30.0,
             pause: float = 1.0) -> None:
    """`url` into the file `part`, continuing what is there.

    timeout  seconds until a connection is made, and without a byte from it
    pause    seconds before the second attempt, twice as many before each further one
    Proxies and certificates are those of the environment. Raises ConnectionError where the server cannot be reached or breaks
    off again and again (`part` then keeps what came), OSError where it answers with anything but the file, or with one of more
    than `LIMIT` bytes.
    """
    failed = 0
    with httpx.Client(timeout=timeout, headers={"Accept-Encoding": "identity"}) as client:
        while True:
            before = _size(part)
            try:
                return _attempt(client, url, part, progress)
            except _Again:
                remove(part)
                failed += 1
                reason = "the server's file and the part that was here do not fit together"
            except httpx.HTTPStatusError as error:
                if error.response.status_code not in _BUSY:
                    raise OSError(f"{url}: the server answered {_status(error.response)}") from error
                failed += 1
                reason = f"the server answered {_status(error.response)}"
            except httpx.TransportError as error:
                failed = failed + 1 if _size(part) <= before else 1
                reason = f"{type(error).__name__}: {error}"
            if failed >= _ATTEMPTS:
                raise ConnectionError(f"{url}: {reason}, {_ATTEMPTS} times")
            time.sleep(pause * 2 ** (failed - 1))


def _attempt(client: httpx.Client, url: str, part: Path, progress: Progress) -> None:
    start, validator = _known(part, url)
    headers = {"Range": f"bytes={start}-", "If-Range": validator} if start else {}
    with client.stream("GET", url, headers=headers) as response:
        if response.status_code == _UNSATISFIABLE and start:
            raise _Again
        if response.status_code == _PARTIAL and start:
            total = _continued(response, start, validator)
        elif response.status_code == _OK:
            start, total = 0, _length(response)
            remove(part)
            _remember(part, url, response)
        else:
            raise httpx.HTTPStatusError("", request=response.request, response=response)
        if max(total or 0, start) > LIMIT:
            raise OSError(f"{url}: {total} bytes, expected at most {LIMIT}")
        done = start
        with part.open("ab") as file:
            progress(done, total)
            for chunk in response.iter_raw():
                done += len(chunk)
                if done > LIMIT:
                    raise OSError(f"{url}: more than {LIMIT} bytes")
                file.write(chunk)
                progress(done, total)
    if total is not None and done != total:
        raise _Again


def _continued(response: httpx.Response, start: int, validator: str) -> int:
    """The whole file's size, of an answer that continues the same version at `start`."""
    found = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if found is None or int(found[1]) != start or int(found[2]) + 1 != int(found[3]) \
            or _validator(response) not in (validator, None):
        raise _Again
    return int(found[3])


def _length(response: httpx.Response) -> int | None:
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isascii() and length.isdigit() else None


def _validator(response: httpx.Response) -> str | None:
    """A strong ETag, else the time of the last change."""
    tag = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else response.headers.get("Last-Modified")


def _notes(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _remember(part: Path, url: str, response: httpx.Response) -> None:
    validator = _validator(response)
    if validator is not None:
        _notes(part).write_text(json.dumps({"url": url, "validator": validator}), encoding="utf-8")


def _known(part: Path, url: str) -> tuple[int, str]:
    """Bytes of the part and the version that they are of; 0 where that is not known."""
    try:
        notes: Any = json.loads(_notes(part).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):       # none, or cut short with the part
        return 0, ""
    if not isinstance(notes, dict) or notes.get("url") != url or not isinstance(notes.get("validator"), str):
        return 0, ""
    return _size(part), notes["validator"]


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def remove(part: Path) -> None:
    """The part, and what is known of it."""
    part.unlink(missing_ok=True)
    _notes(part).unlink(missing_ok=True)


def _status(response: httpx.Response) -> str:
    return f"{response.status_code} {response.reason_phrase}".strip()
