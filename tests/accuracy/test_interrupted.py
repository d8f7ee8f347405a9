"""Ctrl-C in quantize, accuracy and sensitivity: status 130, one line, and no file that was not there before."""

import signal
import sys

import pytest

openvino = pytest.importorskip("openvino")
from bad_input.quantization import IMAGE, float_model  # noqa: E402

from qkernels import quantize_model  # noqa: E402
from qkernels.cli import main  # noqa: E402
from qkernels.models import sample_images  # noqa: E402
from qkernels.quantization.save import save  # noqa: E402

JOBS = {
    "quantize": ("qkernels.quantization.quantize_model", "qkernels.quantization.save",
                 ("quantize", "{files}/float.xml", "--images", "{files}/images", "--out", "{files}/new.xml")),
    "accuracy": ("qkernels.accuracy.job.run_job", "qkernels.accuracy.job",
                 ("accuracy", "{files}/float.xml", "--images", "{files}/images", "--labels", "{files}/labels.csv", "--json",
                  "{files}/new.json")),
    "sensitivity": ("qkernels.accuracy.sensitivity.sensitivity", "qkernels.accuracy.sensitivity",
                    ("sensitivity", "{files}/float.xml", "{files}/q.xml", "--images", "{files}/images")),
}
"""What does the work, a module that the command imports, and right arguments."""


@pytest.fixture
def files(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.jpg").write_bytes(next(sample_images().iterdir()).read_bytes())
    (tmp_path / "labels.csv").write_text("a.jpg,1\n")
    save(float_model(), tmp_path / "float.xml")
    save(quantize_model(float_model(), [IMAGE]), tmp_path / "q.xml")
    return tmp_path


def check_interrupted(command, files, capsys):
    before = sorted(files.iterdir())
    with pytest.raises(SystemExit) as caught:
        main([argument.format(files=files) for argument in JOBS[command][2]])
    said = capsys.readouterr()
    assert caught.value.code == 130 and said.err.strip() == "qkernels: interrupted" and said.out == ""
    assert sorted(files.iterdir()) == before


@pytest.mark.parametrize("command", JOBS)
def test_at_work(command, files, capsys, monkeypatch):
    monkeypatch.setattr(JOBS[command][0], lambda *_, **__: signal.raise_signal(signal.SIGINT))
    check_interrupted(command, files, capsys)


@pytest.mark.parametrize("command", JOBS)
def test_lost_in_an_import(command, files, capsys, monkeypatch):
    """A package that swallows the exception does not swallow the user's wish."""
    class Swallower:
        def find_spec(self, name, path=None, target=None):
            if name == JOBS[command][1]:
                try:
                    signal.raise_signal(signal.SIGINT)
                except KeyboardInterrupt:
                    return None
    __import__(JOBS[command][1])
    monkeypatch.delitem(sys.modules, JOBS[command][1])
    monkeypatch.setattr(sys, "meta_path", [Swallower(), *sys.meta_path])
    check_interrupted(command, files, capsys)
