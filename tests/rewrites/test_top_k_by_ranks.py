import numpy as np
import pytest

from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on
from tests.rewrites.tops import CASES, text

RULE = "top_k_by_ranks"


@pytest.mark.parametrize(("shape", "axis", "k"), CASES)
@pytest.mark.parametrize("largest", [0, 1])
@pytest.mark.parametrize("read", ["values", "places", "both"])
def test_changes(shape, axis, k, largest, read, rng):
    changes(RULE, text(shape, axis, k, largest, read), rng, k=np.array([k]))


@pytest.mark.parametrize("largest", [0, 1])
def test_of_equal_numbers_the_first_comes_first(largest, rng):
    x = rng.integers(-2, 3, (3, 12)).astype(np.float32)
    changes(RULE, text((3, 12), 1, 7, largest, "both"), rng, feeds={"x": x}, k=np.array([7]))


def test_numbers_of_any_size(rng):
    x = np.array([[0, -0.0, 1e-45, -1e-45, 3.4e38, -3.4e38, 1, 1.0000001, 1e-38]], np.float32)
    changes(RULE, text((1, 9), 1, 8, 1, "both"), rng, feeds={"x": x}, k=np.array([8]))


def test_it_runs_on_opencv(rng):
    model = changes(RULE, text((1, 20), 1, 4, 1, "both"), rng, k=np.array([4]))
    assert worst_on("4.10.0 5.0.0", model, rng) == 0


def test_declines():
    reason = "4194304 pairs of numbers would be compared, more than 2097152"
    assert declines(RULE, text((1, 2048), 1, 5, 1, "both"), k=np.array([5])) == reason


def test_declines_what_may_come_in_any_order():
    unsorted = "(float[4] x) => (float[2] y, int64[2] i) { y, i = TopK<sorted=0>(x, k) }"
    reason = "it may give its results in any order, and another one could not be compared with it"
    assert declines(RULE, unsorted, k=np.array([2])) == reason
