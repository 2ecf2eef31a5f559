"""The nodes of real architectures as cases: complete, valid, deterministic, and small."""

from __future__ import annotations

import json
import re
from collections import Counter
from copy import deepcopy

import numpy as np
import onnx
import onnx_ir as ir
import pytest

from converter.compare import compare
from converter.support.cases import _rebuild, seen
from converter.support.cases._records import describe, identity
from converter.support.features import features
from tests.onnx_text import graph, ort_run

MOST_BYTES = 600_000
MOST_ELEMENTS = 1_500_000

CASES = {case.name: case for case in seen.cases()}
RECORDS = seen.load()


def _names_of(op: str) -> list[str]:
    return [name for name in CASES if name.split("/")[1] == op]


OPS = sorted({name.split("/")[1] for name in CASES})


def test_every_record_makes_a_case_of_its_name():
    assert list(CASES) == list(RECORDS)
    assert all(re.fullmatch(r"seen/\w+/\d+", name) and f"/{record['op']}/" in name for name, record in RECORDS.items())


def test_no_two_records_are_equal():
    counts = Counter(identity(record) for record in RECORDS.values())
    assert [text for text, count in counts.items() if count > 1] == []


def test_the_data_file_is_small():
    assert seen.DATA.stat().st_size <= MOST_BYTES
    assert len(RECORDS) > 1000


@pytest.mark.parametrize("op", OPS)
def test_models_are_valid_and_onnx_runtime_agrees_with_what_is_expected(op):
    for name in _names_of(op):
        case = CASES[name]
        onnx.checker.check_model(case.model, full_check=True)
        assert [node.op_type for node in case.model.graph.node] == [op]
        assert len(case.samples) == len(case.expected) == _rebuild.SAMPLES
        for sample, expected in zip(case.samples, case.expected, strict=True):
            for array, right in zip(ort_run(case.model, dict(sample)), expected.values(), strict=True):
                assert compare(array, right) <= 1e-6, name
                assert not np.isnan(right.astype(np.float64)).any(), name


@pytest.mark.parametrize("op", OPS)
def test_the_two_samples_differ(op):
    """An output that never changes shows nothing. (Normalising single numbers always gives the bias.)"""
    same = [
        name
        for name in _names_of(op)
        if not (op == "LayerNormalization" and RECORDS[name]["inputs"][1]["shape"] == [1])
        and all(
            np.array_equal(a, b) for a, b in zip(*(sample.values() for sample in CASES[name].expected), strict=True)
        )
    ]
    assert same == []


@pytest.mark.parametrize("op", OPS)
def test_a_rebuilt_node_is_described_by_its_record(op):
    """Written down again, the node gives the same record, up to the numbers that were drawn."""
    for name in _names_of(op):
        node = next(iter(ir.from_proto(CASES[name].model).graph))
        again, record = describe(node), deepcopy(RECORDS[name])
        for ours in (again, record):
            for entry in ours["inputs"]:
                for key in ("sign", "range", "constant"):
                    (entry or {}).pop(key, None)
        assert json.loads(identity(again)) == json.loads(identity(record)), name


def test_all_sizes_are_bounded():
    large = {
        name: sum(array.size for array in (*case.samples[0].values(), *case.expected[0].values()))
        for name, case in CASES.items()
    }
    assert {name: size for name, size in large.items() if size > MOST_ELEMENTS} == {}


def test_cases_are_the_same_every_time():
    for name in list(CASES)[::40]:
        again = _rebuild.case_of(name, seen.load()[name])
        assert again.model.SerializeToString() == CASES[name].model.SerializeToString()
        for one, other in zip(
            (*again.samples, *again.expected), (*CASES[name].samples, *CASES[name].expected), strict=True
        ):
            assert all(np.array_equal(one[key], other[key]) for key in other)


def test_a_node_without_its_weights_has_the_same_keys():
    for name in list(CASES)[::3]:
        whole = features(next(iter(ir.from_proto(CASES[name].model).graph)))
        assert features(_rebuild.node_of(RECORDS[name])) == whole, name


