"""Sequences and optionals: ONNX's own cases with lists, and a graph that ONNX Runtime runs."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np
import onnx
import pytest
from onnx.backend.test.loader import load_model_tests

from converter.numpy_runtime import KERNELS
from tests.numpy_runtime.judge import right
from tests.onnx_text import graph

OPS = {"SequenceAt", "SequenceConstruct", "SequenceEmpty", "SequenceErase", "SequenceInsert", "SequenceLength",
       "ConcatFromSequence", "SplitToSequence", "Identity", "OptionalHasElement", "OptionalGetElement"}  # fmt: skip


@cache
def cases() -> dict[str, Any]:
    """ONNX's cases of one such operator that have a list or nothing among their values, and no strings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = load_model_tests(kind="node")
    return {
        case.name.removeprefix("test_"): case
        for case in found
        if len(case.model.graph.node) == 1 and case.model.graph.node[0].op_type in OPS and _has_a_list(case)
    }


def _has_a_list(case: Any) -> bool:
    return any(value is None or isinstance(value, list) for data in case.data_sets for side in data for value in side)


def test_onnx_cases_with_lists() -> None:
    assert len(cases()) == 10
    for name, case in cases().items():
        (node,) = case.model.graph.node
        attributes = {found.name: onnx.helper.get_attribute_value(found) for found in node.attribute}
        for feeds, wanted in case.data_sets:
            check(KERNELS[node.op_type](*feeds, **attributes), wanted[0], name)


def check(got: Any, want: Any, name: str) -> None:
    if not isinstance(want, list):
        np.testing.assert_array_equal(got, want, err_msg=name)
        return
    assert isinstance(got, list), name
    assert len(got) == len(want), name
    for array, wanted in zip(got, want, strict=True):
        np.testing.assert_array_equal(array, wanted, err_msg=name)


def test_a_graph_of_sequences() -> None:
    text = """(float[7,3] x, float[2,3] z) => (float[a,3] y, float[c,3] at, int64 n, float[d,2,3] stack, float[3] row) {
        two = Constant<value_int=2>() last = Constant<value_int=-1>() lengths = Constant<value_ints=[4,3]>()
        s = SplitToSequence(x, two)
        longer = SequenceInsert(s, z, two)
        shorter = SequenceErase(longer, last)
        y = ConcatFromSequence<axis=0>(longer)
        n = SequenceLength(shorter)
        at = SequenceAt(shorter, last)
        same = SequenceConstruct(z, z)
        stack = ConcatFromSequence<axis=0, new_axis=1>(same)
        parts = SplitToSequence(x, lengths)
        rest = SequenceErase(parts)
        rows = SplitToSequence<keepdims=0>(x)
        row = SequenceAt(rows, last)
    }"""
    rng = np.random.default_rng(0)
    right(graph(text), x=rng.random((7, 3)).astype(np.float32), z=rng.random((2, 3)).astype(np.float32))


@pytest.mark.parametrize("keepdims", [0, 1])
@pytest.mark.parametrize("axis", [0, 1, -1])
def test_split_without_lengths(axis: int, keepdims: int) -> None:
    x = np.arange(24.0).reshape(2, 3, 4)
    parts = KERNELS["SplitToSequence"](x, axis=axis, keepdims=keepdims)
    wanted = [np.take(x, [n] if keepdims else n, axis) for n in range(x.shape[axis])]
    check(parts, wanted, "")


def test_optionals() -> None:
    x = np.ones(3)
    assert KERNELS["OptionalHasElement"](KERNELS["Optional"](x)).item() is True
    assert KERNELS["OptionalHasElement"](KERNELS["Optional"]()).item() is False
    assert KERNELS["OptionalGetElement"](KERNELS["Optional"]([x]))[0] is x
    with pytest.raises(ValueError, match=r"^OptionalGetElement: the optional is empty; ask OptionalHasElement first$"):
        KERNELS["OptionalGetElement"](None)


def test_sequences_are_not_changed_in_place() -> None:
    x, items = np.ones(3), [np.zeros(1), np.ones(1)]
    assert len(KERNELS["SequenceInsert"](items, x)) == 3
    assert len(KERNELS["SequenceErase"](items)) == 1
    assert len(items) == 2
