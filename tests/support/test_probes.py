"""The inner values of a model: the same numbers in whatever order they are asked for."""

import numpy as np
import onnx_ir as ir
import pytest

from converter.backends import OnnxRuntime
from converter.support.probes import Activations
from tests.onnx_text import graph

CHAIN = """(float[2,3] x) => (float[2,3] y) {
    a = Relu(x)  b = Sigmoid(a)  c = Add(a, b)
    left, right = Split<axis=0, num_outputs=2>(c)  d = Add(left, right)  y = Mul(c, d) }"""
BRANCHED = """(float[2,3] x) => (float[2,3] y) {
    a = Relu(x)
    y = If(flag) <
        then_branch = t () => (float[2,3] p) { p = Sigmoid(a) },
        else_branch = e () => (float[2,3] q) { q = Neg(a) }
    > }"""
SAMPLES = [{"x": np.random.default_rng(seed).standard_normal((2, 3)).astype(np.float32)} for seed in (0, 1)]


def values(model):
    return {value.name: value for node in model.graph for value in node.outputs}


@pytest.mark.parametrize(
    "asked", [["y"], ["a", "y"], ["d", "b", "y"], ["right", "left", "d"], ["c", "a", "d", "y", "b"]]
)
def test_values_are_those_of_the_whole_model(asked):
    model = graph(CHAIN)
    whole = OnnxRuntime.of(model, list(values(model)))
    found = Activations(model, SAMPLES)
    for name in asked:  # one by one: each begins at what is known by then
        for got, sample in zip(found.of([values(model)[name]]), SAMPLES, strict=True):
            np.testing.assert_array_equal(got[name], whole.run(sample, [name])[name])


def test_only_what_leads_from_known_values_runs(monkeypatch):
    from converter.support import probes

    ran = []
    cut = probes.cut
    monkeypatch.setattr(probes, "cut", lambda nodes, *rest: ran.append([n.op_type for n in nodes]) or cut(nodes, *rest))
    model = graph(CHAIN)
    found = Activations(model, SAMPLES)
    found.of([values(model)["c"]])
    found.of([values(model)["d"]])
    found.of([values(model)["d"]])
    assert ran == [["Relu", "Sigmoid", "Add"], ["Split", "Add"]]
    found.forget()
    found.of([values(model)["a"]])
    assert ran[2:] == [["Relu"]]


def test_a_graph_inside_a_node_reads_what_it_likes():
    model = graph(BRANCHED, flag=np.array(True))
    found = Activations(model, SAMPLES)
    found.of([values(model)["a"]])
    for got, sample in zip(found.of([values(model)["y"]]), SAMPLES, strict=True):
        np.testing.assert_array_equal(got["y"], OnnxRuntime.of(model).run(sample)["y"])
    assert ir.to_proto(model).graph.node[1].op_type == "If"