def test_no_key_has_many_cases():
    keys = Counter(features(_rebuild.node_of(record)).fine for record in RECORDS.values())
    assert max(keys.values()) <= 12


def test_a_record_holds_what_decides():
    rng = np.random.default_rng(3)
    model = graph(
        '(float[2,3,8,8] x) => (float[2,3,16,16] y) { y = Resize <mode = "nearest"> (x, , scales) }',
        scales=np.array([1, 1, 2, 2], np.float32),
    )
    record = describe(model.graph[0])
    assert record["inputs"] == [
        {"dtype": "FLOAT", "shape": [2, 3, 8, 8]},
        None,
        {"dtype": "FLOAT", "shape": [4], "constant": True, "values": [1.0, 1.0, 2.0, 2.0]},
    ]
    assert record["attributes"] == {"mode": "nearest"}
    assert record["outputs"] == [{"dtype": "FLOAT", "shape": [2, 3, 16, 16], "used": True}]

    x = rng.standard_normal((2, 3, 8, 8)).astype(np.float32)
    (rebuilt,) = ort_run(_rebuild.model_of(record), {"x0": x})
    np.testing.assert_array_equal(rebuilt, ort_run(model, {"x": x})[0])


@pytest.mark.parametrize(
    ("array", "kept"),
    [
        pytest.param(np.arange(64), {"values": list(range(64))}, id="64 integers"),
        pytest.param(np.arange(65), {"range": [0, 64]}, id="65 integers"),
        pytest.param(np.array([True, False]), {"values": [True, False]}, id="booleans"),
        pytest.param(np.float32(0.5), {"values": [0.5]}, id="scalar"),
        pytest.param(np.float32(-np.inf), {"values": ["-inf"]}, id="infinity"),
        pytest.param(np.array([1, 2], np.float32), {"sign": "positive"}, id="positive"),
        pytest.param(np.array([0, 2], np.float32), {"sign": "not negative"}, id="not negative"),
        pytest.param(np.array([0, 0], np.float32), {"sign": "zero"}, id="zeros"),
        pytest.param(np.array([-1, 2], np.float32), {"sign": "any"}, id="any"),
        pytest.param(np.array([0, -np.inf], np.float32), {"sign": "infinite"}, id="mask"),
    ],
)
def test_what_is_kept_of_a_constant(array, kept):
    value = ir.val("c", const_value=ir.tensor(np.asarray(array)), type=None)
    other = ir.val("x", dtype=ir.DataType.FLOAT, shape=ir.Shape([2]))
    value.dtype, value.shape = value.const_value.dtype, ir.Shape(np.shape(array))
    node = ir.node("Max", [other, value])
    node.outputs[0].dtype, node.outputs[0].shape = ir.DataType.FLOAT, ir.Shape([2])
    entry = describe(node)["inputs"][1]
    assert {key: entry[key] for key in entry if key not in ("dtype", "shape")} == {"constant": True, **kept}


def test_one_value_in_two_places_stays_one():
    model = graph("(float[2,3] x) => (float[2,3] y) { y = Mul(x, x) }")
    record = describe(model.graph[0])
    assert record["inputs"][1] == {"dtype": "FLOAT", "shape": [2, 3], "as": 0}
    rebuilt = _rebuild.model_of(record)
    assert list(rebuilt.graph.node[0].input) == ["x0", "x0"] and len(rebuilt.graph.input) == 1


def test_a_node_without_inputs_is_no_case():
    record = {
        "op": "Neg",
        "domain": "",
        "attributes": {},
        "inputs": [{"dtype": "FLOAT", "shape": [1], "constant": True, "values": [1.0]}],
        "outputs": [{"dtype": "FLOAT", "shape": [1], "used": True}],
    }
    with pytest.raises(ValueError, match=r"^Neg has no run-time input$"):
        _rebuild.model_of(record)
