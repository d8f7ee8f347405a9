"""onnx's official node tests: all pass but those that are named as out of scope."""

from pathlib import Path

import numpy as np
import onnx_official
import pytest
from onnx_official import UNSUPPORTED, arrays, official_cases, operators

from qkernels.onnx_backend import QkernelsBackend, UnsupportedError
from qkernels.onnx_backend.operators import OPERATORS

IN_SCOPE = sorted(official_cases().keys() - UNSUPPORTED.keys())


def test_nothing_is_left_out():
    """Each official test of these operators is run or named, no name is stale, and no operator is without tests in scope."""
    assert UNSUPPORTED.keys() <= official_cases().keys()
    assert onnx_official.runner_items().keys() | UNSUPPORTED.keys() == official_cases().keys()
    assert set.union(*(operators(official_cases()[name]) for name in IN_SCOPE)) == {name for _, name in OPERATORS}


@pytest.mark.parametrize("name", IN_SCOPE)
def test_onnx_runner(name):
    """By the runner of the onnx package."""
    onnx_official.runner_items()[name]()


@pytest.mark.parametrize("name", IN_SCOPE)
def test_same_bytes(isa, name):
    """On every instruction set, without the runner's tolerance, types and shapes included."""
    case = official_cases()[name]
    prepared = QkernelsBackend.prepare(case.model)
    for inputs, expected in case.data_sets:
        found = prepared.run(arrays(inputs))
        assert len(found) == len(expected)
        for got, want in zip(found, arrays(expected)):
            np.testing.assert_array_equal(got, want, strict=True)


@pytest.mark.parametrize("name", sorted(UNSUPPORTED))
def test_out_of_scope(name):
    """They are refused, and for the reason that is given."""
    case = official_cases()[name]
    with pytest.raises(UnsupportedError, match=UNSUPPORTED[name]):
        QkernelsBackend.prepare(case.model).run(arrays(case.data_sets[0][0]))


def test_documentation_has_the_same_list():
    text = (Path(__file__).parents[2] / "docs" / "testing" / "onnx.md").read_text()
    assert onnx_official.table() in text
