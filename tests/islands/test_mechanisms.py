"""Both ways into a net, on every OpenCV that is installed, against ONNX Runtime."""

from __future__ import annotations

import numpy as np
import pytest

from converter import island_net
from converter.backends import OnnxRuntime
from converter.compare import compare
from converter.errors import TargetError
from converter.islands import mechanisms, run_with_islands
from converter.opencv import OpenCVWorker
from converter.targets import WHEELS, Target, python_for
from tests.islands.cases import CASES

TARGETS = [*WHEELS, "5.0.0-classic"]
BEYOND = {
    ("4.5.5", "layers"): {"second output of the graph": "fails at run"},  # an output is asked for by its layer's name
    ("4.7.0", "parts"): {"an activation behind Conv": "fails at run"},  # it fuses Conv, Add and an input of the net
}
"""What a mechanism cannot do on a target: the other one can."""


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("mechanism", ["layers", "parts"])
def test_every_case(name, mechanism):
    target = Target.parse(name)
    if mechanism not in mechanisms(target):
        pytest.skip(f"{target} asks a Python layer for no shapes")
    try:
        python_for(target)
    except TargetError:
        pytest.skip(f"{target} is not installed here")
    failed = {}
    with OpenCVWorker(target, timeout=60) as worker:
        for title, case in CASES.items():
            model = case.model()
            samples = case.samples(model)
            reference = OnnxRuntime(model.SerializeToString())
            names = reference.outputs
            run = run_with_islands(worker, model, samples, names, case.islands, mechanism=mechanism)
            if run.status != "ran":
                failed[title] = run.status
                continue
            for sample, found in zip(samples, run.outputs, strict=True):
                for output, expected in reference.run(sample).items():
                    assert compare(found[output], expected, reshape=True) <= 1e-5, title
    assert failed == BEYOND.get((name, mechanism), {})


def test_a_kernel_that_fails_is_an_error_with_its_text():
    def broken(x):
        raise ArithmeticError("no such number")

    island = island_net.Island("n0", broken, {}, [("x", (2,), "float32")], [("y", (2,), "float32")])
    with pytest.raises(ArithmeticError, match="no such number"):
        island.run([np.zeros(2, "f")])


@pytest.mark.parametrize(
    ("arrays", "text"),
    [
        pytest.param([], "n0: 0 inputs, expected 1", id="too few"),
        pytest.param([np.zeros(3, "f")], "'x' has shape [3], expected [2]", id="another size"),
    ],
)
def test_what_the_net_gives_is_checked(arrays, text):
    island = island_net.Island("n0", np.sin, {}, [("x", (2,), "float32")], [("y", (2,), "float32")])
    with pytest.raises(ValueError) as error:
        island.run(arrays)
    assert str(error.value) == text


@pytest.mark.parametrize(
    ("array", "dtype", "expected"),
    [
        pytest.param(np.float32([[1.9999], [-2.0001]]), "int64", [2, -2], id="integers that went through float32"),
        pytest.param(np.float32([[0], [1]]), "bool", [False, True], id="booleans"),
        pytest.param(np.int32([[3], [4]]), "float32", [3, 4], id="floats"),
    ],
)
def test_types_and_ranks_are_restored(array, dtype, expected):
    found = island_net.as_typed(array, "x", (2,), dtype)
    assert (found.dtype.name, found.shape, found.tolist()) == (dtype, (2,), expected)
