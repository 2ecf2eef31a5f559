"""The tables that are committed: they belong to the cases that are committed, cover every target, and know the known bugs."""

import json
import re
from pathlib import Path

import pytest

from converter.support.cases import all_cases
from converter.support.measuring import TABLES, digest, row
from converter.support.overview import all_tables
from converter.support.page import evidence, unpack
from converter.support.table import LETTERS, load_cases, load_table, measured_targets, pattern_verdict
from converter.targets import WHEELS

FILES = [f"{version}-classic" for version in WHEELS] + ["5.0.0-new"]


def test_every_target_is_measured_and_small():
    assert sorted(measured_targets()) == sorted(FILES)
    assert sum(path.stat().st_size for path in TABLES.iterdir()) < 5_000_000


@pytest.mark.parametrize("name", FILES)
def test_a_table_has_a_letter_for_every_case(name):
    table = load_table(name)
    assert len(table.codes) == len(load_cases()) >= 4000
    assert set(table.codes) <= set(LETTERS)
    assert table.codes.count("u") == 0
    assert all(0 <= text < len(table.texts) for text in table.why.values())
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", table.meta["measured"])
    for index in table.why:
        assert table.codes[index] in "lnctw"


@pytest.mark.slow
def test_the_list_of_cases_is_of_this_code():
    """Names, keys and checksums: a changed case was not measured. Measure it: python -m converter.support.measuring."""
    listed = [[case.name, case.op, case.fine, case.coarse, case.digest] for case in load_cases()]
    assert [[*row(case), digest(case)] for case in all_cases()] == listed


@pytest.mark.parametrize(
    ("pattern", "wrong", "right"),
    [
        # the importer takes a gate for a hard-swish and drops its input, in every version
        pytest.param("hard_swish_gate", FILES, [], id="gate"),
        # OpenCV issue 28689: a batch norm behind an activation is folded into the convolution before it
        pytest.param("conv_relu_bn", ["5.0.0-new"], [], id="28689"),
        # OpenCV issue 29160: the scale of a batch norm behind an addition; mended before 5.0.0
        pytest.param("conv_add_bn", [], ["5.0.0-new", "4.10.0-classic"], id="29160"),
        # OpenCV issue 24198: ReduceMean over the map, in 4.8
        pytest.param("reduce_mean_spatial", ["4.8.1-classic"], ["4.10.0-classic", "5.0.0-new"], id="24198"),
        # an activation behind a product of two computed operands is dropped
        pytest.param("matmul_activation", ["4.5.5-classic", "4.6.0-classic"], [], id="product-activation"),
        pytest.param(
            "matmul_scalar", ["4.5.5-classic", "4.6.0-classic"], ["4.10.0-classic", "5.0.0-new"], id="product"
        ),
        # a linear Resize of one row behind a convolution
        pytest.param("resize_of_one_row", ["5.0.0-new"], [], id="one-row"),
        # every AveragePool counts its padding in a file that says it is PyTorch's
        pytest.param("average_pool_of_pytorch", [n for n in FILES if "classic" in n], ["5.0.0-new"], id="producer"),
        pytest.param("average_pool_of_pytorch_silent", FILES, [], id="producer-default"),
        # OpenCV issue 22543: outputs by name, in whatever order
        pytest.param("two_outputs", [], ["4.6.0-classic", "5.0.0-new"], id="22543"),
    ],
)
def test_known_silent_bugs(pattern, wrong, right):
    for name in wrong:
        assert pattern_verdict(load_table(name), pattern).status in ("wrong", "fails"), name
    for name in right:
        assert pattern_verdict(load_table(name), pattern), name


def test_the_page_is_of_these_tables():
    """After measuring, write it again: python -m converter.support.page docs/support.html."""
    file = Path(__file__).resolve().parents[2] / "docs" / "support.html"
    shown = unpack(file.read_text("utf-8"))
    measured = json.loads(json.dumps(evidence(*all_tables())))
    assert shown.keys() == measured.keys()
    stale = [part for part in measured if shown[part] != measured[part]]  # their difference would be megabytes
    assert stale == []
