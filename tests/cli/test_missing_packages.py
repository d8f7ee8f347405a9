"""Without an optional package: one line that says what to install, from every command and function that needs it."""

import subprocess
import sys

import pytest

from qkernels.models import embedded_model_path, sample_images

BLOCKED = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {packages!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Blocker())
"""
NEEDS = {
    "report": ("PIL", "bokeh", "click", "jinja2", "markupsafe", "openvino", "rich", "scipy"),
    "run": ("PIL", "click", "openvino"),
    "bench": ("PIL", "bokeh", "click", "jinja2", "markupsafe", "openvino", "rich", "scipy"),
    "info": ("click",),
}
ARGUMENTS = {
    "report": ("report", "--repeats", "2"),
    "run": ("run", "embedded", str(next(sample_images().iterdir()))),
    "bench": ("bench", "pool", "--repeats", "2", "--cache", "warm"),
    "info": ("info",),
}
NAMES = {"PIL": "pillow"}
PACKAGES = sorted({package for packages in NEEDS.values() for package in packages})


MAIN = "from qkernels.__main__ import main\nmain()"


def python_without(packages, code, *arguments, cwd):
    return subprocess.run([sys.executable, "-c", BLOCKED.format(packages=packages) + code, *arguments], capture_output=True,
                          text=True, cwd=cwd)


@pytest.mark.parametrize("command, package", [(command, package) for command in NEEDS for package in NEEDS[command]])
def test_command(command, package, tmp_path):
    """It says so before it measures anything, in one line."""
    done = python_without([package], MAIN, *ARGUMENTS[command], cwd=tmp_path)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr in (f"qkernels: {NAMES.get(package, package)} is not installed: pip install qkernels[report]\n",
                           "qkernels: ImportError: reading models needs OpenVINO: pip install qkernels[report]\n")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", [command for command in NEEDS if set(PACKAGES) - set(NEEDS[command])])
def test_command_needs_nothing_else(command, tmp_path):
    done = python_without(sorted(set(PACKAGES) - set(NEEDS[command])), MAIN, *ARGUMENTS[command], cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_the_array_functions_need_none(tmp_path):
    code = "import numpy as np, qkernels as qk; print(qk.matmul(np.ones((2, 3), np.uint8), np.ones((3, 4), np.int8)).sum())"
    done = python_without(PACKAGES, code, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "24\n"), done.stderr


@pytest.mark.parametrize("package, code", [
    ("openvino", f"import qkernels; qkernels.load_model({str(embedded_model_path())!r})"),
    ("PIL", "import numpy as np; from qkernels.models import preprocess; preprocess(np.zeros((9, 9, 3), np.uint8))"),
])
def test_function(package, code, tmp_path):
    done = python_without([package], code, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("ImportError: ") and "pip install qkernels[report]" in done.stderr


def test_a_package_of_no_extra_is_named(tmp_path):
    code = "import sys\nsys.modules['json'] = None\nfrom qkernels.__main__ import main\nmain()"
    done = python_without([], code, "info", cwd=tmp_path)
    assert done.returncode == 1 and "json" in done.stderr and len(done.stderr.splitlines()) == 1, done.stderr
