"""Fast forms: every one against ONNX Runtime on drawn shapes, with what follows the layer, on one thread and on two."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import onnx_ir as ir
import pytest

from converter.numpy_runtime import Program, plan
from converter.numpy_runtime.fast import ACTIVATIONS, FORMS
from converter.numpy_runtime.fast.workspace import Workspace, parts
from tests.numpy_runtime.judge import body, draw
from tests.onnx_text import graph, ort_run

FOLLOWING = {
    "": "y = Identity(c)",
    "Relu": "y = Relu(c)",
    "Clip": "y = Clip(c, low, high)",
    "Clip from 0": "y = Clip(c, zero)",
    "LeakyRelu": "y = LeakyRelu<alpha=0.3>(c)",
    "Sigmoid": "y = Sigmoid(c)",
    "Tanh": "y = Tanh(c)",
    "HardSigmoid": "y = HardSigmoid<alpha=0.3, beta=0.4>(c)",
    "HardSwish": "y = HardSwish(c)",
    "Gelu": "y = Gelu(c)",
    "Gelu tanh": 'y = Gelu<approximate="tanh">(c)',
    "Swish": "s = Sigmoid(c) y = Mul(s, c)",
    "Add": "y = Add(r, c)",
    "Add, Relu": "s = Add(c, r) y = Relu(s)",
}
NUMBERS = {"low": np.float32(-0.5), "high": np.float32(0.75), "zero": np.float32(0)}


def judged(model: ir.Model, feeds: dict[str, np.ndarray], error: float) -> Program:
    """The program, right on one thread and on two, and when it runs again in the same memory."""
    program = plan(model)
    wanted = ort_run(model, feeds)
    for threads in (1, 2):
        loaded = program.load(threads=threads)
        loaded.run({name: array[::-1].copy() for name, array in feeds.items()})
        for got, want in zip(loaded.run(feeds).values(), wanted, strict=True):
            assert (got.dtype, got.shape) == (want.dtype, want.shape)
            np.testing.assert_allclose(got, want, rtol=0, atol=error * max(1.0, float(np.abs(want).max())))
    return program


def convolution(rng: np.random.Generator, form: str, following: str) -> tuple[ir.Model, dict[str, np.ndarray]]:
    """One layer that takes the form, with what follows."""
    batch = int(rng.integers(1, 4))
    filters, channels = (int(n) for n in rng.integers(5, 20, 2))
    kernel, strides = [int(n) for n in rng.integers(1, 5, 2)], [int(n) for n in rng.integers(1, 4, 2)]
    dilations, pads = [int(n) for n in rng.integers(1, 3, 2)], [int(n) for n in rng.integers(0, 4, 4)]
    kernel[0] = max(kernel[0], 2)  # not pointwise
    size, group = [int(n) for n in rng.integers(9, 26, 2)], 1
    if form == "stem":
        channels = int(rng.integers(1, 5))
    if form == "pointwise":
        kernel, dilations, pads = [1, 1], [1, 1], [0] * 4
    if form == "depthwise":
        channels = int(rng.choice([3, 17, 260]))
        filters = group = channels
    if form == "winograd":
        kernel, strides, dilations = [3, 3], [1, 1], [1, 1]
        filters, channels = (int(n) for n in rng.integers(16, 40, 2))
        size = [int(n) for n in rng.integers(15, 40, 2)]
    out = [
        (n + before + after - (k - 1) * d - 1) // s + 1
        for n, before, after, k, d, s in zip(size, pads[:2], pads[2:], kernel, dilations, strides, strict=True)
    ]
    shape = ",".join(map(str, (batch, filters, *out)))
    residual = f", float[{shape}] r" if "Add" in following else ""
    bias = ", b" if rng.random() < 0.7 else ""
    text = f"""(float[{batch},{channels},{size[0]},{size[1]}] x{residual}) => (float[{shape}] y) {{
        c = Conv<strides={strides}, dilations={dilations}, pads={pads}, group={group}>(x, w{bias})
        {FOLLOWING[following]}
    }}"""
    constants: dict[str, Any] = {name: array for name, array in NUMBERS.items() if name in FOLLOWING[following]}
    fan_in = channels // group * kernel[0] * kernel[1]
    constants["w"] = draw(rng, filters, channels // group, *kernel) / np.float32(np.sqrt(fan_in))
    if bias:
        constants["b"] = draw(rng, filters)
    feeds = {"x": draw(rng, batch, channels, *size)}
    if residual:
        feeds["r"] = draw(rng, batch, filters, *out)
    return graph(text, **constants), feeds


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("form", ["columns", "depthwise", "pointwise", "stem", "winograd"])
def test_convolutions(form: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    following = list(FOLLOWING)[int(rng.integers(len(FOLLOWING)))]
    model, feeds = convolution(rng, form, following)
    program = judged(model, feeds, 1.5e-5 if form == "winograd" else 3e-6)
    lines = body(program).splitlines()
    assert sum(f" = {form}(" in line for line in lines) == 1, "\n".join(lines)


@pytest.mark.parametrize("following", FOLLOWING)
def test_what_follows_is_fused(following: str) -> None:
    model, feeds = convolution(np.random.default_rng(5), "pointwise", following)
    program = judged(model, feeds, 3e-6)
    assert {step.split("(")[0].split(" = ")[-1] for step in body(program).splitlines() if " = " in step} <= {
        "pointwise", "feeds['x']", "feeds['r']", "[0, 0, 0, 0], strides",
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(8))
def test_linear_layers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, inside, width = (int(n) for n in rng.integers(1, 60, 3))
    text = f"""(float[2,{rows},{inside}] x, float[2,{rows},{width}] r) => (float[2,{rows},{width}] y) {{
        m = MatMul(x, w)
        a = Add(m, b)
        g = Gelu(a)
        n = MatMul(g, v)
        s = Add(r, n)
        y = Relu(s)
    }}"""
    weights = {"w": draw(rng, inside, width), "b": draw(rng, width), "v": draw(rng, width, width)}
    feeds = {"x": draw(rng, 2, rows, inside), "r": draw(rng, 2, rows, width)}
    program = judged(graph(text, **weights), feeds, 3e-6)
    assert body(program).count(" = linear(") == 2
    assert "Add(" not in body(program)


@pytest.mark.parametrize("flipped", [0, 1])
def test_gemm(flipped: int) -> None:
    rng = np.random.default_rng(flipped)
    weight = draw(rng, 7, 5) if flipped else draw(rng, 5, 7)
    text = f"(float[3,5] x) => (float[3,7] y) {{ y = Gemm<transB={flipped}, alpha=0.5, beta=2.0>(x, w, b) }}"
    program = judged(graph(text, w=weight, b=draw(rng, 7)), {"x": draw(rng, 3, 5)}, 2e-6)
    assert " = linear(" in body(program)


def test_any_batch_of_a_sum_with_a_constant() -> None:
    """The constant has one item, the batch may have many."""
    rng = np.random.default_rng(0)
    model = graph(
        "(float[1,4,6] x) => (float[1,4,6] y) { m = MatMul(x, w) y = Add(m, k) }",
        w=draw(rng, 6, 6),
        k=draw(rng, 1, 4, 6),
    )
    loaded, x = plan(model).load(), draw(rng, 3, 4, 6)
    wanted = [ort_run(model, {"x": item[None]})[0] for item in x]
    np.testing.assert_allclose(loaded.run({"x": x})["y"], np.concatenate(wanted), rtol=0, atol=1e-5)


def test_memory_is_used_again_but_not_too_early() -> None:
    """A view of the first result is read after three more: its slot is not theirs."""
    rng = np.random.default_rng(0)
    text = """(float[1,4,6] x) => (float[1,6,4] y) {
        a = MatMul(x, w)
        t = Transpose<perm=[0, 2, 1]>(a)
        b = MatMul(a, w)
        c = MatMul(b, w)
        d = MatMul(c, w)
        e = Transpose<perm=[0, 2, 1]>(d)
        y = Sub(t, e)
    }"""
    program = judged(graph(text, w=draw(rng, 6, 6) / 3), {"x": draw(rng, 1, 4, 6)}, 3e-6)
    slots = [line.split("slot=")[1].rstrip(")") for line in body(program).splitlines() if "slot=" in line]
    assert slots == ["0", "1", "2", "1"]


def test_float64_stays_with_the_kernels() -> None:
    rng = np.random.default_rng(0)
    model = graph("(double[3,5] x) => (double[3,7] y) { y = MatMul(x, w) }", w=rng.normal(size=(5, 7)))
    assert "linear" not in body(judged(model, {"x": rng.normal(size=(3, 5))}, 1e-12))


def test_every_form_is_called_alike() -> None:
    for name, form in FORMS.items():
        parameters = list(inspect.signature(form).parameters.values())
        assert parameters[0].name == "work"
        assert parameters[-1].name == "slot", name
        assert name.islower()
        assert form.__doc__
    for name, activation in ACTIVATIONS.items():
        assert list(inspect.signature(activation).parameters)[:2] == ["x", "spare"], name


@pytest.mark.parametrize(
    ("total", "most", "threads"), [(1, 5, 2), (7, 3, 1), (7, 3, 2), (100, 1000, 2), (5, 1, 4), (0, 3, 2)]
)
def test_parts(total: int, most: int, threads: int) -> None:
    found = parts(total, most, threads)
    assert [n for start, stop in found for n in range(start, stop)] == list(range(total))
    assert max(stop - start for start, stop in found) <= max(most, 1)


def test_an_error_of_another_thread_is_raised() -> None:
    def job(number: int, _: Any) -> None:
        raise ZeroDivisionError(str(number))

    with pytest.raises(ZeroDivisionError):
        Workspace(2).spread(job, 4)
