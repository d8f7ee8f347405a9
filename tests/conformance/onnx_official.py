"""The official node tests of the onnx package for the operators of qkernels.onnx_backend, and which of them are out of scope.

As a program it runs them and prints the counts: python tests/conformance/onnx_official.py
"""

import time
import warnings
from functools import cache

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test import BackendTest
from onnx.backend.test.loader import load_model_tests

from qkernels.onnx_backend import QkernelsBackend, UnsupportedError
from qkernels.onnx_backend.operators import OPERATORS

# what the error says of each test that is out of scope
UNSUPPORTED = {
    "test_dequantizelinear_e4m3fn": "float8_e4m3fn",
    "test_dequantizelinear_e4m3fn_float16": "float8_e4m3fn",
    "test_dequantizelinear_e4m3fn_zero_point": "float8_e4m3fn",
    "test_dequantizelinear_e5m2": "float8_e5m2",
    "test_dequantizelinear_float4e2m1": "float4_e2m1fn",
    "test_quantizelinear_e4m3fn": "float8_e4m3fn",
    "test_quantizelinear_e5m2": "float8_e5m2",
    "test_quantizelinear_float4e2m1": "float4_e2m1fn",
    "test_dynamicquantizelinear_expanded": "operator Constant",
    "test_dynamicquantizelinear_max_adjusted_expanded": "operator Constant",
    "test_dynamicquantizelinear_min_adjusted_expanded": "operator Constant",
}


class StrictBackend(QkernelsBackend):
    """onnx's runner passes a test whose backend says that it is not meant for it; here that is a failure."""

    @classmethod
    def prepare(cls, model, device="CPU", **kwargs):
        try:
            prepared = QkernelsBackend.prepare(model, device, **kwargs)
        except UnsupportedError as error:
            raise AssertionError(str(error)) from error

        class Strict:
            def run(self, inputs):
                try:
                    return prepared.run(inputs)
                except UnsupportedError as error:
                    raise AssertionError(str(error)) from error
        return Strict()


def operators(case):
    """Names of the operators that a case is made of."""
    return {node.op_type for node in case.model.graph.node}


@cache
def official_cases():
    """name -> case, of every node test in which an operator of the table has part."""
    known = {name for _, name in OPERATORS}
    with warnings.catch_warnings():               # making cases of other operators overflows
        warnings.simplefilter("ignore")
        return {case.name: case for case in load_model_tests(kind="node") if operators(case) & known}


@cache
def runner_items():
    """name -> function of onnx's own runner, of the cases in scope."""
    names = official_cases().keys() - UNSUPPORTED.keys()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        runner = BackendTest(StrictBackend, __name__)
    for name in names:
        runner.include(f"^{name}_cpu$")
    tests = runner.test_cases["OnnxBackendNodeModelTest"]
    return {name: getattr(tests(f"{name}_cpu"), f"{name}_cpu") for name in names}


def arrays(values):
    """Arrays of a case, which holds some of them as TensorProto."""
    return [numpy_helper.to_array(v) if isinstance(v, onnx.TensorProto) else np.asarray(v) for v in values]


def reason(name):
    """Why a case is out of scope, for a reader."""
    known = {op for _, op in OPERATORS}
    others = sorted(operators(official_cases()[name]) - known)
    return f"made of {', '.join(others)}" if others else f"element type {UNSUPPORTED[name]}"


def table():
    """What is out of scope, as the documentation has it."""
    lines = ["| test | why |", "| --- | --- |", *(f"| `{name}` | {reason(name)} |" for name in sorted(UNSUPPORTED))]
    return "\n".join(lines)


def main():
    """Runs the cases in scope and prints each operator's counts."""
    began = time.monotonic()
    for name, run in sorted(runner_items().items()):
        run()
        print(f"passed       {name}")
    for name in sorted(UNSUPPORTED):
        print(f"unsupported  {name}: {reason(name)}")
    print(f"onnx {onnx.__version__}: {len(official_cases())} official node tests, {len(runner_items())} passed, "
          f"{len(UNSUPPORTED)} unsupported, {time.monotonic() - began:.1f} s")


if __name__ == "__main__":
    main()
