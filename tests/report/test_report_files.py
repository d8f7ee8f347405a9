"""JSON, CSV, schema, and writing the files."""

from __future__ import annotations

import csv
import io
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from qkernels.report import schema
from qkernels.report.csv_writer import HEADER, render_csv
from qkernels.report.json_writer import parse_json, render_json
from qkernels.report.record import SCHEMA, Report
from qkernels.report.write import read_report, write_atomically, write_report

FILES = {"report.html", "report.md", "report.csv", "report.json"}


def test_json_gives_the_same_report_back(report: Report) -> None:
    assert parse_json(render_json(report)) == report


@pytest.mark.parametrize("text, named", [
    ("{}", "schema: expected 'qkernels-report/1', got None"),
    ('{"schema": "qkernels-report/2"}', "got 'qkernels-report/2'"),
    ("[]", "schema"),
    ('{"schema": "qkernels-report/1"}', "report.created: missing"),
    ("{", "Expecting property name"),
])
def test_json_that_is_no_report_is_named(text: str, named: str, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(text)
    with pytest.raises(ValueError, match="report.json") as caught:
        read_report(tmp_path)
    assert named in str(caught.value)


def test_a_field_of_the_wrong_type_is_named(report: Report) -> None:
    data = report.to_dict()
    data["layers"][3]["macs"] = "many"
    with pytest.raises(ValueError, match=r"report\.layers\[3\]\.macs: expected int, got str"):
        parse_json(json.dumps(data))


def test_a_file_that_is_no_utf8_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(b"\xff\xfe")
    with pytest.raises(ValueError, match="x.json"):
        read_report(tmp_path / "x.json")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_cannot_hold_is_named(report: Report, value: float) -> None:
    layers = list(report.layers)
    layers[2] = replace(layers[2], sqnr_db=value)
    with pytest.raises(ValueError, match=r"report\.layers\[2\]\.sqnr_db"):
        render_json(replace(report, layers=tuple(layers)))


def test_csv_has_a_row_a_layer_and_exact_numbers(report: Report) -> None:
    rows = list(csv.DictReader(io.StringIO(render_csv(report))))
    assert len(rows) == len(report.layers)
    assert tuple(rows[0]) == HEADER
    for row, layer in zip(rows, report.layers, strict=True):
        assert int(row["work_macs"]) == layer.macs
        if layer.qkernels_us:
            assert float(row["qkernels_median_us"]) == layer.qkernels_us.median
        else:
            assert row["qkernels_median_us"] == row["qkernels_low_us"] == ""
    assert rows[0]["openvino_median_us"] == rows[0]["speedup_ratio"] == rows[0]["difference_shown"] == ""
    assert rows[8]["openvino_counter_us"] == "7.5"
    assert rows[2]["saturated_sums_count"] == "7251" and rows[2]["saturating_weights_percent"] == "2.34375"
    assert rows[1]["saturated_sums_count"] == rows[1]["saturated_percent"] == ""


def test_csv_names_are_no_formulas(report: Report) -> None:
    names = [row["name"] for row in csv.DictReader(io.StringIO(render_csv(report)))]
    assert names[7].startswith("'=cmd")
    assert not any(name.startswith(("=", "+", "-", "@")) for name in names)
    assert all("\n" not in name and "\x1b" not in name for name in names)


def test_written_files_are_all_there_and_read_back(report: Report, tmp_path: Path) -> None:
    target = tmp_path / "new" / "place"
    paths = write_report(report, target)
    assert set(paths) == FILES == {path.name for path in target.iterdir()}
    assert read_report(target) == report == read_report(paths["report.json"])
    write_report(replace(report, created="later"), target)
    assert read_report(target).created == "later"
    assert FILES == {path.name for path in target.iterdir()}


def test_a_directory_that_cannot_be_written_raises(report: Report, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    with pytest.raises(OSError):
        write_report(report, tmp_path / "file" / "below")
    with pytest.raises(OSError):
        write_report(report, tmp_path / "file")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_without_write_permission_raises(report: Report, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(PermissionError):
            write_report(report, tmp_path)
    finally:
        tmp_path.chmod(0o700)
    assert not list(tmp_path.iterdir())


def test_a_failing_write_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_text("old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_atomically(tmp_path, {"a": "new", "b": "new"})
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert (tmp_path / "a").read_text() == "old"


def test_a_figure_that_is_not_finite_writes_nothing(report: Report, tmp_path: Path) -> None:
    bad = replace(report, totals=replace(report.totals, unattributed_us=float("nan")))
    with pytest.raises(ValueError, match="unattributed_us"):
        write_report(bad, tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_schema_file_is_that_of_the_records() -> None:
    assert schema.SCHEMA_FILE.read_text("utf-8") == schema.schema_text()


def test_the_schema_names_every_field_of_a_report(report: Report) -> None:
    found = schema.json_schema()
    assert found["properties"]["schema"] == {"const": SCHEMA}
    data = report.to_dict()
    assert set(data) == set(found["properties"])
    assert set(data["layers"][0]) == set(found["$defs"]["Layer"]["properties"])
    assert "speedup" not in found["$defs"]["Layer"]["required"]


def test_a_report_fits_the_schema(report: Report) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    checker = jsonschema.Draft202012Validator(schema.json_schema())
    checker.check_schema(schema.json_schema())
    data = json.loads(render_json(report))
    checker.validate(data)
    data["layers"][0]["macs"] = "many"
    assert not checker.is_valid(data)
