"""A model's files, whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from qkernels.graph.import_openvino import openvino_module, openvino_reason

if TYPE_CHECKING:
    import openvino


def save(model: openvino.Model, path: Path) -> None:
    """OpenVINO IR: `path`, which ends in .xml, and its .bin beside it. What was there before stays until both are whole.

    Raises OSError, which names the file, where one cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    bin_path = path.with_suffix(".bin")
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(6)}.xml")
    parts = {temporary.with_suffix(".bin"): bin_path, temporary: path}
    try:
        for part in parts:
            part.touch(exist_ok=False)            # OpenVINO's own error would be none of the operating system's
        what = f"{path} and {bin_path.name} could not be written whole"
        try:
            # scales and biases stay float32: in float16 they would be other numbers
            openvino_module().save_model(model, temporary, compress_to_fp16=False)
        except RuntimeError as error:
            raise OSError(f"{what}: {openvino_reason(error)}") from error
        if not _is_whole(temporary):
            raise OSError(what)
        for part, final in parts.items():
            _to_disk(part)
            os.replace(part, final)
    finally:
        for part in parts:
            part.unlink(missing_ok=True)


def _is_whole(path: Path) -> bool:
    """Whether the description ends and the weights that it names are there: not every full disk makes OpenVINO say so."""
    try:
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError:
        return False
    ends = [int(data.get("offset", 0)) + int(data.get("size", 0)) for data in root.iterfind(".//layer[@type='Const']/data")]
    return path.with_suffix(".bin").stat().st_size >= max(ends, default=0)


def _to_disk(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
