import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.arithmetic import two, with_constant
from tests.rewrites.judge import changes, declines, drawn
from tests.rewrites.older import older

RULE = "sub_by_add"


def test_changes_a_constant(rng, opencv):
    model = changes(RULE, with_constant("Sub", (4, 5), "c, x"), rng, c=rng.random(5).astype(np.float32))
    assert ops(model) == ["Neg", "Add"]
    assert opencv(model, drawn(model, rng)) < 1e-6


def test_changes_a_smaller_tensor(rng, opencv):
    model = changes(RULE, two("Sub", (1, 17, 1), (1, 17, 9)), rng)
    assert ops(model) == ["Neg", "Add"]
    assert opencv(model, drawn(model, rng)) < 1e-6


@pytest.mark.parametrize("version", ["4.5.5", "4.10.0"])
def test_older_opencvs_run_it(version, rng):
    model = changes(RULE, two("Sub", (1, 17, 1), (1, 17, 9)), rng)
    assert older(version, model, drawn(model, rng)) < 1e-6


@pytest.mark.parametrize("shapes", [((4, 5), (4, 5)), ((4, 5), (1, 5))])
def test_declines(shapes):
    assert declines(RULE, two("Sub", *shapes)) == "the left operand is the tensor, and no smaller"
