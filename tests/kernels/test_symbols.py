"""Names that the native code shows to others."""

import shutil
import subprocess
from pathlib import Path

import pytest

from qkernels import _native


def symbols(*arguments):
    """(kind, name) of nm's lines that define something."""
    if shutil.which("nm") is None:
        pytest.skip("no nm")
    text = subprocess.run(["nm", *map(str, arguments)], capture_output=True, text=True, check=True).stdout
    lines = [line.split() for line in text.splitlines()]
    return [(words[1], words[2]) for words in lines if len(words) == 3]


def test_module_exports_its_entry_alone():
    found = symbols("-D", "--defined-only", Path(_native.__file__))
    assert [name for _, name in found] == ["PyInit__native"]


def test_global_names_start_with_qk(optimized):
    """Everything that is not static, in every object of src_c."""
    for path in optimized.objects:
        found = [name for kind, name in symbols(path) if kind.isupper() and kind != "U"]
        assert found, path.name
        assert [name for name in found if not name.startswith("qk_")] == [], path.name
