import numpy as np
import pytest

from tests.rewrites.judge import changes, declines
from tests.rewrites.real import worst_on

RULE = "grid_sample_by_matmul"
OLD = "4.5.5 4.8.1 4.10.0"


def text(shape, points, mode="linear", padding="zeros", aligned=0):
    n, c, h, w = shape
    node = f'GridSample<mode="{mode}", padding_mode="{padding}", align_corners={aligned}>(x, g)'
    return (
        f"(float[{n},{c},{h},{w}] x, float[{n},{points[0]},{points[1]},2] g)"
        f" => (float[{n},{c},{points[0]},{points[1]}] y) {{ y = {node} }}"
    )


def feeds_for(shape, points, rng, reach=1.6):
    return {
        "x": rng.standard_normal(shape).astype(np.float32),
        "g": rng.uniform(-reach, reach, (shape[0], *points, 2)).astype(np.float32),
    }


@pytest.mark.parametrize("mode", ["linear", "nearest"])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("aligned", [0, 1])
@pytest.mark.parametrize(
    ("shape", "points"),
    [((1, 3, 6, 8), (5, 7)), ((2, 4, 9, 5), (3, 3)), ((1, 1, 7, 7), (4, 6)), ((1, 2, 1, 5), (2, 3))],
)
def test_changes(mode, padding, aligned, shape, points, rng):
    changes(RULE, text(shape, points, mode, padding, aligned), rng, feeds=feeds_for(shape, points, rng))


@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
def test_points_far_outside(padding, rng):
    shape, points = (1, 3, 8, 8), (6, 6)
    changes(RULE, text(shape, points, "linear", padding), rng, feeds=feeds_for(shape, points, rng, reach=8))


@pytest.mark.parametrize("aligned", [0, 1])
def test_points_on_pixels_and_between_them(aligned, rng):
    """-1, 0 and 1 and halves of pixels: ties of the nearest mode go to the even pixel."""
    shape, points = (1, 2, 4, 4), (9, 9)
    ticks = np.linspace(-2, 2, 9, dtype=np.float32)
    grid = np.stack(np.meshgrid(ticks, ticks), axis=-1)[None]
    feeds = {"x": rng.standard_normal(shape).astype(np.float32), "g": grid}
    for mode in ("linear", "nearest"):
        changes(RULE, text(shape, points, mode, "zeros", aligned), rng, feeds=feeds)
        changes(RULE, text(shape, points, mode, "border", aligned), rng, feeds=feeds)


def test_a_larger_image(rng):
    shape, points = (1, 16, 40, 56), (20, 28)
    changes(RULE, text(shape, points), rng, feeds=feeds_for(shape, points, rng, reach=1.1))


def test_it_runs_on_opencv(rng):
    shape, points = (1, 3, 6, 8), (5, 7)
    model = changes(RULE, text(shape, points), rng, feeds=feeds_for(shape, points, rng))
    assert worst_on("4.10.0 4.14.0 5.0.0", model, rng, feeds_for(shape, points, rng)) < 1e-5


def test_declines():
    grid = np.zeros((1, 2, 2, 2), np.float32)
    node = "(float[1,2,4,4] x) => (float[1,2,2,2] y) { y = GridSample(x, g) }"
    assert declines(RULE, node, g=grid) == "the grid is constant"


def test_declines_what_it_does_not_know():
    assert declines(RULE, text((1, 2, 4, 4), (2, 2), mode="cubic")) == "mode cubic is not linear or nearest"
    volume = "(float[1,2,4,4,4] x, float[1,2,2,2,3] g) => (float[1,2,2,2,2] y) { y = GridSample(x, g) }"
    assert declines(RULE, volume) == "the input has 5 axes, not the four of an image"
    assert declines(RULE, text((1, 64, 64, 64), (64, 65))) == (
        "the rows of all points would have 17039360 numbers, more than 16777216"
    )
