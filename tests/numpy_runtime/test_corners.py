"""Corners of kernels that drawn shapes seldom reach: negative indices, ties, integer types, implicit forms."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.numpy_runtime.judge import agree, normal

RNG = np.random.default_rng(0)
F = np.float32
INTEGERS = [np.int8, np.uint8, np.int32, np.int64]

CORNERS: list[tuple[str, list[Any], dict[str, Any], int]] = [
    ("ScatterND", [normal(RNG, (4, 5)), np.array([[-1, 0], [1, -2]]), normal(RNG, (2,))], {}, 1),
    ("ScatterElements", [normal(RNG, (4, 5)), np.array([[-1, 0], [1, -2]]), normal(RNG, (2, 2))], {"axis": -1}, 1),
    ("GatherND", [normal(RNG, (4, 5)), np.array([[-1, 0], [1, -2]])], {}, 1),
    ("OneHot", [np.array([0, -1, 3, 9]), np.array(4), np.array([0, 1], F)], {"axis": 0}, 1),
    ("Round", [np.array([0.5, 1.5, 2.5, -0.5, -1.5], F)], {}, 1),
    ("Mod", [np.array([-7, 7, -7, 7]), np.array([2, -2, -2, 2])], {}, 1),
    ("Mod", [np.array([-7, 7, -7, 7]), np.array([2, -2, -2, 2])], {"fmod": 1}, 1),
    ("Mod", [np.array([-7.5, 7.5], F), np.array([2, -2], F)], {"fmod": 1}, 1),
    ("Div", [np.array([-7, 7, -7, 7]), np.array([2, -2, -2, 2])], {}, 1),
    ("Range", [np.array(3, np.int32), np.array(-9, np.int32), np.array(-4, np.int32)], {}, 1),
    ("Range", [np.array(0, F), np.array(1, F), np.array(0.1, F)], {}, 1),
    ("Cast", [np.array([-1.7, 2.7, 300, 1e9], F)], {"to": 7}, 1),
    ("Cast", [np.array([0, 0.5, -3], F)], {"to": 9}, 1),
    ("Cast", [np.array([1, 0, 300])], {"to": 2}, 1),
    ("Dropout", [normal(RNG, (5,)), np.array(0.5, F), np.array(False)], {}, 2),
    ("ReverseSequence", [normal(RNG, (4, 3, 2)), np.array([1, 4, 2])], {}, 1),
    ("CenterCropPad", [normal(RNG, (5, 8, 3)), np.array([8, 5])], {"axes": [0, 1]}, 1),
    ("LpPool", [normal(RNG, (1, 2, 9))], {"kernel_shape": [2], "dilations": [2], "strides": [2]}, 1),
    ("IsInf", [np.array([np.inf, -np.inf, 1, np.nan], F)], {"detect_negative": 0}, 1),
    ("NonMaxSuppression", [RNG.random((1, 9, 4)).astype(F), RNG.random((1, 1, 9)).astype(F)], {}, 1),
    *(("Einsum", [normal(RNG, s) for s in shapes], {"equation": equation}, 1) for equation, shapes in (
        ("...ij,...jk->...ik", [(2, 3, 4), (2, 4, 5)]), ("ij,jk", [(3, 4), (4, 5)]), ("ii->i", [(3, 3)]),
        ("bij,bjk,bkl->bil", [(2, 3, 4), (2, 4, 5), (2, 5, 2)]), ("b i , j -> b i j", [(2, 3), (4,)]),
        ("bhqd,bhkd->bhqk", [(2, 2, 3, 4), (2, 2, 5, 4)]), ("i,j->ij", [(3,), (4,)]))),
    *(("ArgMax", [RNG.integers(0, 3, (4, 6)).astype(F)], {"axis": 1, "select_last_index": last}, 1) for last in (0, 1)),
    *(("Unique", [RNG.integers(0, 3, (4, 5)).astype(F)], {"sorted": kept, **axis}, 4)
      for kept in (0, 1) for axis in ({}, {"axis": 0}, {"axis": -1})),
    *(("TopK", [RNG.integers(0, 5, (3, 6)).astype(dtype), np.array([2])], {"largest": largest, "axis": 0}, 2)
      for dtype in (np.int32, np.int64, np.float64) for largest in (0, 1)),
    *(("Clip", [RNG.integers(0, 100, 5).astype(dtype), np.array(10, dtype), np.array(50, dtype)], {}, 1) for dtype in INTEGERS),
    *((op, [RNG.integers(1, 100, 5).astype(dtype), RNG.integers(1, 9, 5).astype(dtype)], {}, 1)
      for dtype in INTEGERS for op in ("Add", "Sub", "Mul", "Div", "Mod", "Max", "Min")),
    *(("BitShift", [np.array([1, 200, 7], dtype), np.array([1, 2, 3], dtype)], {"direction": direction}, 1)
      for dtype in (np.uint8, np.uint32) for direction in ("LEFT", "RIGHT")),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(CORNERS)))
def test_corner(number: int) -> None:
    op, arrays, attributes, outputs = CORNERS[number]
    agree(op, arrays, attributes, outputs=outputs, error=5e-6)
