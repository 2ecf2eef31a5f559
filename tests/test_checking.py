"""convert check on files of others: what a file says of its producer matters to OpenCV."""

import json

import numpy as np
import onnx
import onnx_ir as ir
import pytest

from converter.checking import average_pool_of_pytorch, check
from converter.errors import TargetError
from converter.targets import Target, python_for
from tests.onnx_text import graph

POOL = "y = AveragePool<kernel_shape=[3,3], pads=[1,1,1,1]{}>(x)"


def pooling(attribute="", producer="pytorch"):
    model = ir.to_proto(graph(f"(float[1,2,6,6] x) => (float[1,2,6,6] y) {{ {POOL.format(attribute)} }}"))
    model.producer_name = producer
    return model


@pytest.mark.parametrize(
    ("producer", "attribute", "verdicts"),
    [
        pytest.param("pytorch", ", count_include_pad=0", {"4.10.0": "wrong", "5.0.0": "ok"}, id="pytorch"),
        pytest.param("pytorch", "", {"4.10.0": "wrong", "5.0.0": "wrong"}, id="pytorch-silent"),
        pytest.param("torch2cv", "", {"4.10.0": "ok", "5.0.0": "ok"}, id="ours"),
    ],
)
def test_the_classic_importer_averages_the_padding_in_pytorchs_files(producer, attribute, verdicts, tmp_path):
    onnx.save(pooling(attribute, producer), tmp_path / "m.onnx")
    report = check(tmp_path / "m.onnx", targets=[Target.parse(name) for name in verdicts])
    ((op, found),) = report.nodes.values()
    assert op == "AveragePool"
    assert {target: verdict.status for target, verdict in found.items()} == verdicts
    assert report.ok == (set(verdicts.values()) == {"ok"})


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        (POOL.format(""), "average_pool_of_pytorch_silent"),
        (POOL.format(", count_include_pad=0"), "average_pool_of_pytorch"),
        (POOL.format(", count_include_pad=1"), None),
        ("y = AveragePool<kernel_shape=[1,1]>(x)", None),
        ("y = AveragePool<kernel_shape=[1,1], pads=[0,0,0,0]>(x)", None),
        ("y = MaxPool<kernel_shape=[3,3], pads=[1,1,1,1]>(x)", None),
    ],
)
def test_which_pools_leave_the_padding_out(body, answer):
    (node,) = graph(f"(float[1,2,6,6] x) => (float[1,2,6,6] y) {{ {body} }}").graph
    assert average_pool_of_pytorch(node) == answer


def shared_bias():
    """Two nodes that read one constant: right one by one, but classic importers do not load them together."""
    rng = np.random.default_rng(0)
    b, g = (rng.standard_normal(shape).astype(np.float32) for shape in ((8,), (8, 8)))
    return ir.to_proto(graph("(float[16,8] x) => (float[16,8] y) { a = Add(x, b)\n y = Gemm(a, g, b) }", b=b, g=g))


@pytest.mark.parametrize(("version", "status"), [("4.8.1", "fails"), ("4.10.0", "fails"), ("5.0.0", "ok")])
def test_the_whole_file_is_run_as_it_is(version, status, tmp_path):
    target = Target.parse(version)
    try:
        python_for(target)
    except TargetError:
        pytest.skip(f"OpenCV {version} is not installed here")
    onnx.save(shared_bias(), tmp_path / "m.onnx")
    report = check(tmp_path / "m.onnx", targets=[target])
    assert {verdicts[version].status for _, verdicts in report.nodes.values()} == {"ok"}
    whole = report.whole[version]
    assert whole.status == status, whole.evidence
    assert report.ok == (status == "ok")
    assert ("the whole file", version, status, 2, whole.evidence) in report.rows()
    assert json.loads(report.to_json())["whole"][version]["verdict"] == status
