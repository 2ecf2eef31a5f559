"""The finished program: how it reads, what it refuses, and that it runs where nothing but numpy is installed."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import pytest
import torch

from converter.errors import UnsupportedOpError
from converter.numpy_runtime import TensorInfo, plan
from tests.numpy_runtime.judge import body, draw, right
from tests.onnx_text import graph


def test_the_program_reads_well() -> None:
    rng = np.random.default_rng(0)
    text = """(float[1,3,8,8] image) => (float[1,10] scores) {
        c = Conv<kernel_shape=[3,3], dilations=[1,1], pads=[1,1,1,1], strides=[2,2], group=1>(image, weight, bias)
        r = Relu(c)
        p = GlobalAveragePool(r)
        f = Reshape(p, shape)
        scores = Gemm<transB=1, alpha=1.0, beta=1.0>(f, fc)
    }"""
    constants = {"weight": draw(rng, 6, 3, 3, 3), "bias": draw(rng, 6), "fc": draw(rng, 10, 6)}
    model = graph(text, **constants, shape=np.array([1, -1], np.int64))
    for node, name in zip(model.graph, ["/stem/stem.0/Conv", "node_Relu_7", "", "view", "class"], strict=True):
        node.name = name
    program = right(model, image=draw(rng, 1, 3, 8, 8))

    assert body(program) == textwrap.dedent("""\
        image = feeds['image']
        stem_0_conv = stem(
            work,
            image,
            w["weight.stem"],
            w["bias"],
            kernel=[3, 3],
            pads=[1, 1, 1, 1],
            strides=[2, 2],
            then=[relu],
            slot=0,
        )
        del image
        mean_pool_2 = mean_pool(work, stem_0_conv, slot=1)
        view = Reshape(mean_pool_2, np.int64([0, -1]))
        class_2 = linear(work, view, w["fc.linear"], slot=0)
        del view
        return {
            'scores': class_2,
        }""")
    assert program.inputs == (TensorInfo("image", ("batch", 3, 8, 8), "float32"),)
    assert program.outputs == (TensorInfo("scores", ("batch", 10), "float32"),)
    assert "any number of items at a time" in program.source


def test_any_batch_where_the_graph_allows_it() -> None:
    rng = np.random.default_rng(0)
    text = """(float[1,4,6] x) => (float[1,6,4] y) {
        a = MatMul(x, w)
        b = Reshape(a, s)
        c = Transpose<perm=[0,2,1]>(b)
        y = Softmax(c)
    }"""
    constants = {"w": draw(rng, 6, 6), "s": np.array([1, 4, 6], np.int64)}
    model = right(graph(text, **constants), x=draw(rng, 1, 4, 6)).load()
    x = draw(rng, 5, 4, 6)
    together = model.run({"x": x})["y"]
    apart = [model.run({"x": item[None]})["y"] for item in x]
    np.testing.assert_allclose(together, np.concatenate(apart), rtol=1e-6)


@pytest.mark.parametrize(
    "text",
    [
        "(float[1,4] x) => (float[1,8] y) { y = Concat<axis=1>(x, k) }",
        "(float[1,4] x) => (float[4] y) { y = Reshape(x, flat) }",
        "(float[1,4] x) => (float[1,1] y) { y = ReduceSum(x) }",
        "(float[2,4] x) => (float[2,4] y) { y = Relu(x) }",
        "(float[1,4] x) => (float[4,1] y) { y = Transpose(x) }",
        # below, the first axis may have any length for all that the shapes say, but its items know of each other
        "(float[1,4] x) => (float[1,4] y) { y = Softmax<axis=0>(x) }",
        "(float[1,4] x) => (float[1,4] y) { y = LpNormalization<axis=-2>(x) }",
        "(float[1,4] x) => (float[1,4] y) { a = Constant<value_int=0>() y = CumSum(x, a) }",
        "(float[1,4] x) => (float[1,4] y) { y = Trilu(x) }",
        "(float[1,4] x) => (float[1,4] y) { y = ScatterND(x, first, row) }",
        "(float[1,4,2] x) => (float[1,1,4,3] y) { y = RNN<hidden_size=3>(x, w, r) }",
        "(float[1,4] x) => (uint8[1,4] y) { y, s, z = DynamicQuantizeLinear(x) }",
    ],
)
def test_a_fixed_batch_is_said_to_be_fixed(text: str) -> None:
    constants = {"k": np.ones((1, 4), np.float32)} if "k)" in text else {}
    constants |= {"flat": np.array([4], np.int64)} if "flat" in text else {}
    if "RNN" in text:
        constants = {"w": np.ones((1, 3, 2), np.float32), "r": np.ones((1, 3, 3), np.float32)}
    if "ScatterND" in text:
        constants = {"first": np.array([0]), "row": np.ones(4, np.float32)}
    program = plan(graph(text, **constants))
    assert isinstance(program.inputs[0].shape[0], int)  # type: ignore[index]
    assert "The batch is fixed" in program.source


def test_named_dimensions_stay_free() -> None:
    program = plan(graph("(float[n,3] x, float[n,3] z) => (float[n,3] y) { y = Add(x, z) }"))
    model = program.load()
    ones = np.ones((7, 3), np.float32)
    assert model.run({"x": ones, "z": ones})["y"].shape == (7, 3)
    with pytest.raises(ValueError, match=r"^input 'z' must have shape \('n', 3\), not \(2, 3\): axis 0 has to be 7$"):
        model.run({"x": ones, "z": ones[:2]})


@pytest.mark.parametrize(
    ("feeds", "message"),
    [
        ({}, "the model needs the inputs ['x'], ['x'] are missing"),
        ({"x": np.zeros((2, 3), np.float32), "q": np.zeros(1)}, "the model has no inputs ['q'], only ['x']"),
        ({"x": np.zeros((2, 3))}, "input 'x' must be float32, not float64: use array.astype(np.float32)"),
        ({"x": np.zeros(3, np.float32)}, "input 'x' must have 2 dimensions (2, 3), not 1 (3,)"),
        ({"x": np.zeros((2, 4), np.float32)}, "input 'x' must have shape (2, 3), not (2, 4): axis 1 has to be 3"),
    ],
)
def test_inputs_that_do_not_fit(feeds: dict[str, Any], message: str) -> None:
    model = plan(graph("(float[2,3] x) => (float[2,3] y) { y = Relu(x) }")).load()
    with pytest.raises(ValueError) as raised:
        model.run(feeds)
    assert str(raised.value) == message


def test_outputs_are_the_callers_own() -> None:
    """Writing into an output changes neither the input nor the weights."""
    text = "(float[2,20] x) => (float[2,20] y, float[20] z) { y = Identity(x) z = Identity(k) }"
    program = plan(graph(text, k=np.ones(20, np.float32)))
    model, x = program.load(), np.ones((2, 20), np.float32)
    for array in model.run({"x": x}).values():
        array += 1
    assert float(x.max()) == 1.0
    assert float(model.run({"x": x})["z"].max()) == 1.0


def test_an_operator_without_a_kernel() -> None:
    model = graph("(float[2,3] x) => (float[2,3] y) { y = Relu(x) }")
    model.graph[0].op_type = "Bernoulli"
    with pytest.raises(UnsupportedOpError) as raised:
        plan(model)
    assert str(raised.value) == (
        "Bernoulli 'n0' cannot run in NumPy\n"
        "  measured: no kernel among the 184 that exist\n"
        "  do:       write the kernel of Bernoulli: one function in converter/numpy_runtime/kernels/\n"
        "  do:       or change the model so that it does without"
    )


def test_an_operator_of_another_domain() -> None:
    model = graph("(float[2,3] x) => (float[2,3] y) { y = Relu(x) }")
    model.graph[0].domain = "com.example"
    with pytest.raises(UnsupportedOpError, match=r"^Relu 'n0' of domain 'com.example' cannot run in NumPy\n"):
        plan(model)


def test_an_element_type_that_numpy_lacks() -> None:
    model = ir.from_onnx_text(
        '<ir_version: 9, opset_import: ["": 20]> g (bfloat16[2] x) => (bfloat16[2] y) { y = Relu(x) }'
    )
    with pytest.raises(UnsupportedOpError) as raised:
        plan(model)
    assert str(raised.value) == (
        "'x' holds BFLOAT16\n  measured: NumPy has no such element type\n  do:       export the model in float32 or float16"
    )


def test_an_opset_that_nobody_knows() -> None:
    model = graph("(float[2] x) => (float[2] y) { y = Relu(x) }")
    model.opset_imports[""] = 99
    with pytest.raises(ValueError, match=r"^this onnx package knows opsets up to \d+, the model has opset 99$"):
        plan(model)


HOSTILE = [
    "a/../../b", "quote'\"", "\"); import os; os.abort()  #", "new\nline", "{{ 7 * 7 }}", "\\", "ünïcödé ☃", "del", "",
    "w", "np", "weights.npy", "..", "__import__('os').abort()", "%s {x}", "a" * 300,
]  # fmt: skip


def hostile_model() -> tuple[ir.Model, dict[str, np.ndarray]]:
    """A chain of additions in which every value, weight and node has a hostile name."""
    rng = np.random.default_rng(0)
    names = [name for name in HOSTILE if name]
    nodes, initializers = [], []
    for n, name in enumerate(names):
        weight = name + "\tweight"
        initializers.append(onnx.numpy_helper.from_array(draw(rng, 12), weight))
        source = "in\n" + names[0] if n == 0 else names[n - 1]
        nodes.append(onnx.helper.make_node("Add", [source, weight], [name], name=name))
    value = onnx.helper.make_tensor_value_info
    proto = onnx.helper.make_model(
        onnx.helper.make_graph(
            nodes,
            'g"""',
            [value("in\n" + names[0], onnx.TensorProto.FLOAT, [2, 12])],
            [value(names[-1], onnx.TensorProto.FLOAT, [2, 12]), value(names[2], onnx.TensorProto.FLOAT, [2, 12])],
            initializers,
        ),
        opset_imports=[onnx.helper.make_opsetid("", 20)],
        ir_version=9,
    )
    return ir.from_proto(proto), {"in\n" + names[0]: draw(rng, 2, 12)}


