"""The drawn cases: many, small, valid, judged twice, and the same in every run."""

import importlib
import os
import pkgutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from onnx import helper

from converter.backends import OnnxRuntime
from converter.graph import WORKING_OPSET
from converter.numpy_runtime import KERNELS, plan
from converter.support import cases as package
from converter.support.cases._drawing import SAMPLES, const, draw, feed, floats, ints, node, refused
from tests.support.cases.drawn import DRAWN, PATTERNS, drawn, family, fingerprint, patterns

VISION = {
    *(
        "Add",
        "AveragePool",
        "BatchNormalization",
        "Cast",
        "Clip",
        "Col2Im",
        "Concat",
        "Conv",
        "ConvTranspose",
        "CumSum",
    ),
    *(
        "DepthToSpace",
        "Div",
        "Einsum",
        "Elu",
        "Equal",
        "Erf",
        "Exp",
        "Expand",
        "Flatten",
        "GRU",
        "Gather",
        "GatherElements",
    ),
    *("GatherND", "Gelu", "Gemm", "GlobalAveragePool", "GlobalMaxPool", "Greater", "GridSample", "GroupNormalization"),
    *(
        "HardSigmoid",
        "HardSwish",
        "Identity",
        "InstanceNormalization",
        "LRN",
        "LSTM",
        "LayerNormalization",
        "LeakyRelu",
        "Less",
    ),
    *(
        "LogSoftmax",
        "LpNormalization",
        "MatMul",
        "Max",
        "MaxPool",
        "Min",
        "Mish",
        "Mod",
        "Mul",
        "Neg",
        "Not",
        "OneHot",
        "PRelu",
    ),
    *(
        "Pad",
        "Pow",
        "Reciprocal",
        "ReduceL2",
        "ReduceMax",
        "ReduceMean",
        "ReduceMin",
        "ReduceProd",
        "ReduceSum",
        "Relu",
    ),
    *(
        "Reshape",
        "Resize",
        "ScatterElements",
        "ScatterND",
        "Selu",
        "Shape",
        "Sigmoid",
        "Slice",
        "Softmax",
        "Softplus",
        "Split",
    ),
    *("Sqrt", "Squeeze", "Sub", "Sum", "Tanh", "Tile", "TopK", "Transpose", "Trilu", "Unsqueeze", "Upsample", "Where"),
    *(
        "ArgMax",
        "ArgMin",
        "And",
        "Or",
        "SpaceToDepth",
        "RMSNormalization",
        "Dropout",
        "Celu",
        "EyeLike",
        "Range",
        "Size",
    ),
}


def test_every_module_is_tested_here():
    modules = {found.name for found in pkgutil.iter_modules(package.__path__) if not found.name.startswith("_")}
    assert modules - {"seen"} == {*DRAWN, *PATTERNS, "onnx_nodes"}


def test_there_are_enough():
    assert len(drawn()) >= 15_000
    assert len(patterns()) >= 1_500
    counts = Counter(case.name.split("/")[1] for case in drawn())
    assert {op for op in VISION if counts[op] < 2} == set()


def test_names_are_unique_and_say_the_family():
    for module in DRAWN:
        assert {case.name.split("/")[0] for case in family(module)} == {module}
    names = [case.name for case in (*drawn(), *patterns())]
    assert [name for name, count in Counter(names).items() if count > 1] == []
    assert max(map(len, names)) <= 270


@pytest.mark.parametrize("module", DRAWN)
def test_nobody_refuses_to_judge(module):
    """ONNX Runtime or our own kernels have an answer to every recipe: none is dropped."""
    recipes = list(importlib.import_module(f"converter.support.cases.{module}").recipes())
    asked = {f"{module}/{recipe.op}/{recipe.detail}" for recipe in recipes}
    assert asked == {case.name for case in family(module)}


def test_a_recipe_that_nobody_can_judge_is_named():
    marks = (feed(5, kind="few", dtype="int32"), np.asarray(4), floats(0, 1))
    recipes = [node("Relu", feed(2)), node("OneHot", *marks, opset=13), node("OneHot", *marks)]
    assert [case.name for case in draw("f", recipes)] == ["f/Relu/2", "f/OneHot/5:i32, =4, =[0.0,1.0]"]
    assert refused("f", recipes) == ["f/OneHot/5:i32, =4, =[0.0,1.0] opset=13"]


def test_a_recipe_that_is_wrong_says_which():
    with pytest.raises(ValueError, match=r"^f/MatMul/2x3, 2x3: "):
        list(draw("f", [node("MatMul", feed(2, 3), feed(2, 3))]))


