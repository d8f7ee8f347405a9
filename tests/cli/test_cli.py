"""The command line as a user meets it: what it prints, what it leaves, its exit status."""

import json
import subprocess
import sys

from qkernels.models import sample_images
from qkernels.report.write import read_report


def qkernels(*arguments):
    return subprocess.run([sys.executable, "-m", "qkernels", *map(str, arguments)], capture_output=True, text=True,
                          check=False)


def test_report_writes_its_files_and_prints_every_layer(tmp_path):
    done = qkernels("report", "--repeats", 2, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""                      # no progress bar in a pipe
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"report.html", "report.md", "report.csv", "report.json"}
    for layer in read_report(tmp_path / "out").layers:
        assert layer.name[:8] in done.stdout


def test_run_names_five_classes():
    done = qkernels("run", "embedded", next(sample_images().iterdir()))
    assert done.returncode == 0 and "bow tie" in done.stdout and done.stdout.count("%") == 5


def test_info_json():
    found = json.loads(qkernels("info", "--json").stdout)
    assert found["isa"] in found["supported"] and found["peak_gmacs"] > 0


def test_usage_errors_are_2():
    for arguments in (["report", "--threads", "0"], ["report", "--isa", "nope"], ["run"], ["unknown"]):
        assert qkernels(*arguments).returncode == 2, arguments


def test_failures_are_1_and_one_line(tmp_path):
    no_model = tmp_path / "model.xml"
    no_model.write_text("nothing")
    for arguments, said in ((["report", tmp_path / "absent.xml"], "absent.xml"), (["report", no_model], "model.xml"),
                            (["run", "embedded", tmp_path / "absent.jpg"], "absent.jpg")):
        done = qkernels(*arguments)
        assert done.returncode == 1 and said in done.stderr and "Traceback" not in done.stderr, done.stderr
