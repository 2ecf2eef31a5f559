import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.judge import changes, declines, drawn


@pytest.mark.parametrize("seed", range(10))
def test_changes(seed, opencv):
    rng = np.random.default_rng(seed)
    shape = [int(n) for n in rng.integers(1, 6, rng.integers(2, 5))]
    axis = int(rng.integers(0, len(shape)))
    sizes = rng.integers(1, 4, rng.integers(2, 4))
    shape[axis] = int(sizes.sum())
    parts = [",".join(str(n) for n in (*shape[:axis], size, *shape[axis + 1 :])) for size in sizes]
    outputs = ", ".join(f"float[{part}] y{i}" for i, part in enumerate(parts))
    names = ", ".join(f"y{i}" for i in range(len(sizes)))
    extents = ",".join(map(str, shape))
    written = axis - len(shape) if seed % 2 else axis
    text = f"(float[{extents}] x) => ({outputs}) {{ {names} = Split<axis={written}>(x, s) }}"
    model = changes("split_by_slice", text, rng, s=sizes)
    assert ops(model) == ["Slice"] * len(sizes)
    assert opencv(model, drawn(model, rng)) == 0


def test_equal_parts_with_a_remainder(rng):
    text = "(float[5,2] x) => (float[3,2] a, float[2,2] b) { a, b = Split<num_outputs=2>(x) }"
    assert ops(changes("split_by_slice", text, rng)) == ["Slice", "Slice"]


def test_declines():
    text = "(float[n,4] x) => (float[a,4] y, float[b,4] z) { y, z = Split<num_outputs=2>(x) }"
    assert declines("split_by_slice", text) == "the shape of the input is not known ([n,4]); fix the input shapes first"
