import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.arithmetic import OLD, kind
from tests.rewrites.judge import changes, declines, drawn
from tests.rewrites.older import older

RULE = "layer_norm_by_instance_norm"
SHAPES = [((1, 17, 12), -1), ((2, 7, 7, 24), -1), ((1, 1, 1, 40), 3), ((4, 9), 1), ((2, 3, 4, 5), 2), ((2, 6), 0)]


def text_of(shape, axis, call="x, s, b"):
    return f"({kind(shape)} x) => ({kind(shape)} y) {{ y = LayerNormalization<axis={axis}, epsilon=0.001>({call}) }}"


@pytest.mark.parametrize(("shape", "axis"), SHAPES)
def test_changes(shape, axis, rng, opencv):
    s, b = rng.standard_normal((2, *shape[axis:])).astype(np.float32)
    model = changes(RULE, text_of(shape, axis), rng, s=s, b=b)
    # no Add: 5.0.0 would take the five nodes for a GroupNormalization
    assert ops(model) == ["Reshape", "InstanceNormalization", "Reshape", "Mul", "Sub", "Reshape"]
    assert opencv(model, drawn(model, rng)) < 1e-5


def test_parameters_that_do_nothing_are_dropped(rng):
    s, b = np.ones(12, np.float32), np.zeros(12, np.float32)
    made = ["Reshape", "InstanceNormalization", "Reshape"]
    assert ops(changes(RULE, text_of((1, 17, 12), -1), rng, s=s, b=b)) == made
    assert ops(changes(RULE, text_of((1, 17, 12), -1, "x, s"), rng, s=s)) == made


def test_computed_parameters(rng, opencv):
    text = """(float[1,17,12] x, float[12] s, float[12] b) => (float[1,17,12] y) {
        y = LayerNormalization(x, s, b) }"""
    model = changes(RULE, text, rng)
    assert ops(model) == ["Reshape", "InstanceNormalization", "Reshape", "Mul", "Add", "Reshape"]


@pytest.mark.parametrize("scale", [1e-2, 1, 1e3])
def test_the_scale_of_the_input_does_not_matter(scale, rng):
    s, b = rng.standard_normal((2, 64)).astype(np.float32)
    changes(RULE, text_of((2, 9, 64), -1), rng, scale=scale, s=s, b=b)


@pytest.mark.parametrize("version", OLD)
@pytest.mark.parametrize(("shape", "axis"), SHAPES)
def test_older_opencvs_run_it(version, shape, axis, rng):
    s, b = rng.standard_normal((2, int(np.prod(shape[axis:])))).astype(np.float32)
    model = changes(RULE, text_of(shape, axis), rng, s=s.reshape(shape[axis:]), b=b.reshape(shape[axis:]))
    assert older(version, model, drawn(model, rng)) < 1e-5


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param(
            "(float[2,4] x) => (float[2,4] y, float[2,1] m) { y, m = LayerNormalization(x, s) }",
            "it has 2 outputs, and only the first was measured",
            id="mean",
        ),
        pytest.param(
            "(double[2,4] x, double[4] t) => (double[2,4] y) { y = LayerNormalization(x, t) }",
            "the input is DOUBLE, only FLOAT was measured",
            id="double",
        ),
        pytest.param(
            "(float[2,3,4] x, float[4] t) => (float[2,3,4] y) { y = LayerNormalization<axis=1>(x, t) }",
            "a parameter comes from another node and is broadcast",
            id="broadcast",
        ),
    ],
)
def test_declines(text, reason):
    assert declines(RULE, text, s=np.ones(4, np.float32)) == reason
