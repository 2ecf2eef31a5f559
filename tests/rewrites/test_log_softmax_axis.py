import pytest

from tests.onnx_text import ops
from tests.rewrites.arithmetic import OLD, kind
from tests.rewrites.judge import changes, declines, drawn
from tests.rewrites.older import older

RULE = "log_softmax_axis"
CASES = [
    ((2, 5, 4), "", 2),
    ((1, 3, 7, 7), "", 3),
    ((1, 3, 7, 7), "<axis=-1>", 3),
    ((1, 3, 7, 7), "<axis=-2>", 2),
    ((1, 2, 3, 4, 5), "<axis=-4>", 1),
    ((4, 9), "<axis=-2>", 0),
]


def text_of(shape, attribute):
    return f"({kind(shape)} x) => ({kind(shape)} y) {{ y = LogSoftmax{attribute}(x) }}"


@pytest.mark.parametrize(("shape", "attribute", "axis"), CASES)
def test_changes(shape, attribute, axis, rng, opencv):
    model = changes(RULE, text_of(shape, attribute), rng)
    assert ops(model) == ["LogSoftmax"]
    assert model.graph[0].attributes.get_int("axis") == axis
    assert opencv(model, drawn(model, rng)) < 1e-6


@pytest.mark.parametrize("attribute", ["", "<axis=0>", "<axis=-1>"])
def test_a_vector_becomes_a_row(attribute, rng, opencv):
    model = changes(RULE, text_of((7,), attribute), rng)
    assert ops(model) == ["Reshape", "LogSoftmax", "Reshape"]
    assert opencv(model, drawn(model, rng)) < 1e-6


@pytest.mark.parametrize("version", OLD)
@pytest.mark.parametrize(("shape", "attribute", "axis"), [*CASES, ((7,), "", 0)])
def test_older_opencvs_run_it(version, shape, attribute, axis, rng):
    model = changes(RULE, text_of(shape, attribute), rng)
    assert older(version, model, drawn(model, rng)) < 1e-6


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_declines(axis):
    reason = "its axis is written and counts from the front"
    assert declines(RULE, text_of((2, 3, 4), f"<axis={axis}>")) == reason
