"""The one comparison that everything is judged by."""

import numpy as np
import pytest

from converter.compare import compare

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("got", "reference", "relative"),
    [
        pytest.param([1.0, 2.0], [1.0, 2.0], 0.0, id="equal"),
        pytest.param([1.0, 2.5], [1.0, 2.0], 0.25, id="over-the-largest-reference"),
        pytest.param([0.25, 0.0], [0.0, 0.0], 0.25, id="all-zero-reference-is-absolute"),
        pytest.param([1e-9, 3e-9], [1e-9, 2e-9], 0.5, id="tiny-values-count-too"),
        pytest.param([1e-41, 0.0], [2e-41, 1e-41], 0.0, id="denormal-numbers-are-dust"),
        pytest.param([2.0**-80, 0.0], [2.0**-81, 0.0], 0.5, id="dust-against-the-smallest-scale"),
        pytest.param([NAN, 1.0], [NAN, 1.0], 0.0, id="nan-where-the-reference-has-it"),
        pytest.param([INF, 1.0], [INF, 1.0], 0.0, id="same-infinity"),
        pytest.param([-INF, 1.0], [INF, 1.0], INF, id="other-infinity"),
        pytest.param([NAN, 1.0], [0.0, 1.0], INF, id="nan-alone"),
        pytest.param([0.0, 1.0], [NAN, 1.0], INF, id="nan-lost"),
        pytest.param([], [], 0.0, id="empty"),
    ],
)
def test_relative(got, reference, relative):
    assert compare(np.float32(got), np.float32(reference)).relative == pytest.approx(relative, rel=1e-6)


def test_shapes_count_unless_told_otherwise():
    a, b = np.zeros((1, 3)), np.zeros(3)
    assert str(compare(a, b)) == "shape [1, 3], expected [3]"
    assert compare(a, b, reshape=True).relative == 0
    assert compare(np.zeros(4), b, reshape=True).relative == INF


def test_wide_integers_do_not_overflow():
    assert compare(np.int8([-128]), np.int8([127])).relative == pytest.approx(255 / 127)
