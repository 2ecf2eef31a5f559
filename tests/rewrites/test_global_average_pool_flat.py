import pytest

from tests.onnx_text import ops
from tests.rewrites.arithmetic import OLD
from tests.rewrites.judge import changes, declines, drawn
from tests.rewrites.older import older

RULE = "global_average_pool_flat"
TEXT = "(float[2,3,4,5,6] x) => (float[2,3,1,1,1] y) { y = GlobalAveragePool(x) }"


def test_changes(rng, opencv):
    model = changes(RULE, TEXT, rng)
    assert ops(model) == ["Reshape", "GlobalAveragePool", "Reshape"]
    assert opencv(model, drawn(model, rng)) < 1e-5


@pytest.mark.parametrize("version", OLD)
def test_older_opencvs_run_it(version, rng):
    model = changes(RULE, TEXT, rng)
    assert older(version, model, drawn(model, rng)) < 1e-5


def test_declines():
    text = "(float[2,3,4,5] x) => (float[2,3,1,1] y) { y = GlobalAveragePool(x) }"
    assert declines(RULE, text) == "it has 2 spatial axes; three were measured"
