"""What the measured tables say, of measured nodes, of others like them, and of what nobody measured."""

import gzip
import json
from dataclasses import replace

import pytest

from converter.support import table as room
from converter.support.features import Features
from converter.support.measuring import write

CASES = [
    ["drawn/relu/0", "Relu", "Relu(fv1nnn)[]", "Relu(fv4)[]"],
    ["drawn/relu/1", "Relu", "Relu(fvnnnn)[]", "Relu(fv4)[]"],
    ["drawn/add/0", "Add", "Add(fv1n,fvn1)[]", "Add(fv2,fv2)[meet=both]"],
    ["drawn/add/1", "Add", "Add(fv1n,fvn1)[]", "Add(fv2,fv2)[meet=both]"],
    ["drawn/add/2", "Add", "Add(fvnn,fvn1)[]", "Add(fv2,fv2)[meet=right]"],
    ["pattern/gate/0", "pattern:gate", "pattern:gate", "pattern:gate"],
    ["pattern/gate/1", "pattern:gate", "pattern:gate", "pattern:gate"],
    ["drawn/erf/0", "Erf", "Erf(fv1n)[]", "Erf(fv2)[]"],
]
TABLE = {
    "format": 1,
    "target": "4.10.0",
    "opencv": "4.10.0.84",
    "measured": "2020-01-01",
    "codes": "orowlown",
    "errors": {"3": 0.3},
    "texts": ["no broadcasting", "no layer"],
    "why": {"4": 0, "7": 1},
}


@pytest.fixture
def table(tmp_path, monkeypatch):
    cases = json.dumps({"format": 1, "cases": [[*case, "digest"] for case in CASES]})
    (tmp_path / "cases.json.gz").write_bytes(gzip.compress(cases.encode()))
    (tmp_path / "4.10.0-classic.json").write_text(json.dumps(TABLE))
    monkeypatch.setattr(room, "_folder", lambda: tmp_path)
    for cached in (room._listed, room.load_cases, room.load_table, room._index):
        cached.cache_clear()
    yield room.load_table("4.10.0-classic")
    for cached in (room._listed, room.load_cases, room.load_table, room._index):
        cached.cache_clear()


def key(fine, coarse):
    return Features(fine.split("(")[0], fine, coarse)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        pytest.param(key("Relu(fv1nnn)[]", "Relu(fv4)[]"), "ok: case drawn/relu/0", id="measured"),
        pytest.param(
            key("Relu(fv11nn)[]", "Relu(fv4)[]"),
            "ok: case drawn/relu/0, as 2 measured variants of Relu(fv4)[]",
            id="variants-of-one-mind",
        ),
        pytest.param(
            key("Add(fv1n,fvn1)[]", "Add(fv2,fv2)[meet=both]"),
            "wrong: relative difference 3e-01 (case drawn/add/1), 1 of 2 alike",
            id="the-worst-of-one-key",
        ),
        pytest.param(
            key("Add(fvnn,fvn1)[]", "Add(fv2,fv2)[meet=right]"),
            "fails: load: no broadcasting (case drawn/add/2)",
            id="why",
        ),
        pytest.param(key("Add(fv11,fvn1)[]", "Add(fv2,fv2)[meet=both]"), None, id="variants-that-differ"),
        pytest.param(key("Erf(fvnn)[]", "Erf(fv2)[]"), None, id="one-variant-is-not-enough"),
        pytest.param(key("Sin(fv2)[]", "Sin(fv2)[]"), None, id="unmeasured"),
    ],
)
def test_ask(table, keys, told):
    found = room.ask(table, keys)
    assert (str(found) if found is not None else None) == told


def test_a_pattern_is_as_bad_as_its_worst_case(table):
    assert str(room.pattern_verdict(table, "gate")) == "wrong: case pattern/gate/1"
    assert room.pattern_verdict(table, "nothing") is None


def test_what_was_not_measured(table):
    assert room.load_table("9.9.9-classic") is None
    assert room.measured_targets() == ["4.10.0-classic"]


def test_the_date_alone_changes_no_file(tmp_path):
    path = tmp_path / "t.json"
    assert write(path, TABLE)
    before = path.read_bytes()
    assert not write(path, {**TABLE, "measured": "2030-01-01"})
    assert path.read_bytes() == before
    assert write(path, {**TABLE, "codes": "oooooooo", "measured": "2030-01-01"})
    assert json.loads(path.read_text())["measured"] == "2030-01-01"
    assert list(tmp_path.iterdir()) == [path]


def test_a_case_whose_input_was_not_taken_says_nothing(table):
    texts = [*table.texts, "Bad argument: blob data type = bool is not supported (setInput)"]
    refused = replace(table, texts=texts, why={**table.why, 7: 2})
    assert (table.reached(7), refused.reached(7), refused.reached(0)) == (True, False, True)
    keys = key("Erf(fv1n)[]", "Erf(fv2)[]")
    assert room.ask(table, keys) is not None
    assert room.ask(refused, keys) is None
