"""What a plan computes once: constants, batch normalisation, products and sums that go into a layer."""

from __future__ import annotations

import numpy as np
import pytest

from tests.numpy_runtime.judge import body, draw, right
from tests.onnx_text import graph


def norm(rng: np.random.Generator, channels: int) -> dict[str, np.ndarray]:
    variance = rng.uniform(0.2, 2, channels).astype(np.float32)
    return {"s": draw(rng, channels), "b": draw(rng, channels), "m": draw(rng, channels), "v": variance}


NORM = "BatchNormalization<epsilon=0.001>(c, s, b, m, v)"


@pytest.mark.parametrize(
    ("layer", "weight", "output"),
    [
        pytest.param("Conv<pads=[1,1,1,1]>(x, w)", (6, 4, 3, 3), "2,6,5,7", id="conv"),
        pytest.param("Conv(x, w, b)", (6, 4, 1, 1), "2,6,5,7", id="conv with bias"),
        pytest.param("Conv<group=2>(x, w)", (6, 2, 1, 1), "2,6,5,7", id="grouped"),
        pytest.param("ConvTranspose(x, w, b)", (4, 6, 2, 2), "2,6,6,8", id="transposed"),
        pytest.param("ConvTranspose<group=2>(x, w)", (4, 3, 2, 2), "2,6,6,8", id="transposed, grouped"),
    ],
)
def test_batch_normalisation_goes_into_the_layer(layer: str, weight: tuple[int, ...], output: str) -> None:
    rng = np.random.default_rng(0)
    text = f"(float[2,4,5,7] x) => (float[{output}] y) {{ c = {layer} n = {NORM} y = Relu(n) }}"
    program = right(graph(text, w=draw(rng, *weight), **norm(rng, 6)), x=draw(rng, 2, 4, 5, 7))

    assert program.folded == {
        "constants": 0, "branches": 0,
        "identities": 0, "batch_norms": 1, "scales_and_shifts": 0, "split_batch_norms": 0, "dead_steps": 0,
    }  # fmt: skip
    assert sorted(len(array.shape) for array in program.weights.values()) in ([1, 2], [1, 3], [1, 4], [4])
    assert body(program).count("=") - body(program).count("==") < 12
    assert "BatchNormalization" not in program.source


@pytest.mark.parametrize("flag", [0, 1])
@pytest.mark.parametrize("bias", [(), (6,), (1, 6), None])
def test_batch_normalisation_goes_into_gemm(flag: int, bias: tuple[int, ...] | None) -> None:
    rng = np.random.default_rng(0)
    constants = {"w": draw(rng, *((6, 4) if flag else (4, 6))), **norm(rng, 6)}
    third = ""
    if bias is not None:
        constants["k"], third = draw(rng, *bias), ", k"
    text = (
        f"(float[3,4] x) => (float[3,6] y) {{ c = Gemm<transB={flag}, alpha=0.7, beta=0.4>(x, w{third}) y = {NORM} }}"
    )
    program = right(graph(text, **constants), x=draw(rng, 3, 4))
    assert program.folded["batch_norms"] == 1


@pytest.mark.parametrize(
    "tail",
    [
        "d = Mul(c, k) e = Add(d, k) y = Sub(e, h)", "d = Sub(h, c) y = Div(d, k)", "d = Add(k, c) y = Mul(h, d)",
    ],
)  # fmt: skip
def test_products_and_sums_go_into_the_layer(tail: str) -> None:
    rng = np.random.default_rng(0)
    text = f"(float[2,4,5,7] x) => (float[2,6,5,7] y) {{ c = Conv(x, w) {tail} }}"
    constants = {"w": draw(rng, 6, 4, 1, 1), "k": draw(rng, 6, 1, 1), "h": np.array(0.5, np.float32)}
    program = right(graph(text, **constants), x=draw(rng, 2, 4, 5, 7))
    assert program.folded["scales_and_shifts"] == tail.count("=")
    assert body(program).count(" = pointwise(") == 1
    assert "Mul(" not in body(program)


