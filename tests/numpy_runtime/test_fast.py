"""Fast forms: every one against ONNX Runtime on drawn shapes, with what follows the layer, on one thread and on two."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import onnx_ir as ir
import pytest

from converter.npz import save_npz
from converter.numpy_runtime import KERNELS, plan
from converter.numpy_runtime.fast import ACTIVATIONS, FORMS
from converter.numpy_runtime.loading import read_weights
from converter.numpy_runtime.running import Runner
from converter.render import paste
from tests.numpy_runtime.judge import body, draw, judged
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
    if form == "grouped":
        group = int(rng.integers(2, 5))
        channels, filters = group * int(rng.integers(1, 5)), group * int(rng.integers(2, 5))
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
@pytest.mark.parametrize("form", ["columns", "depthwise", "grouped", "pointwise", "stem", "winograd"])
def test_convolutions(form: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    following = list(FOLLOWING)[int(rng.integers(len(FOLLOWING)))]
    model, feeds = convolution(rng, form, following)
    program = judged(model, feeds, 1.5e-5 if form == "winograd" else 3e-6)
    lines = body(program).splitlines()
    called = {"grouped": "columns"}.get(form, form)
    assert sum(f" = {called}(" in line for line in lines) == 1, "\n".join(lines)


@pytest.mark.parametrize("side", [13, 17, 38])
@pytest.mark.parametrize(("form", "stride"), [("winograd", 1), ("columns", 2)])
def test_several_images_of_several_sizes(form: str, stride: int, side: int) -> None:
    """Small ones are one piece of work, large ones several."""
    rng = np.random.default_rng(side)
    out = (side - 1) // stride + 1
    text = f"""(float[2,20,{side},{side}] x, float[2,24,{out},{out}] r) => (float[2,24,{out},{out}] y) {{
        c = Conv<strides=[{stride}, {stride}], pads=[1, 1, 1, 1]>(x, w, b)
        s = Add(c, r)
        y = Relu(s)
    }}"""
    feeds = {"x": draw(rng, 2, 20, side, side), "r": draw(rng, 2, 24, out, out)}
    model = graph(text, w=draw(rng, 24, 20, 3, 3) / np.float32(13), b=draw(rng, 24))
    assert f" = {form}(" in body(judged(model, feeds, 1.5e-5))


@pytest.mark.parametrize("rows", [1, 30, 2000])
def test_linear_layers_of_one_piece_and_of_several(rows: int) -> None:
    rng = np.random.default_rng(rows)
    text = f"""(float[{rows},33] x, float[{rows},65] r) => (float[{rows},65] y) {{
        m = Gemm(x, w, b)
        s = Add(m, r)
        y = Gelu(s)
    }}"""
    feeds = {"x": draw(rng, rows, 33), "r": draw(rng, rows, 65)}
    assert " = linear(" in body(judged(graph(text, w=draw(rng, 33, 65), b=draw(rng, 65)), feeds, 3e-6))


@pytest.mark.parametrize(
    ("dilation", "form"), [(12, "pointwise"), (9, "columns"), (11, "columns"), (1, "winograd"), (30, "pointwise")]
)
def test_places_of_a_kernel_that_see_only_zeros_are_left_out(dilation: int, form: str) -> None:
    rng = np.random.default_rng(0)
    text = f"""(float[1,16,12,13] x) => (float[1,17,12,13] y) {{
        y = Conv<dilations=[{dilation}, {dilation + 1}], pads=[{dilation}, {dilation + 1}, {dilation}, {dilation + 1}]>(x, w)
    }}"""
    if dilation == 1:
        text = text.replace("[1, 2]", "[1, 1]").replace("[1, 2, 1, 2]", "[1, 1, 1, 1]")
    program = judged(graph(text, w=draw(rng, 17, 16, 3, 3) / 12), {"x": draw(rng, 1, 16, 12, 13)}, 4e-6)
    assert f" = {form}(" in body(program)


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


def test_everything_can_stand_in_one_program() -> None:
    """No name is used twice: a network may need any of the kernels and forms together."""
    pasted = paste([*KERNELS.values(), *FORMS.values(), *ACTIVATIONS.values(), Runner, read_weights])
    compile(pasted.body, "pasted", "exec")


def test_every_form_is_called_alike() -> None:
    for name, form in FORMS.items():
        parameters = list(inspect.signature(form).parameters.values())
        assert parameters[0].name == "work"
        assert parameters[-1].name == "slot", name
        assert name.islower()
        assert form.__doc__
    for name, activation in ACTIVATIONS.items():
        assert list(inspect.signature(activation).parameters)[:2] == ["x", "spare"], name


def attention_model(rng: np.random.Generator, kind: str) -> tuple[ir.Model, dict[str, np.ndarray]]:
    """Two windows of three heads over five places, of four numbers each."""
    scores = {
        "plain": "s = MatMul(q, k)",
        "scaled": "a = Mul(q, half) b = Mul(k, half) s = MatMul(a, b)",
        "divided": "m = MatMul(q, k) s = Div(m, two)",
        "masked": "m = MatMul(q, k) d = Mul(m, half) s = Add(d, mask)",
        "two masks": "m = MatMul(q, k) d = Add(m, mask) r = Reshape(d, five) e = Add(r, other) s = Reshape(e, four)",
    }[kind]
    every = {
        "half": np.float32(0.5),
        "two": np.float32(2),
        "mask": draw(rng, 1, 3, 5, 5),
        "other": draw(rng, 1, 2, 1, 5, 5),
        "five": np.array([-1, 2, 3, 5, 5]),
        "four": np.array([-1, 3, 5, 5]),
    }
    text = f"""(float[2,3,5,4] q, float[2,3,5,4] keys, float[2,3,5,4] v) => (float[2,3,5,4] y) {{
        k = Transpose<perm=[0, 1, 3, 2]>(keys)
        {scores}
        p = Softmax<axis=-1>(s)
        y = MatMul(p, v)
    }}"""
    model = graph(text, **{name: array for name, array in every.items() if name in scores.replace("two masks", "")})
    return model, {name: draw(rng, 2, 3, 5, 4) for name in ("q", "keys", "v")}


@pytest.mark.parametrize("kind", ["plain", "scaled", "divided", "masked", "two masks"])
def test_attention(kind: str) -> None:
    model, feeds = attention_model(np.random.default_rng(0), kind)
    program = judged(model, feeds, 2e-6)
    assert " = attention(" in body(program)
    assert "Softmax(" not in body(program)


def test_attention_where_rows_differ_by_far() -> None:
    """Of the rows that the largest score lets vanish, each is computed for itself."""
    rng = np.random.default_rng(0)
    model, feeds = attention_model(rng, "plain")
    feeds["q"] *= np.array([1, 300, 1e4, -1e4, 0], np.float32)[:, None]
    judged(model, feeds, 2e-6)


def test_attention_where_a_mask_leaves_nothing_of_a_row() -> None:
    text = """(float[1,2,5,4] q, float[1,2,4,5] k, float[1,2,5,4] v) => (float[1,2,5,4] y) {
        m = MatMul(q, k)
        s = Add(m, mask)
        p = Softmax<axis=-1>(s)
        y = MatMul(p, v)
    }"""
    rng = np.random.default_rng(0)
    mask = np.zeros((1, 1, 5, 5), np.float32)
    mask[..., 2, :] = -1e9
    mask[..., 3, 1:] = -np.inf
    feeds = {"q": draw(rng, 1, 2, 5, 4), "k": draw(rng, 1, 2, 4, 5), "v": draw(rng, 1, 2, 5, 4)}
    assert " = attention(" in body(judged(graph(text, mask=mask), feeds, 2e-6))


def test_attention_that_others_look_into_stays() -> None:
    text = """(float[2,3,5,4] q, float[2,3,4,5] k, float[2,3,5,4] v) => (float[2,3,5,4] y, float[2,3,5,5] p) {
        s = MatMul(q, k)
        p = Softmax<axis=-1>(s)
        y = MatMul(p, v)
    }"""
    rng = np.random.default_rng(0)
    feeds = {"q": draw(rng, 2, 3, 5, 4), "k": draw(rng, 2, 3, 4, 5), "v": draw(rng, 2, 3, 5, 4)}
    assert "Softmax(" in body(judged(graph(text), feeds, 2e-6))


@pytest.mark.parametrize("seed", range(6))
def test_layer_norm(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, width = (int(n) for n in rng.integers(1, 70, 2))
    bias = ", b" if seed % 2 else ""
    text = f"""(float[2,{rows},{width}] x) => (float[2,{rows},{width}] y) {{
        y = LayerNormalization<axis=-1, epsilon=0.001>(x, s{bias})
    }}"""
    constants = {"s": draw(rng, width)} | ({"b": draw(rng, width)} if bias else {})
    program = judged(graph(text, **constants), {"x": draw(rng, 2, rows, width) + np.float32(1)}, 4e-6)
    assert " = layer_norm(" in body(program)


def test_half_weights() -> None:
    rng = np.random.default_rng(0)
    model, feeds = convolution(rng, "winograd", "Relu")
    whole, half = plan(model), plan(model, half=True)
    assert {array.dtype.name for array in half.weights.values() if array.ndim > 1} == {"float16"}
    (wanted,), (got,) = (program.load().run(feeds).values() for program in (whole, half))
    assert got.dtype == np.float32
    assert 0 < float(np.abs(got - wanted).max() / np.abs(wanted).max()) < 1e-3


def test_weights_are_seen_in_the_file(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    arrays = {
        "a.b": draw(rng, 3, 5), "whole": np.array([1, 2]), "single": np.float32(3), "none": np.zeros((0, 3), np.float16),
        "yes": np.array([True]), "double": rng.normal(size=(7, 2)), "half": np.ones(3, np.float16),
    }  # fmt: skip
    save_npz(tmp_path / "stored.npz", arrays)
    np.savez_compressed(tmp_path / "compressed.npz", **arrays)
    np.savez(tmp_path / "plain.npz", **arrays, fortran=np.asfortranarray(draw(rng, 3, 4)))
    for name in ("stored", "compressed", "plain"):
        found = read_weights(tmp_path / f"{name}.npz")
        with np.load(tmp_path / f"{name}.npz") as wanted:
            assert sorted(found) == sorted(wanted.files)
            for key in found:
                assert (found[key].dtype, found[key].shape) == (wanted[key].dtype, wanted[key].shape)
                np.testing.assert_array_equal(found[key], wanted[key])
                assert not (name == "stored" and found[key].flags.writeable), "a copy"
