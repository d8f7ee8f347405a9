"""Without an optional package: one line that says what to install, from every command and function that needs it."""

import subprocess
import sys

import pytest
from bad_input.quantization import IMAGE, float_model

from qkernels import quantize_model
from qkernels.models import embedded_model_path, sample_images
from qkernels.quantization.save import save

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
    "quantize": ("PIL", "click", "openvino", "rich", "scipy"),
    "accuracy": ("PIL", "bokeh", "click", "jinja2", "markupsafe", "openvino", "rich", "scipy"),
    "sensitivity": ("PIL", "click", "openvino", "rich", "scipy"),
}
ARGUMENTS = {
    "report": ("report", "--repeats", "2"),
    "run": ("run", "embedded", str(next(sample_images().iterdir()))),
    "bench": ("bench", "pool", "--repeats", "2", "--cache", "warm"),
    "info": ("info",),
    "quantize": ("quantize", "{files}/float.xml", "--images", "{files}/images", "--out", "q.xml", "--no-bias-correction"),
    "accuracy": ("accuracy", "{files}/float.xml", "{files}/q.xml", "--images", "{files}/images", "--labels",
                 "{files}/labels.csv"),
    "sensitivity": ("sensitivity", "{files}/float.xml", "{files}/q.xml", "--images", "{files}/images"),
}
NAMES = {"PIL": "pillow"}
PACKAGES = sorted({package for packages in NEEDS.values() for package in packages})

QUANTIZE = "import qkernels; qkernels.quantize_model('model.xml', [])"
MAIN = "from qkernels.__main__ import main\nmain()"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A float model, the same quantized, an image and its label."""
    found = tmp_path_factory.mktemp("files")
    (found / "images").mkdir()
    (found / "images" / "a.jpg").write_bytes(next(sample_images().iterdir()).read_bytes())
    (found / "labels.csv").write_text("a.jpg,1\n")
    save(float_model(), found / "float.xml")
    save(quantize_model(float_model(), [IMAGE]), found / "q.xml")
    return found


def python_without(packages, code, *arguments, cwd):
    return subprocess.run([sys.executable, "-c", BLOCKED.format(packages=packages) + code, *arguments], capture_output=True,
                          text=True, cwd=cwd)


@pytest.mark.parametrize("command, package", [(command, package) for command in NEEDS for package in NEEDS[command]])
def test_command(command, package, files, tmp_path):
    """It says so before it measures anything, in one line."""
    done = python_without([package], MAIN, *(argument.format(files=files) for argument in ARGUMENTS[command]), cwd=tmp_path)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr in (f"qkernels: {NAMES.get(package, package)} is not installed: pip install qkernels[report]\n",
                           "qkernels: ImportError: reading models needs OpenVINO: pip install qkernels[report]\n",
                           "qkernels: ImportError: quantizing needs SciPy: pip install qkernels[report]\n")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", [command for command in NEEDS if set(PACKAGES) - set(NEEDS[command])])
def test_command_needs_nothing_else(command, files, tmp_path):
    done = python_without(sorted(set(PACKAGES) - set(NEEDS[command])), MAIN,
                          *(argument.format(files=files) for argument in ARGUMENTS[command]), cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_the_array_functions_need_none(tmp_path):
    code = "import numpy as np, qkernels as qk; print(qk.matmul(np.ones((2, 3), np.uint8), np.ones((3, 4), np.int8)).sum())"
    done = python_without(PACKAGES, code, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "24\n"), done.stderr


@pytest.mark.parametrize("package, code", [
    ("openvino", f"import qkernels; qkernels.load_model({str(embedded_model_path())!r})"),
    ("openvino", QUANTIZE), ("scipy", QUANTIZE),
    ("scipy", "import numpy as np, qkernels; qkernels.calibrate(np.ones(3, np.float32))"),
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