@pytest.mark.parametrize(
    ("tail", "why"),
    [
        ("n = Mul(c, k) y = Add(n, c)", "the layer's output is used twice"),
        ("y = Mul(c, wide)", "not one number a channel"),
        ("y = Mul(c, bigger)", "the product is larger than the layer's output"),
        ("y = Div(k, c)", "not linear"),
    ],
)
def test_what_stays(tail: str, why: str) -> None:
    rng = np.random.default_rng(0)
    shape = "3,6,5,7" if "bigger" in tail else "1,6,5,7"
    text = f"(float[1,4,5,7] x) => (float[{shape}] y) {{ c = Conv(x, w) {tail} }}"
    constants = {"w": draw(rng, 6, 4, 1, 1), "k": draw(rng, 6, 1, 1)}
    constants |= {"wide": draw(rng, 6, 1, 7)} if "wide" in tail else {}
    constants |= {"bigger": draw(rng, 3, 1, 1, 1)} if "bigger" in tail else {}
    program = right(graph(text, **constants), x=draw(rng, 1, 4, 5, 7) + np.float32(9), error=1e-5)
    assert program.folded["scales_and_shifts"] == 0, why


def test_weights_that_two_layers_share_are_scaled_for_one() -> None:
    rng = np.random.default_rng(0)
    text = f"(float[1,4,5,7] x) => (float[1,4,5,7] y) {{ c = Conv(x, w) n = {NORM} y = Conv(n, w) }}"
    program = right(graph(text, w=draw(rng, 4, 4, 1, 1), **norm(rng, 4)), x=draw(rng, 1, 4, 5, 7))
    assert sorted(program.weights) == ["w.pointwise", "w_2.pointwise"]


def test_batch_normalisation_alone_is_a_product_and_a_sum() -> None:
    rng = np.random.default_rng(0)
    for shape in ((2, 3), (2, 3, 5), (2, 3, 5, 7)):
        extent = ",".join(map(str, shape))
        text = f"(float[{extent}] c) => (float[{extent}] y) {{ y = {NORM} }}"
        program = right(graph(text, **norm(rng, 3)), c=draw(rng, *shape))
        assert program.folded["split_batch_norms"] == 1
        assert sorted(program.weights) == [] or all(array.ndim == len(shape) - 1 for array in program.weights.values())


def test_constants_and_identities_vanish() -> None:
    text = """(float[2,3] x) => (float[2,3] y, float[2,3] z) {
        a = Constant<value_float=2.0>()
        b = Sqrt(a)
        c = Add(b, k)
        d = Identity(x)
        e = Mul(d, c)
        f = Cast<to=1>(e)
        g, mask = Dropout(f)
        h = Transpose<perm=[0,1]>(g)
        y = Identity(h)
        z = Identity(h)
        unused = Exp(x)
    }"""
    program = right(graph(text, k=np.array([1, 2, 3], np.float32)), x=draw(np.random.default_rng(0), 2, 3))
    assert program.folded["constants"] == 3
    assert program.folded["identities"] == 6
    assert program.folded["dead_steps"] == 1
    assert body(program) == (
        "x = feeds['x']\n"
        "n4 = Mul(x, np.float32([2.4142136573791504, 3.4142136573791504, 4.414213657379150]))\n"
        "del x\n"
        "return {\n    'y': n4,\n    'z': n4,\n}"
    ).replace("4.414213657379150]", "4.41421365737915]")


def test_constants_that_would_grow_stay() -> None:
    text = "(float[1] x) => (float[2000,1000] y) { e = Expand(k, s) y = Mul(x, e) }"
    constants = {"k": np.ones((1, 1), np.float32), "s": np.array([2000, 1000], np.int64)}
    program = right(graph(text, **constants), x=np.ones(1, np.float32))
    assert program.folded["constants"] == 0
    assert sum(array.nbytes for array in program.weights.values()) < 100
