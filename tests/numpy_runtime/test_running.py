"""What runs a program: the threads of BLAS meanwhile and afterwards, several callers at a time, the same bytes each time."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from converter.numpy_runtime import plan
from converter.numpy_runtime.fast.activations import _ZEROS, relu
from converter.numpy_runtime.running import Blas, Runner
from tests.numpy_runtime.judge import draw
from tests.numpy_runtime.one_of_each import model


def network() -> Any:
    return plan(model(72))


@pytest.fixture
def blas() -> Blas:
    found = Blas()
    if not found.can_be_told:
        pytest.skip("this NumPy's BLAS is no OpenBLAS")
    return found


def test_blas_has_as_many_threads_as_the_run(blas: Blas) -> None:
    seen = []

    def forward(weights: Any, inputs: Any, work: Any) -> dict[str, np.ndarray]:
        seen.append(blas._get())
        return {}

    before = blas._get()
    Runner(forward, {}, {}, threads=3).run({})
    assert seen == [3]
    assert blas._get() == before


def test_blas_has_its_threads_back_after_an_error(blas: Blas) -> None:
    def forward(weights: Any, inputs: Any, work: Any) -> dict[str, np.ndarray]:
        raise ZeroDivisionError

    before = blas._get()
    with pytest.raises(ZeroDivisionError):
        Runner(forward, {}, {}, threads=3).run({})
    assert blas._get() == before


def test_every_run_gives_the_same_bytes() -> None:
    x = draw(np.random.default_rng(1), 1, 16, 72, 72)
    for threads in (1, 2):
        loaded = network().load(threads=threads)
        assert len({loaded.run({"x": x})["y"].tobytes() for _ in range(10)}) == 1


def test_several_callers_at_a_time(blas: Blas) -> None:
    rng = np.random.default_rng(2)
    inputs = [draw(rng, 1, 16, 72, 72) for _ in range(4)]
    loaded = network().load(threads=2)
    expected = [loaded.run({"x": x})["y"] for x in inputs]
    found: dict[int, list[np.ndarray]] = {}
    before = blas._get()

    def call(number: int) -> None:
        found[number] = [loaded.run({"x": inputs[number]})["y"] for _ in range(5)]

    callers = [threading.Thread(target=call, args=(number,)) for number in range(len(inputs))]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    for number, want in enumerate(expected):
        for got in found[number]:
            np.testing.assert_allclose(got, want, rtol=0, atol=1e-5 * np.abs(want).max())
    assert blas._get() == before


def test_zeros_that_grow_while_others_use_them() -> None:
    """relu() shares one array of zeros, which any thread may replace."""
    wrong = []

    def call(seed: int) -> None:
        rng = np.random.default_rng(seed)
        for _ in range(200):
            size = int(rng.integers(1, 1 << 16))
            x = rng.standard_normal(size).astype(np.float32)
            y = x.copy()
            _ZEROS[0] = _ZEROS[0][: max(size // 2, 1)]  # so that it has to grow again
            relu(y, y)
            wrong.extend([size] if not np.array_equal(y, np.maximum(x, 0)) else [])

    callers = [threading.Thread(target=call, args=(seed,)) for seed in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert wrong == []
