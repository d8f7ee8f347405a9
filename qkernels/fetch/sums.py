"""SHA-256 of what was fetched, in a file as `sha256sum` writes it."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

_LINE = re.compile(r"([0-9a-f]{64})  (\S+)")


def sha256(path: Path) -> str:
    """In hexadecimal."""
    with path.open("rb") as file:
        found = hashlib.sha256()
        while data := file.read(2**20):
            found.update(data)
    return found.hexdigest()


def read_sums(path: Path) -> dict[str, str]:
    """By file name; empty where there is no such file. ValueError for one with another content."""
    if not path.exists():
        return {}
    matches = [_LINE.fullmatch(line) for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    if not matches or None in matches:
        raise ValueError(f"{path}: expected lines of a SHA-256, two spaces and a file name, as sha256sum writes them")
    return {match[2]: match[1] for match in matches if match}


def write_sums(path: Path, sums: Mapping[str, str]) -> None:
    """Whole or not at all."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    try:
        temporary.write_text("".join(f"{value}  {name}\n" for name, value in sums.items()), encoding="utf-8")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
