"""ONNX's own single-operator cases, through the whole plan, in the opset that they are written in: read, fold, write, run."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx_ir as ir
import pytest

from converter.errors import UnsupportedOpError
from converter.numpy_runtime import plan
from tests.numpy_runtime.onnx_cases import LEFT_OUT, cases

PARTS = 16
ERRORS = (AssertionError, ValueError, TypeError, IndexError, KeyError, AttributeError, UnsupportedOpError)


@pytest.mark.parametrize("part", range(PARTS))
def test_node_cases(part: int) -> None:
    """All but those left out pass, and those fail as it is said. One test a part: 1,619 would be mostly pytest's time."""
    left_out = {name: error for (_, error), names in LEFT_OUT.items() for name in names}
    surprises = []
    for name, case in sorted(cases().items())[part::PARTS]:
        error = failure(case)
        if type(error) is not left_out.get(name, type(None)):
            surprises.append(f"{name}: {type(error).__name__}: {str(error)[:300]}")
    assert surprises == []


def failure(case: Any) -> Exception | None:
    """What the case ends in, None when it passes."""
    try:
        check(case)
    except ERRORS as error:
        return error
    return None


def check(case: Any) -> None:
    program = plan(ir.from_proto(case.model))
    runnable = program.load()
    for feeds, wanted in case.data_sets:
        named = {info.name: np.asarray(array) for info, array in zip(program.inputs, feeds, strict=True)}
        got = runnable.run(named)
        for array, want in zip(got.values(), wanted, strict=True):
            assert (array.dtype, array.shape) == (want.dtype, want.shape)
            np.testing.assert_allclose(array, want, rtol=1e-3, atol=1e-5)


def test_how_many_there_are() -> None:
    """Of ONNX 1.23's 1,884 cases 1,619 have plain tensors."""
    left_out = [name for names in LEFT_OUT.values() for name in names]
    assert len(cases()) == 1619
    assert len(left_out) == len(set(left_out)) == 51
    assert set(left_out) <= cases().keys()
