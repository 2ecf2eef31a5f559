"""Faults known by their pattern, because a probe can miss them."""

import numpy as np
import pytest

from converter.support.known import known_fault
from converter.targets import Target
from tests.onnx_text import graph

NEW, CLASSIC, OLD = Target("5.0.0", "new"), Target("5.0.0", "classic"), Target("4.10.0", "classic")


def resize(mode, before, after):
    sizes = np.array([1, 2, *after])
    text = f"(float[1,2,{before[0]},{before[1]}] x) => (float[1,2,{after[0]},{after[1]}] y)"
    return list(graph(f'{text} {{ y = Resize<mode="{mode}">(x, , , s) }}', s=sizes).graph)


@pytest.mark.parametrize(
    ("target", "mode", "before", "bad"),
    [
        (NEW, "linear", (1, 1), True),
        (NEW, "linear", (1, 4), True),
        (NEW, "linear", (4, 1), True),
        (NEW, "linear", (2, 2), False),
        (NEW, "nearest", (1, 1), False),
        (CLASSIC, "linear", (1, 1), False),
        (OLD, "linear", (1, 1), False),
    ],
)
def test_linear_resize_of_one_row(target, mode, before, bad):
    fault = known_fault(target, resize(mode, before, (8, 8)))
    assert (fault is not None) == bad
    if fault:
        assert fault.startswith(f"a linear Resize of a {before[0]}x{before[1]} map reads beyond its end")
