"""What is written: which bytes change, how a model is cut, what islands.py holds."""

from __future__ import annotations

import ast

import numpy as np
import onnx
import pytest

from converter import island_net
from converter.errors import UnsupportedOpError
from converter.islands import Island, islands_of, plan_islands, render_islands
from converter.islands.parts import Part, cut_around
from converter.islands.stand_ins import stand_in, stand_ins_of
from converter.numpy_runtime.kernels import KERNELS
from converter.render import paste
from converter.targets import Target
from tests.islands.cases import CASES, Case
from tests.onnx_text import ort_run

LAYERS = Target("4.10.0", "classic")
PARTS = Target("5.0.0", "new")


def planned(case, target=PARTS, mechanism="parts", names=None):
    model = case.model()
    return plan_islands(target, mechanism, model, model.SerializeToString(), names or case.islands)


def steps(plan):
    """A part as its operators, an island as its node."""
    return [
        step.node if isinstance(step, Island) else " ".join(n.op_type for n in step.model.graph.node)
        for step in plan.steps
    ]


def test_bytes_are_found_by_structure():
    """Names, constants and other nodes that hold the operator's letters stay as they are."""
    model = Case(
        "(float[1,4] x) => (float[1,4] y) { Clip = Clip(x, , Clip_Clip)\nb = Clip(Clip)\ny = Relu(b) }",
        (),
        {"Clip_Clip": np.float32(0.5)},
    ).model()
    model.graph.doc_string = "Clip"
    serialized = model.SerializeToString()
    changed = bytearray(serialized)
    for found in stand_ins_of(serialized, ["n0"]):
        for offset, there, instead in found.patches:
            assert serialized[offset : offset + len(there)] == there
            changed[offset : offset + len(there)] = instead
    patched = onnx.load_from_string(bytes(changed))
    first = patched.graph.node[0]
    assert (first.op_type, list(first.input), list(first.output)) == ("Q000", ["x", "Clip_Clip"], ["Clip"])
    patched.graph.node[0].CopyFrom(model.graph.node[0])
    assert patched == model


def test_stand_ins_are_free_and_each_given_once():
    schemas = {schema.name for schema in onnx.defs.get_all_schemas()}
    for size in {len(name) for name in schemas}:
        names = [stand_in(number, size) for number in range(36)]
        assert len(set(names)) == 36
        assert {len(name) for name in names} == {size}
        assert not schemas & set(names)
    assert [stand_in(number, 3) for number in (0, 35, 36, 1295)] == ["Q00", "Q0z", "Q10", "Qzz"]
    with pytest.raises(ValueError, match="no 37 names of 2 letters"):
        stand_in(36, 2)


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("first", ["n0", "Sigmoid"]),
        ("last", ["Sigmoid", "n1"]),
        ("alone", ["n0"]),
        ("in a row", ["Relu", "n1", "n2", "Sigmoid"]),
        ("two of one operator", ["n0", "Sigmoid", "n2", "Sigmoid"]),
        ("branches", ["Conv", "n1", "n3", "Sigmoid Conv Add", "n6", "Add"]),
    ],
)
def test_cuts(title, expected):
    assert steps(planned(CASES[title])) == expected


def test_a_part_waits_for_no_island_that_it_does_not_need():
    text = "(float[1,4] x) => (float[1,4] y) { a = Erf(x)\nb = Erf(a)\nc = Relu(b)\nd = Sigmoid(x)\ny = Add(c, d) }"
    assert steps(planned(Case(text, ("n0", "n1")))) == ["Sigmoid", "n0", "n1", "Relu Add"]


