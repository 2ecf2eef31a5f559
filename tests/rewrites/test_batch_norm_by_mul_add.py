import numpy as np
import pytest

from tests.onnx_text import ops
from tests.rewrites.arithmetic import kind, positive
from tests.rewrites.judge import changes, declines
from tests.rewrites.older import older

RULE = "batch_norm_by_mul_add"

NAMES = ("s", "b", "m", "v")


def normal(shape, computed, rng):
    """The graph, its feeds and its constants, with the parameters named in `computed` as inputs."""
    inputs = "".join(f", float[{shape[1]}] {name}" for name in NAMES if name in computed)
    text = f"({kind(shape)} x{inputs}) => ({kind(shape)} y) {{ y = BatchNormalization<epsilon=0.001>(x, s, b, m, v) }}"
    drawn_ = {name: positive(rng, (shape[1],)) for name in NAMES}
    feeds = {"x": rng.standard_normal(shape).astype(np.float32), **{name: drawn_[name] for name in computed}}
    return text, feeds, {name: drawn_[name] for name in NAMES if name not in computed}


@pytest.mark.parametrize("shape", [(4, 5), (2, 5, 7), (2, 5, 7, 7), (1, 3, 4, 5, 6)])
@pytest.mark.parametrize("computed", ["", "s", "v", "mv", "sb", "sbmv"])
def test_changes(shape, computed, rng, opencv):
    text, feeds, constants = normal(shape, computed, rng)
    model = changes(RULE, text, rng, feeds=feeds, **constants)
    assert set(ops(model)) <= {"Reshape", "Add", "Sqrt", "Div", "Sub", "Mul"}
    assert len(shape) != 4 or opencv(model, feeds) < 1e-5


def test_constant_parameters_are_folded(rng):
    text, feeds, constants = normal((2, 5, 7, 7), "", rng)
    assert ops(changes(RULE, text, rng, feeds=feeds, **constants)) == ["Mul", "Add"]


@pytest.mark.parametrize("version", ["4.7.0", "4.8.1", "4.10.0"])
@pytest.mark.parametrize("computed", ["", "sb", "sbmv"])
def test_older_opencvs_run_it(version, computed, rng):
    text, feeds, constants = normal((1, 5, 7, 7), computed, rng)
    assert older(version, changes(RULE, text, rng, feeds=feeds, **constants), feeds) < 1e-5


def test_declines():
    text = """(float[2,3,4] x) => (float[2,3,4] y, float[3] m, float[3] v) {
        y, m, v = BatchNormalization<training_mode=1>(x, s, s, s, s) }"""
    assert declines(RULE, text, s=np.ones(3, np.float32)) == "it is in training mode"
