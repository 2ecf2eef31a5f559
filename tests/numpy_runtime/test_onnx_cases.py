"""ONNX's own single-operator cases, through the whole plan: read, fold, write, run."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx.backend.test.loader import load_model_tests

from converter.errors import UnsupportedOpError
from converter.graph import WORKING_OPSET
from converter.numpy_runtime import KERNELS, plan

EXCLUDED = {
    # PyTorch and ONNX Runtime (which excludes them too) take the output's extent after rounding it down
    "resize_downsample_scales_linear_align_corners": "the reference takes the output's extent before rounding it down",
    "resize_downsample_scales_cubic_align_corners": "the reference takes the output's extent before rounding it down",
    # cases of other opsets whose forms differ
    "dropout_random_old": "ratio was an attribute before opset 12",
    "spacetodepth_dcr_mode_example": "attribute mode came after opset 20",
    "spacetodepth_crd_mode_example": "attribute mode came after opset 20",
}


@cache
def cases() -> dict[str, Any]:
    """The cases whose operators we have, whose values are tensors and whose element types NumPy has."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # from computing infinities on purpose
        found = load_model_tests(kind="node")
    return {
        case.name.removeprefix("test_"): case
        for case in found
        if {node.op_type for node in case.model.graph.node} <= {*KERNELS, "Constant"}
        and all(
            isinstance(a, np.ndarray) and a.dtype.kind in "fiubc" for d in case.data_sets for side in d for a in side
        )
        and not any(word in case.name for word in ("bfloat16", "bf16"))
    }


def reads_axes_as_attribute(model: onnx.ModelProto) -> bool:
    """The expanded forms of some functions are written in opsets below 18."""
    axes = {a.name for node in model.graph.node for a in node.attribute if node.op_type.startswith("Reduce")}
    return "axes" in axes


@pytest.mark.parametrize("letter", "abcdefghijklmnopqrstuvwxyz")
def test_node_cases(letter: str) -> None:
    """One test a letter: 1,100 small tests would spend most of their time in pytest."""
    failures = []
    for name, case in cases().items():
        if name[0] != letter or name in EXCLUDED or reads_axes_as_attribute(case.model):
            continue
        try:
            check(case)
        except (AssertionError, ValueError, TypeError, IndexError, KeyError, UnsupportedOpError) as error:
            failures.append(f"{name}: {type(error).__name__}: {str(error)[:300]}")
    assert failures == []


def check(case: Any) -> None:
    proto = onnx.ModelProto.FromString(case.model.SerializeToString())
    for opset in proto.opset_import:
        if opset.domain == "":
            opset.version = WORKING_OPSET
    program = plan(ir.from_proto(proto))
    runnable = program.load()
    for feeds, wanted in case.data_sets:
        got = runnable.run({info.name: array for info, array in zip(program.inputs, feeds, strict=True)})
        for array, want in zip(got.values(), wanted, strict=True):
            assert (array.dtype, array.shape) == (want.dtype, want.shape)
            np.testing.assert_allclose(array, want, rtol=1e-3, atol=1e-5)


def test_how_many_are_covered() -> None:
    """Of ONNX 1.23's 1,884 cases. Fewer than before means that an operator was lost."""
    covered = [n for n, c in cases().items() if n not in EXCLUDED and not reads_axes_as_attribute(c.model)]
    assert len(covered) >= 1000