@pytest.mark.parametrize("title", CASES)
def test_parts_are_models_and_together_the_whole(title):
    """In ONNX Runtime, with the kernels between; each holds the constants it reads and no others."""
    case = CASES[title]
    model = case.model()
    sample = case.samples(model)[0]
    values = dict(sample)
    for step in cut_around(model, islands_of(model, case.islands)):
        if isinstance(step, Part):
            onnx.checker.check_model(step.model, full_check=True)
            read = {name for node in step.model.graph.node for name in node.input}
            assert {tensor.name for tensor in step.model.graph.initializer} <= read
            found = ort_run(step.model, {tensor.name: values[tensor.name] for tensor in step.inputs})
        else:
            inputs = [
                (i.name, i.shape, i.dtype) if hasattr(i, "dtype") and hasattr(i, "name") else i for i in step.inputs
            ]
            outputs = [o and (o.name, o.shape, o.dtype) for o in step.outputs]
            island = island_net.Island(step.node, KERNELS[step.op], step.attributes, inputs, outputs)
            found = island.run([values[name] for name, _, _ in island.reads])
        for tensor, array in zip(step.outputs, found, strict=True):
            if tensor is not None:
                assert (array.shape, array.dtype.name) == (tensor.shape, tensor.dtype)
                values[tensor.name] = array
    for name, expected in zip([output.name for output in model.graph.output], ort_run(model, sample), strict=True):
        np.testing.assert_allclose(values[name], expected, rtol=1e-5, atol=1e-6)


def test_targets_share_parts_and_islands():
    case = CASES["branches"]
    classic = Target("5.0.0", "classic")
    plans = [planned(case), planned(case, classic), planned(case, LAYERS, "layers", ("n1",))]
    kit = render_islands(plans)
    assert list(kit.parts) == ["model-5.0.0-1.onnx", "model-5.0.0-2.onnx", "model-5.0.0-3.onnx"]
    assert kit.files == {"5.0.0": tuple(kit.parts), "5.0.0-classic": tuple(kit.parts), "4.10.0": ()}
    again = render_islands(plans)
    assert (again.source, again.parts, again.files) == (kit.source, kit.parts, kit.files)


def test_the_text_is_python_3_8_and_evaluates(tmp_path):
    case = CASES["constant first"]
    kit = render_islands([planned(case, LAYERS, "layers"), planned(case)])
    ast.parse(kit.source, feature_version=(3, 8))
    kit.save(tmp_path)
    scope = {"__file__": str(tmp_path / "islands.py"), "__name__": "islands"}
    exec(compile(kit.source, "islands.py", "exec"), scope)
    assert scope["ISLANDS"] == {
        "n1": ("Pow", {}, {}, ["0.0", ("a", (1, 3, 4, 6), "float32")], [("b", (1, 3, 4, 6), "float32")])
    }
    with np.load(tmp_path / "islands.npz") as arrays:
        np.testing.assert_array_equal(arrays["0.0"], case.constants["k"])


def test_all_kernels_can_stand_beside_the_net():
    pasted = paste([island_net.LayeredNet, island_net.PartedNet, island_net.connect, *KERNELS.values()])
    ast.parse("\n".join([*pasted.imports, pasted.body]), feature_version=(3, 8))


def test_what_cannot_be_an_island():
    text = "(float[1,4] x) => (float[1,4] y) { y = Relu(x) }"
    with pytest.raises(ValueError, match=r"0 nodes are called \['other'\]"):
        islands_of(Case(text, ()).model(), ["other"])
    open_model = Case("(float[N,4] x) => (float[N,4] y) { y = Relu(x) }", ()).model()
    with pytest.raises(UnsupportedOpError) as error:
        islands_of(open_model, ["n0"])
    assert str(error.value) == (
        "Relu 'n0' cannot be an island\n"
        "  measured: its tensor 'x' has the shape ('N', 4) and the type float32\n"
        "  do:       fix the shapes: --input"
    )


def test_types_are_inferred_where_the_model_says_none():
    model = CASES["in a row"].model()
    del model.graph.value_info[:]
    assert [island.inputs[0].shape for island in islands_of(model, ["n1", "n2"])] == [(1, 3, 4, 6)] * 2


def test_an_unread_output_is_nobodys():
    case = CASES["integer output"]
    island = islands_of(case.model(), ["n1"])[0]
    assert [output and output.dtype for output in island.outputs] == [None, "int64"]
