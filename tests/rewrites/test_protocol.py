"""The protocol that every rule relies on, and what every rule file owes."""

from __future__ import annotations

import importlib
import pkgutil
import re
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest

from converter import rewrites
from converter.rewrites import RULES, Decline, Rule, apply, new_constant, rule, rules_for, scalar
from tests.onnx_text import ops, ort_run
from tests.rewrites.judge import graph

FILES = sorted(found.name for found in pkgutil.iter_modules(rewrites.__path__) if not found.name.startswith("_"))


def test_every_file_registers_its_rules():
    assert {found.build.__module__.rpartition(".")[2] for found in RULES.values()} == set(FILES)


@pytest.mark.parametrize("file", FILES)
def test_one_rule_a_file_and_named_like_it(file):
    assert [found.name for found in RULES.values() if found.build.__module__.endswith(f".{file}")] == [file]


@pytest.mark.parametrize("file", FILES)
def test_a_card_says_why_before_after_error(file):
    card = RULES[file].card
    title, blank, *lines = card.splitlines()
    assert " -> " in title and not blank
    heads = [line.split()[0] for line in lines if line and not line.startswith(" ")]
    assert heads == ["Why", "Before", "After", "Error"]
    assert all(len(line) > 9 for line in lines if not line.startswith(" "))


@pytest.mark.parametrize("file", FILES)
def test_the_card_states_the_error_that_the_rule_promises(file):
    stated = re.search(r"^Error   (\S+?)(?::| where)", RULES[file].card, re.MULTILINE)
    assert stated is not None
    assert float(stated[1]) == RULES[file].max_error


@pytest.mark.parametrize("file", FILES)
def test_every_rule_has_its_test_file(file):
    module = importlib.import_module(f"tests.rewrites.test_{file}")
    groups = [kind for name, kind in vars(module).items() if name.startswith("Test") and isinstance(kind, type)]
    assert any(name.startswith("test_declines") for holder in (module, *groups) for name in dir(holder))
    assert f'"{file}"' in Path(module.__file__).read_text()


@pytest.mark.parametrize("file", FILES)
def test_a_rule_asks_for_no_version(file):
    source = Path(importlib.import_module(f"converter.rewrites.{file}").__file__).read_text()
    code = source.split('"""', 2)[2]
    assert not re.search(r"\b(cv2|targets|support|version)\b", code)


def test_rules_for_an_op_come_by_name():
    found = rules_for("HardSigmoid")
    assert [each.name for each in found] == sorted(each.name for each in found)
    assert {each.op_type for each in found} == {"HardSigmoid"}
    assert rules_for("NoSuchOp") == []


def test_two_rules_of_one_name_are_refused():
    def split_hard_swish(node, tape):
        raise AssertionError

    with pytest.raises(
        ValueError,
        match=r"^two rewrites are called split_hard_swish: "
        r"converter\.rewrites\.split_hard_swish, .*test_protocol$",
    ):
        rule("HardSwish", max_error=0.0)(split_hard_swish)
    assert RULES["split_hard_swish"].build.__module__ == "converter.rewrites.split_hard_swish"


def twice(node, tape):
    return tape.op("Mul", [tape.op("Add", [node.inputs[0], scalar(tape, 1.0)]), scalar(tape, 2.0)])


TWICE = Rule("twice", "Relu", 0.0, twice)


@pytest.mark.parametrize("shape", ["", "3", "2,3", "2,3,4,5"])
def test_apply_names_types_and_keeps_the_output(shape, rng):
    kind = f"float[{shape}]" if shape else "float"
    model = graph(f"({kind} x) => ({kind} y, {kind} z) {{ a = Neg(x)  y = Relu(a)  z = Neg(y) }}")
    extents = [int(n) for n in shape.split(",")] if shape else []
    x = np.asarray(rng.standard_normal(extents), np.float32)

    outcome = apply(TWICE, model.graph[1])

    assert (outcome.node, outcome.op_type, outcome.rule, outcome.declined) == ("n1", "Relu", "twice", None)
    assert [node.name for node in outcome.nodes] == ["n1/twice/Add_0", "n1/twice/Mul_1"]
    assert ops(model) == ["Neg", "Add", "Mul", "Neg"]
    assert [value.name for value in model.graph.outputs] == ["y", "z"]
    for node in outcome.nodes:
        assert node.outputs[0].dtype == ir.DataType.FLOAT
        assert list(node.outputs[0].shape) == extents
    onnx.checker.check_model(ir.to_proto(model), full_check=True)
    y, z = ort_run(model, {"x": x})
    np.testing.assert_array_equal(y, (1 - x) * 2)
    np.testing.assert_array_equal(z, -y)


def test_names_stay_unique_when_a_rule_is_used_again():
    model = graph("(float[2] x) => (float[2] y) { a = Relu(x)  b = Relu(a)  y = Relu(b) }")
    for node in list(model.graph):
        apply(TWICE, node)
    names = [node.name for node in model.graph] + [value.name for node in model.graph for value in node.outputs]
    assert len(set(names)) == len(names) == 12
    assert len(model.graph.initializers) == 6
    onnx.checker.check_model(ir.to_proto(model), full_check=True)


def test_a_decline_leaves_the_graph_byte_equal():
    def never(node, tape):
        raise Decline("for a reason")

    model = graph("(float[2,3] x) => (float[2,3] y) { y = Relu(x) }")
    before = ir.to_proto(model).SerializeToString()
    outcome = apply(Rule("never", "Relu", 0.0, never), model.graph[0])
    assert (outcome.declined, outcome.nodes) == ("for a reason", ())
    assert ir.to_proto(model).SerializeToString() == before


def test_a_rule_must_give_one_value_per_output():
    model = graph("(float[4] x) => (float[2] y, float[2] z) { y, z = Split<num_outputs=2>(x) }")
    with pytest.raises(ValueError, match=r"^rule twice gave 1 values for the 2 outputs of Split$"):
        apply(TWICE, model.graph[0])


def test_a_scalar_adds_no_dimension():
    tape = ir.tape.Tape()
    assert scalar(tape, 0.5).const_value.numpy().shape == ()
    assert new_constant(tape, np.ones((2, 3), np.float32)).const_value.numpy().shape == (2, 3)


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        (lambda: rewrites.constant(None, "the scale"), "the scale is absent"),
        (lambda: rewrites.shape_of(None, "the weight"), "the weight is absent"),
        (lambda: rewrites.float32(None, "the input"), "the input is absent"),
    ],
)
def test_absent_inputs_decline(question, reason):
    with pytest.raises(Decline, match=f"^{reason}$"):
        question()
