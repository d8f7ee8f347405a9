"""The committed figures of quantization: that they keep what the docs say, and that the docs hold them."""

import json
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOUND = json.loads((ROOT / "results" / "quantization.json").read_text())


def rows():
    return {(row["quantizer"], row["engine"]): row for row in FOUND["rows"]}


def test_the_default_is_nearer_to_float_than_nncfs_default():
    for engine in ("qkernels", "OpenVINO INT8"):
        ours = rows()["qkernels", engine]
        assert ours["agreement_over_nncf"]["low"] >= 0.005
        assert ours["divergence_ratio"]["high"] <= 0.7


def test_the_docs_hold_the_committed_figures():
    for path in (ROOT / "README.md", ROOT / "docs" / "quantize_model.md"):
        text = path.read_text(encoding="utf-8")
        for row in FOUND["rows"]:
            assert f"{row['agreement']['value']:.1%} [{row['agreement']['low']:.1%}, {row['agreement']['high']:.1%}]" in text
            assert f"{row['divergence']['value']:.4f}" in text
