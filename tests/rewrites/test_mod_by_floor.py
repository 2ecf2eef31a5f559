import numpy as np
import pytest

from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on

RULE = "mod_by_floor"
TEXT = "(float[1,3,40,40] x) => (float[1,3,40,40] y) { y = Mod<fmod=1>(x, d) }"


@pytest.mark.parametrize("divisor", [2, 0.25, 1, -3, 0.3, 0.1, np.pi, 1e-20, 7e20])
def test_changes(divisor, rng):
    d = np.float32(divisor)
    at = rng.integers(-4000, 4000, (1, 3, 40, 40)) * d
    near = np.stack([np.nextafter(at, np.float32(way)) for way in (-np.inf, np.inf)]).astype(np.float32)
    for x in (at, *near, rng.uniform(-4000, 4000, at.shape) * d):
        changes(RULE, TEXT, rng, feeds={"x": x.astype(np.float32)}, d=d)


def test_it_runs_on_opencv(rng):
    model = changes(RULE, TEXT, rng, d=np.array(0.3, np.float32))
    assert worst_on("4.8.1 4.10.0 5.0.0", model, rng) == 0


def test_declines():
    text = "(int64[3] x, int64[3] d) => (int64[3] y) { y = Mod(x, d) }"
    assert declines(RULE, text) == "the dividend is INT64, only FLOAT was measured"


def test_declines_other_divisors():
    text = "(float[3] x) => (float[3] y) { y = Mod<fmod=1>(x, d) }"
    reason = "the divisor has shape [3], only one number was measured"
    assert declines(RULE, text, d=np.ones(3, np.float32)) == reason
    assert declines(RULE, text, d=np.array(0, np.float32)) == "the divisor is 0.0"