BLOCKED = """
import sys
BLOCKED = {"onnx", "onnx_ir", "onnxruntime", "torch", "torchvision", "cv2", "converter", "jinja2", "scipy"}
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in BLOCKED:
            raise ImportError("blocked: " + name)
sys.meta_path.insert(0, Block())
"""


def deployed(folder: Path, *arguments: str) -> str:
    """Standard output of the saved program, run where only numpy can be imported, warnings being errors."""
    start = BLOCKED + f"sys.argv = {['numpy_model.py', *arguments]!r}\nimport runpy\n"
    start += f"runpy.run_path({str(folder / 'numpy_model.py')!r}, run_name='__main__')\n"
    done = subprocess.run(
        [sys.executable, "-I", "-W", "error", "-c", start], capture_output=True, text=True, cwd=folder, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_hostile_names_are_harmless(tmp_path: Path) -> None:
    model, feeds = hostile_model()
    program = right(model, **feeds)
    program.save(tmp_path)
    (x,) = feeds.values()
    np.save(tmp_path / "x.npy", x)
    deployed(tmp_path, "x.npy", "-o", "y.npz")
    assert len(program.weights) == len(HOSTILE) - 1
    assert all(
        set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.") for name in program.weights
    )
    with np.load(tmp_path / "weights.npz", allow_pickle=False) as arrays:
        assert sorted(arrays.files) == sorted(program.weights)
        for name, array in program.weights.items():
            np.testing.assert_array_equal(arrays[name], array)
    assert {path.name for path in tmp_path.iterdir()} == {"numpy_model.py", "weights.npz", "x.npy", "y.npz"}


class Small(torch.nn.Module):
    """The blocks of today's mobile networks in miniature."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = torch.nn.Sequential(
            torch.nn.Conv2d(3, 8, 3, 2, 1, bias=False), torch.nn.BatchNorm2d(8), torch.nn.Hardswish()
        )
        self.depth = torch.nn.Sequential(
            torch.nn.Conv2d(8, 8, 5, 1, 2, groups=8), torch.nn.BatchNorm2d(8), torch.nn.SiLU()
        )
        self.squeeze = torch.nn.Sequential(
            torch.nn.AdaptiveAvgPool2d(1), torch.nn.Conv2d(8, 8, 1), torch.nn.Hardsigmoid()
        )
        self.up = torch.nn.Sequential(torch.nn.ConvTranspose2d(8, 6, 2, 2), torch.nn.BatchNorm2d(6), torch.nn.GELU())
        self.attention = torch.nn.MultiheadAttention(6, 2, batch_first=True)
        self.norm = torch.nn.LayerNorm(6)
        self.head = torch.nn.Linear(6, 10)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = self.depth(self.stem(x))
        x = x * self.squeeze(x)
        x = self.up(torch.nn.functional.max_pool2d(x, 3, 2, 1))
        tokens = self.norm(x.flatten(2).transpose(1, 2))
        tokens = tokens + self.attention(tokens, tokens, tokens, need_weights=False)[0]
        image = torch.nn.functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        return self.head(tokens.mean(1)), image


@pytest.fixture(scope="module")
def small() -> tuple[ir.Model, dict[str, np.ndarray], list[np.ndarray]]:
    torch.manual_seed(0)
    module = Small().eval()
    for layer in module.modules():
        if isinstance(layer, torch.nn.BatchNorm2d):
            torch.nn.init.normal_(layer.running_mean)
            torch.nn.init.uniform_(layer.running_var, 0.5, 2)
    x = torch.randn(1, 3, 24, 28)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the exporter's own deprecations
        program = torch.onnx.export(module, (x,), dynamo=True, opset_version=20, verbose=False)
        wanted = [output.numpy() for output in module(x)]
    assert program is not None
    return program.model, {program.model.graph.inputs[0].name or "": x.numpy()}, wanted


def test_a_torch_module(small: Any, tmp_path: Path) -> None:
    model, feeds, wanted = small
    program = plan(model)
    got = list(program.load().run(feeds).values())
    for array, want in zip(got, wanted, strict=True):
        assert array.dtype == np.float32
        assert array.flags.c_contiguous
        assert float(np.abs(array - want).max() / np.abs(want).max()) < 2e-6
    assert program.folded["batch_norms"] >= 0
    assert "BatchNormalization" not in program.source

    program.save(tmp_path)
    (x,) = feeds.values()
    np.save(tmp_path / "x.npy", x)
    printed = deployed(tmp_path, "x.npy", "-o", "y.npz")
    assert printed.splitlines() == [
        f"{info.name}: float32 {want.shape}" for info, want in zip(program.outputs, wanted, strict=True)
    ]
    with np.load(tmp_path / "y.npz") as arrays:
        for name, array in zip(arrays.files, got, strict=True):
            np.testing.assert_array_equal(arrays[name], array)


def test_the_same_model_gives_the_same_bytes(small: Any, tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        plan(small[0]).save(tmp_path / folder)
    for name in ("numpy_model.py", "weights.npz"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_threads_can_be_limited(small: Any, tmp_path: Path) -> None:
    plan(small[0]).save(tmp_path)
    script = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import numpy_model; numpy_model.load(threads=1); print('ok')"
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout == "ok\n", done.stderr


def test_the_profile(small: Any, tmp_path: Path) -> None:
    model, feeds, _ = small
    plan(model).save(tmp_path)
    (x,) = feeds.values()
    np.save(tmp_path / "x.npy", x)
    lines = deployed(tmp_path, "x.npy", "--profile", "--threads", "1").splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith("function "))
    assert lines[start].split() == ["function", "calls", "ms", "share"]
    names = [line.split()[0] for line in lines[start + 1 :]]
    assert {"depthwise", "linear", "attention", "layer_norm", "ConvTranspose", "all"} <= set(names)


def test_the_template_is_glue_only() -> None:
    from converter.resources import resource

    assert len((resource("templates") / "numpy_model.py.j2").read_text().splitlines()) <= 80
