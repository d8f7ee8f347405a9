"""The fuzz targets: each replays its committed corpus and goes on from it for a share of FUZZ_SECONDS (default 10)."""

import os
import re

import campaign
import pytest

SECONDS = int(os.environ.get("FUZZ_SECONDS", "10"))
HEADER = campaign.ROOT / "src_c" / "qkernels.h"


@pytest.fixture(scope="module")
def native_commands(tmp_path_factory):
    """The native targets, compiled once."""
    try:
        return campaign.build(tmp_path_factory.mktemp("fuzz"), campaign.NATIVE_TARGETS)
    except campaign.UnavailableError as error:
        pytest.skip(f"native fuzz targets: {error}")


def run(command, target, tmp_path, capsys):
    outcome = campaign.fuzz(command, target, SECONDS, tmp_path)
    with capsys.disabled():
        print(f"\n{outcome}", end=" ")
    assert outcome.finding is None, outcome.finding
    assert outcome.executions >= outcome.replayed > 0


@pytest.mark.parametrize("target", campaign.NATIVE_TARGETS)
def test_native_target(target, native_commands, tmp_path, capsys):
    run(native_commands[target], target, tmp_path, capsys)


def test_importer(tmp_path, capsys):
    try:
        commands = campaign.build(tmp_path, [campaign.GRAPH_TARGET])
    except campaign.UnavailableError as error:
        pytest.skip(f"fuzz target of the importer: {error}")
    run(commands[campaign.GRAPH_TARGET], campaign.GRAPH_TARGET, tmp_path, capsys)


def test_every_public_function_is_called_by_a_target():
    declared = set(re.findall(r"\b(qk_\w+)\(", re.sub(r"/\*.*?\*/", "", HEADER.read_text(), flags=re.S)))
    assert "qk_plan_run_op" in declared and len(declared) > 30
    targets = "".join((campaign.HERE / f"{target}_fuzzer.c").read_text() for target in campaign.NATIVE_TARGETS)
    helpers = (campaign.HERE / "reader.h").read_text()
    assert declared - set(re.findall(r"\b(qk_\w+)\(", targets + helpers)) == set()


def test_corpus_is_small():
    files = [path for target in campaign.TARGETS for path in (campaign.CORPUS / target).iterdir()]
    assert {path.parent.name for path in files} == set(campaign.TARGETS)
    assert max(path.stat().st_size for path in files) < 4096
    assert sum(path.stat().st_size for path in files) < 200 * 1024


def test_a_finding_is_reported(tmp_path):
    """A target that fails does not pass for one that has found nothing."""
    failing = tmp_path / "failing"
    failing.write_text("#!/bin/sh\necho '#7\tDONE' >&2\necho 'Done 7 runs in 3 second(s)' >&2\nexit 77\n")
    failing.chmod(0o755)
    outcome = campaign.fuzz([str(failing)], "softmax", 0, tmp_path)
    assert outcome.finding is not None and (outcome.executions, outcome.seconds) == (7, 3)
    assert "FOUND" in str(outcome)
