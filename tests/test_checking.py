"""convert check on files of others: what a file says of its producer matters to OpenCV."""

import onnx
import onnx_ir as ir
import pytest

from converter.checking import average_pool_of_pytorch, check
from converter.targets import Target
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
