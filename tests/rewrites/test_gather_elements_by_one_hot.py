import numpy as np
import pytest

from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on

RULE = "gather_elements_by_one_hot"


def text(shape, m, axis):
    after = [m if a == axis % len(shape) else extent for a, extent in enumerate(shape)]
    x, y = (",".join(map(str, extents)) for extents in (shape, after))
    return f"(float[{x}] x, int64[{y}] i) => (float[{y}] y) {{ y = GatherElements<axis={axis}>(x, i) }}", after


@pytest.mark.parametrize(
    ("shape", "axis"),
    [((6,), 0), ((6, 3), 0), ((2, 6), 1), ((2, 3, 6, 5), 2), ((1, 6, 4), 1), ((1, 6, 1), 1), ((2, 3, 6), -1)],
)
@pytest.mark.parametrize("m", [1, 4])
def test_changes(shape, axis, m, rng):
    made, after = text(shape, m, axis)
    feeds = {
        "x": rng.standard_normal(shape).astype(np.float32),
        "i": rng.integers(-shape[axis], shape[axis], after),
    }
    changes(RULE, made, rng, feeds=feeds)


def test_it_runs_on_opencv(rng):
    text = """(float[1,8] s, float[1,8] x) => (float[1,1] y) {
        i = ArgMax<axis=1>(s)
        y = GatherElements<axis=1>(x, i) }"""
    model = changes(RULE, text, rng)
    assert worst_on("4.8.1 4.10.0 5.0.0", model, rng) == 0


def test_declines():
    node = "(float[4] x) => (float[2] y) { y = GatherElements(x, i) }"
    assert declines(RULE, node, i=np.array([0, 3])) == "the indices are constant"


def test_declines_large_and_partial_ones():
    reason = "there would be 18874368 ones and zeros, more than 16777216"
    assert declines(RULE, text((3072, 6), 1024, 0)[0]) == reason
    partial = "(float[4,5] x, int64[2,3] i) => (float[2,3] y) { y = GatherElements(x, i) }"
    assert declines(RULE, partial) == "the indices [2, 3] leave out rows of [4, 5]"
