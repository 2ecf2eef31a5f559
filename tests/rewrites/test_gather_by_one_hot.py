import numpy as np
import pytest

from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on

RULE = "gather_by_one_hot"


def text(shape, taken, axis):
    after = [*shape[:axis], *taken, *shape[axis + 1 :]]
    x, i, y = (f"[{','.join(map(str, extents))}]" if extents else "" for extents in (shape, taken, after))
    return f"(float{x} x, int64{i} i) => (float{y} y) {{ y = Gather<axis={axis}>(x, i) }}"


@pytest.mark.parametrize(
    ("shape", "axis"), [((6,), 0), ((6, 3), 0), ((2, 6), 1), ((2, 3, 6, 5), 2), ((1, 6, 4), 1), ((2, 3, 6), 2)]
)
@pytest.mark.parametrize("taken", [(), (1,), (4,), (2, 3)])
def test_changes(shape, axis, taken, rng):
    feeds = {
        "x": rng.standard_normal(shape).astype(np.float32),
        "i": np.asarray(rng.integers(-shape[axis], shape[axis], taken)),
    }
    changes(RULE, text(shape, taken, axis), rng, feeds=feeds)


def test_it_runs_on_opencv(rng):
    text = """(float[1,8] s, float[8,5] x) => (float[1,5] y) {
        i = ArgMax<axis=1, keepdims=0>(s)
        y = Gather(x, i) }"""
    model = changes(RULE, text, rng)
    assert worst_on("4.8.1 4.10.0 5.0.0", model, rng) == 0


def test_declines():
    node = "(float[4] x) => (float[2] y) { y = Gather(x, i) }"
    assert declines(RULE, node, i=np.array([0, 3])) == "the indices are constant"


def test_declines_large_ones():
    reason = "the matrix would have 5000000 elements, more than 4194304"
    assert declines(RULE, text((5000, 1), (1000,), 0)) == reason
    reason = "the product would take 400000000 multiplications, more than 268435456"
    assert declines(RULE, text((1000, 400), (1000,), 0)) == reason
