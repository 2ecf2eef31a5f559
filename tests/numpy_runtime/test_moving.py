"""Kernels that move, select, order or reduce elements, against ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from converter.numpy_runtime import KERNELS
from tests.numpy_runtime.judge import agree, normal, ours, shape


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


REDUCTIONS = [
    "ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum",
    "ReduceLogSumExp", "ReduceSumSquare",
]  # fmt: skip


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("op", REDUCTIONS)
def test_reduce(op: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rank = int(rng.integers(1, 6))
    x = normal(rng, shape(rng, rank))
    if op == "ReduceLogSum":
        x = np.abs(x) + np.float32(0.1)
    axes = rng.choice(rank, int(rng.integers(1, rank + 1)), replace=False) - (rank if seed % 2 else 0)
    agree(op, [x, axes.astype(np.int64)], {"keepdims": seed % 3 % 2})
    agree(op, [x], {"keepdims": 1 - seed % 3 % 2})
    agree(op, [x, ints()], {"noop_with_empty_axes": 1 if op in ("ReduceSum", "ReduceMax") else 0})


@pytest.mark.parametrize("dtype", [np.int32, np.int64])
@pytest.mark.parametrize("op", ["ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd"])
def test_reduce_integers(op: str, dtype: Any) -> None:
    agree(op, [np.random.default_rng(0).integers(-9, 9, (3, 4)).astype(dtype), ints(1)])


@pytest.mark.parametrize("op", ["ArgMax", "ArgMin"])
def test_arg(op: str) -> None:
    rng = np.random.default_rng(0)
    for rank in range(1, 6):
        x = rng.integers(0, 4, shape(rng, rank)).astype(np.float32)  # with ties
        for axis in range(-rank, rank):
            agree(op, [x], {"axis": axis, "keepdims": axis % 2, "select_last_index": rank % 2})


@pytest.mark.parametrize("exclusive", [0, 1])
@pytest.mark.parametrize("reverse", [0, 1])
def test_cumsum(exclusive: int, reverse: int) -> None:
    rng = np.random.default_rng(0)
    for rank in range(1, 5):
        for axis in range(-rank, rank):
            agree("CumSum", [normal(rng, shape(rng, rank)), np.array(axis, np.int64)],
                  {"exclusive": exclusive, "reverse": reverse})  # fmt: skip


@pytest.mark.parametrize("largest", [0, 1])
def test_topk(largest: int) -> None:
    rng = np.random.default_rng(0)
    for rank in range(1, 5):
        x = rng.integers(0, 6, shape(rng, rank, 3, 7)).astype(np.float32)  # with ties
        for axis in range(-rank, rank):
            agree("TopK", [x, ints(3)], {"axis": axis, "largest": largest}, outputs=2)


def test_unique() -> None:
    x = np.array([[2.0, 1.0, 1.0, 3.0, 4.0, 3.0], [2.0, 1.0, 1.0, 3.0, 4.0, 3.0]], np.float32)
    for attributes in ({}, {"sorted": 0}, {"axis": 0}, {"axis": 1}, {"axis": -1, "sorted": 0}):
        agree("Unique", [x], attributes, outputs=4)


@pytest.mark.parametrize("center_point_box", [0, 1])
@pytest.mark.parametrize("seed", range(4))
def test_non_max_suppression(seed: int, center_point_box: int) -> None:
    rng = np.random.default_rng(seed)
    boxes = rng.uniform(0, 4, (2, 30, 4)).astype(np.float32)
    scores = rng.uniform(0, 1, (2, 3, 30)).astype(np.float32)
    limits = [ints(5), np.array([0.4], np.float32), np.array([0.2], np.float32)]
    agree("NonMaxSuppression", [boxes, scores, *limits], {"center_point_box": center_point_box})


def test_reshape_and_friends() -> None:
    x = normal(np.random.default_rng(0), (2, 3, 4))
    for target in ((6, 4), (-1,), (0, -1), (0, 0, 2, 2), (2, 1, 3, 4)):
        agree("Reshape", [x, ints(*target)])
    agree("Reshape", [np.zeros((0, 3), np.float32), ints(3, 0)], {"allowzero": 1})
    for axis in range(-3, 4):
        agree("Flatten", [x], {"axis": axis})
    wide = x[:, None, :, None]
    for axes in ((1,), (3,), (1, 3), (-2, 1)):
        agree("Squeeze", [wide, ints(*axes)])
        agree("Unsqueeze", [x, ints(*axes)])
    agree("Squeeze", [wide])
    agree("Transpose", [x])
    agree("Transpose", [x], {"perm": [1, 2, 0]})


def test_concat_and_split() -> None:
    rng = np.random.default_rng(0)
    for axis in (-2, 0, 1, 2):
        parts = [normal(rng, tuple(n if at != axis % 3 else n + 1 for at, n in enumerate((2, 3, 4)))) for n in range(3)]
        agree("Concat", parts, {"axis": axis})
        agree("Split", [normal(rng, (5, 5, 5)), ints(1, 3, 1)], {"axis": axis}, outputs=3)
        agree("Split", [normal(rng, (5, 5, 5))], {"axis": axis, "num_outputs": 2}, outputs=2)


@pytest.mark.parametrize("seed", range(40))
def test_slice(seed: int) -> None:
    """Starts and ends drawn beyond both ends, steps of both signs."""
    rng = np.random.default_rng(seed)
    rank = int(rng.integers(1, 5))
    x = normal(rng, shape(rng, rank))
    axes = rng.choice(rank, int(rng.integers(1, rank + 1)), replace=False)
    starts, ends = rng.integers(-9, 9, len(axes)), rng.integers(-9, 9, len(axes))
    steps = rng.choice([-3, -2, -1, 1, 2, 3], len(axes))
    agree("Slice", [x, ints(*starts), ints(*ends), ints(*axes), ints(*steps)])
    agree("Slice", [x, ints(*starts[:1]), ints(np.iinfo(np.int64).max)])
    agree("Slice", [x, ints(-1), ints(np.iinfo(np.int64).min), ints(0), ints(-1)])


def test_expand_and_tile() -> None:
    rng = np.random.default_rng(0)
    agree("Expand", [normal(rng, (3, 1)), ints(2, 1, 4)])
    agree("Expand", [normal(rng, (3, 4)), ints(1, 1)])  # both sides broadcast
    agree("Tile", [normal(rng, (2, 3)), ints(2, 3)])


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "wrap"])
@pytest.mark.parametrize("seed", range(6))
def test_pad(mode: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rank = int(rng.integers(1, 5))
    x = normal(rng, shape(rng, rank, 4, 7))
    pads = rng.integers(0, 3, 2 * rank)
    agree("Pad", [x, ints(*pads)], {"mode": mode})
    if mode != "constant":
        return
    agree("Pad", [x, ints(*(pads - 1)), np.array(1.5, np.float32)])  # negative: crop
    agree("Pad", [x, ints(1, 2), None, ints(-1)])


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
def test_depth_and_space(mode: str) -> None:
    rng = np.random.default_rng(0)
    agree("DepthToSpace", [normal(rng, (2, 18, 4, 5))], {"blocksize": 3, "mode": mode})
    agree("SpaceToDepth", [normal(rng, (2, 5, 6, 9))], {"blocksize": 3})


@pytest.mark.parametrize("upper", [0, 1])
def test_trilu(upper: int) -> None:
    x = normal(np.random.default_rng(0), (2, 4, 5))
    for k in (None, -2, 0, 1, 9):
        agree("Trilu", [x, None if k is None else np.array(k, np.int64)][: 1 if k is None else 2], {"upper": upper})


def test_center_crop_pad_and_reverse_sequence() -> None:
    x = normal(np.random.default_rng(0), (5, 8, 3))
    agree("CenterCropPad", [x, ints(8, 3, 4)])
    agree("CenterCropPad", [x, ints(5, 2)], {"axes": [-1, 0]})
    lengths = ints(*np.random.default_rng(0).integers(1, 6, 8))
    agree("ReverseSequence", [x, lengths], {"batch_axis": 1, "time_axis": 0})
    agree("ReverseSequence", [x, ints(1, 8, 4, 2, 3)], {"batch_axis": 0, "time_axis": 1})


@pytest.mark.parametrize("rank", range(1, 5))
def test_gather(rank: int) -> None:
    rng = np.random.default_rng(rank)
    x = normal(rng, shape(rng, rank))
    for axis in range(-rank, rank):
        length = x.shape[axis]
        for count in ((), (3,), (2, 2)):
            agree("Gather", [x, rng.integers(-length, length, count)], {"axis": axis})
        extent = tuple(2 if at == axis % rank else int(rng.integers(1, n + 1)) for at, n in enumerate(x.shape))
        indices = rng.integers(-length, length, extent)
        agree("GatherElements", [x, indices], {"axis": axis})


@pytest.mark.parametrize("reduction", ["none", "add", "mul", "max", "min"])
def test_scatter(reduction: str) -> None:
    rng = np.random.default_rng(0)
    x = normal(rng, (4, 5, 6))
    for axis in (-1, 0, 1):
        length = x.shape[axis]
        order = rng.permuted(np.tile(np.arange(length), (3, 4, 1)), axis=-1)[..., :2] - (length if axis else 0)
        indices = np.moveaxis(order, -1, axis)  # no index twice: "none" would be undefined
        agree("ScatterElements", [x, indices, normal(rng, indices.shape)], {"axis": axis, "reduction": reduction})
    indices = np.array([[0, 1], [3, 4], [-1, 0]], np.int64)
    agree("ScatterND", [x, indices, normal(rng, (3, 6))], {"reduction": reduction})


def test_scatter_counts_an_index_that_occurs_twice() -> None:
    twice = np.array([[1, 1]], np.int64)
    agree("ScatterElements", [np.zeros((1, 3), np.float32), twice, np.ones((1, 2), np.float32)],
          {"axis": 1, "reduction": "add"})  # fmt: skip


@pytest.mark.parametrize("batch_dims", [0, 1, 2])
def test_gather_nd(batch_dims: int) -> None:
    rng = np.random.default_rng(batch_dims)
    x = normal(rng, (2, 3, 4, 5))
    for depth in range(1, 5 - batch_dims):
        picks = [rng.integers(-n, n, (*x.shape[:batch_dims], 3)) for n in x.shape[batch_dims : batch_dims + depth]]
        agree("GatherND", [x, np.stack(picks, axis=-1)], {"batch_dims": batch_dims})


def test_one_hot_non_zero_compress() -> None:
    rng = np.random.default_rng(0)
    values = np.array([2.5, 7], np.float32)
    for axis in (-3, -2, -1, 0, 1, 2):
        agree("OneHot", [rng.integers(-6, 8, (3, 4)), np.array([5], np.int64), values], {"axis": axis})
    agree("NonZero", [np.round(normal(rng, (3, 4, 2)))])
    agree("Compress", [normal(rng, (3, 4)), np.array([True, False, True])], {"axis": 0})
    agree("Compress", [normal(rng, (3, 4)), np.array([False, True, True, False, True])])


def test_axes_that_do_not_exist() -> None:
    with pytest.raises(ValueError, match=r"^axes \[3\] do not fit an array of rank 2$"):
        KERNELS["Squeeze"](np.zeros((1, 2), np.float32), ints(3))


def test_a_scalar_index_takes_a_view() -> None:
    x = normal(np.random.default_rng(0), (3, 4))
    assert np.shares_memory(ours("Gather", [x, np.array(1)], {"axis": 1})[0], x)