def test_recipes_spell_what_they_are():
    recipe = node(
        "Resize", feed(1, 2), None, floats(1, 2), const(3, dtype="int64"), mode="linear", opset=13, outputs=2, a=None
    )
    assert recipe.detail == "1x2, -, =[1.0,2.0], const 3:i64 mode=linear opset=13 outputs=2"
    assert node("Concat", *[feed(1, 2, 3, 4, 5, 6)] * 20).detail == "20 operands 1x2x3x4x5x6, ... #3348a6d4"
    assert node("Gather", ints(*range(20))).detail == "int64[20]#b703573f"


def test_models_are_valid():
    """All but GroupNormalization with a scale per group: the checker calls it deprecated, exporters wrote it."""
    for case in (*drawn(), *patterns()):
        if case.name.startswith("normalizing/GroupNormalization") and case.model.opset_import[0].version < 21:
            continue
        onnx.checker.check_model(case.model)


def test_models_say_what_goes_in_and_comes_out():
    """Two samples each, of the shapes and dtypes that the model declares; nothing empty, nothing large."""
    for case in (*drawn(), *patterns()):
        assert len(case.samples) == len(case.expected) == SAMPLES
        for infos, sides in ((case.model.graph.input, case.samples), (case.model.graph.output, case.expected)):
            for arrays in sides:
                assert [info.name for info in infos] == list(arrays), case.name
                for info in infos:
                    tensor, array = info.type.tensor_type, arrays[info.name]
                    assert tuple(dim.dim_value for dim in tensor.shape.dim) == array.shape, case.name
                    assert helper.tensor_dtype_to_np_dtype(tensor.elem_type) == array.dtype, case.name
                    assert 0 < array.size <= 35_000, case.name
        assert any(
            not np.array_equal(first, second)
            for first, second in zip(case.samples[0].values(), case.samples[1].values(), strict=True)
        ) or all("zeros" in case.name or array.size <= 16 for array in case.samples[0].values()), case.name


def test_right_answers_are_finite():
    """But for padding with -infinity: elsewhere, infinity or NaN would hide what an OpenCV computes."""
    finite = {
        case.name: all(np.isfinite(array).all() for arrays in case.expected for array in arrays.values())
        for case in (*drawn(), *patterns())
    }
    assert {name for name, so in finite.items() if not so} == {
        name for name in finite if "/Pad/" in name and "-inf" in name
    }


def test_drawn_cases_are_of_one_node():
    for case in drawn():
        assert [each.op_type for each in case.model.graph.node] == [case.name.split("/")[1]]


def test_onnxruntime_gives_the_expected_again():
    for case in (*drawn()[::37], *patterns()[::7]):
        if ":" in case.name or "/OneHot/" in case.name:
            continue  # it has no kernel for some element types: ours answered
        for sample, expected in zip(case.samples, case.expected, strict=True):
            again_run = OnnxRuntime(case.model.SerializeToString(), threads=1).run(
                dict(sample)
            )  # several add in another order
            for array, again in zip(expected.values(), again_run.values(), strict=True):
                np.testing.assert_array_equal(array, again, case.name)


def test_our_own_kernels_agree():
    """A second judge: where two differ the case would measure the judge."""
    judged = 0
    known = {*KERNELS, "Constant"}
    for case in (*drawn()[::61], *patterns()[::17]):
        ops = {each.op_type for each in case.model.graph.node}
        if case.model.opset_import[0].version != WORKING_OPSET or not ops <= known:
            continue
        judged += 1
        runnable = plan(ir.from_proto(onnx.shape_inference.infer_shapes(case.model, data_prop=True))).load()
        for sample, expected in zip(case.samples, case.expected, strict=True):
            got = runnable.run(dict(sample))
            for name, array in expected.items():
                assert (got[name].shape, got[name].dtype) == (array.shape, array.dtype), case.name
                tolerance = 2e-3 if array.dtype == np.float16 else 2e-5
                scale = max(1.0, float(np.abs(array[np.isfinite(array)], dtype=np.float64).max(initial=0)))
                np.testing.assert_allclose(got[name], array, rtol=0, atol=tolerance * scale, err_msg=case.name)
    assert judged > 250


def test_another_process_builds_the_same_bytes():
    """Hashes of strings differ from process to process: no set may decide an order."""
    root = Path(__file__).resolve().parents[3]
    modules = ["pooling", "reduction", "shaping", "indexing", *PATTERNS]
    environment = {**os.environ, "PYTHONHASHSEED": "7", "PYTHONPATH": str(root)}
    script = str(Path(__file__).with_name("drawn.py"))
    done = subprocess.run(
        [sys.executable, script, *modules], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [f"{module} {fingerprint(family(module))}" for module in modules]
