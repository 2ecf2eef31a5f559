"""What a program says in NumPy's own words: views by known numbers, and linear layers without Reshapes around them."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from converter.numpy_runtime import plan
from tests.numpy_runtime.judge import body, draw
from tests.onnx_text import graph, ort_run

VIEWS = {
    "Reshape(x, three)": ("float[2,6,4]", ".reshape(2, -1, 4)"),
    "Transpose<perm=[2, 0, 1]>(x)": ("float[4,2,6]", ".transpose(2, 0, 1)"),
    "Squeeze(u, zero)": ("float[2,6,4]", ".squeeze((0,))"),
    "Unsqueeze(x, last)": ("float[2,6,1,4]", "[:, :, None]"),
    "Slice(x, one, far, one)": ("float[2,5,4]", "[:, 1:]"),
    "Slice(x, back, last, two)": ("float[2,6,2]", "[:, :, -3:-1]"),
    "Slice(x, far_back, far, one, by)": ("float[2,3,4]", "[:, -100::2]"),
    "Slice(x, zero, two)": ("float[2,6,4]", "[:2]"),
}
NUMBERS = {
    "three": [2, -1, 4], "zero": [0], "one": [1], "two": [2], "last": [-1], "back": [-3], "far": [2**62], "far_back": [-100],
    "by": [2],
}  # fmt: skip
LAST = {"Unsqueeze(x, last)": [-2]}


@pytest.mark.parametrize("call", VIEWS)
def test_views(call: str) -> None:
    kind, expected = VIEWS[call]
    numbers = {**NUMBERS, "last": LAST.get(call, NUMBERS["last"])}
    names = set(re.findall(r"\w+", call.partition("(")[2])) | ({"zero"} if "(u" in call else set())
    constants = {name: np.array(value) for name, value in numbers.items() if name in names}
    first = "u = Unsqueeze(x, zero)" if "(u" in call else "u = Abs(x)"
    model = graph(f"(float[2,6,4] x) => ({kind} y) {{ {first} v = {call} y = Neg(v) }}", **constants)
    feeds = {"x": draw(np.random.default_rng(0), 2, 6, 4)}
    program = plan(model)
    np.testing.assert_array_equal(program.load().run(feeds)["y"], ort_run(model, feeds)[0])
    assert expected in body(program)
    assert f"def {call.split('(')[0].split('<')[0]}(" not in program.source


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        ("Slice(x, end, start, one, backwards)", "float[2,6,4]"),
        ("Reshape(x, taken)", "float[2,24]"),
        ("Squeeze(x)", "float[2,6,4]"),
    ],
)
def test_others_stay_with_their_kernels(call: str, kind: str) -> None:
    numbers = {"end": [-1], "start": [-100], "one": [1], "backwards": [-1], "taken": [0, -1]}
    model = graph(f"(float[2,6,4] x) => ({kind} y) {{ v = {call} y = Neg(v) }}",
                  **{name: np.array(value) for name, value in numbers.items() if name in call})  # fmt: skip
    feeds = {"x": draw(np.random.default_rng(0), 2, 6, 4)}
    program = plan(model)
    np.testing.assert_array_equal(program.load().run(feeds)["y"], ort_run(model, feeds)[0])
    assert f"def {call.split('(')[0]}(" in program.source


@pytest.mark.parametrize("behind", ["[1, 12, 7]", "[-1, 4, 7]", "[3, 4, 7]"])
def test_linear_layers_take_leading_dimensions(behind: str) -> None:
    """The sum is computed with the layer, and of the Reshapes one stays at most."""
    rng = np.random.default_rng(0)
    shape = [3 if n == -1 else n for n in np.array(json.loads(behind))]
    kind = f"float[{','.join(map(str, shape))}]"
    text = f"""(float[2,6,5] x, {kind} r) => ({kind} y) {{
        a = Abs(x)
        rows = Reshape(a, matrix)
        m = Gemm(rows, w, b)
        back = Reshape(m, behind)
        y = Add(back, r)
    }}"""
    model = graph(
        text, w=draw(rng, 5, 7), b=draw(rng, 7), matrix=np.array([-1, 5]), behind=np.array(json.loads(behind))
    )
    feeds = {"x": draw(rng, 2, 6, 5), "r": draw(rng, *shape)}
    program = plan(model)
    np.testing.assert_allclose(program.load().run(feeds)["y"], ort_run(model, feeds)[0], rtol=0, atol=2e-6)
    assert body(program).count(".reshape(") == 1
    assert "Add(" not in body(program)


def test_a_matrix_that_others_read_stays() -> None:
    rng = np.random.default_rng(0)
    text = """(float[2,3,5] x) => (float[2,3,7] y, float[7,6] z) {
        rows = Reshape(x, matrix)
        m = Gemm(rows, w, b)
        y = Reshape(m, behind)
        z = Transpose<perm=[1, 0]>(m)
    }"""
    model = graph(text, w=draw(rng, 5, 7), b=draw(rng, 7), matrix=np.array([-1, 5]), behind=np.array([2, 3, 7]))
    feeds = {"x": draw(rng, 2, 3, 5)}
    program = plan(model)
    for got, wanted in zip(program.load().run(feeds).values(), ort_run(model, feeds), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=0, atol=2e-6)
    assert body(program).count(".reshape(") == 2
