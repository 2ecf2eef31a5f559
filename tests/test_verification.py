"""The gate: what passes, what fails, and with which numbers."""

import numpy as np
import pytest
import torch
from torch import nn

from converter.attempt import Attempt
from converter.errors import ConversionError, MismatchError, UnsupportedOpError
from converter.export import Input, network
from converter.legalize import Flag, Legalized
from converter.pipeline import gate
from converter.support import Verdict
from converter.verification import Check, Sample, Verification, _check, argmax_agreement, draw_samples

IMAGE = (Input("input", (1, 3, 8, 8)),)
PHOTO = {"photo": {"input": np.random.default_rng(1).standard_normal((1, 3, 8, 8)).astype("f")}}


class Log(nn.Module):
    def forward(self, x):
        return (x + 8).log()


class Broken(nn.Module):
    def forward(self, x):
        return x * float("nan")


def test_samples_are_real_and_extreme():
    samples = {sample.name: sample for sample in draw_samples(network(nn.ReLU(), IMAGE), PHOTO)}
    assert list(samples) == ["photo", "noise", "zeros", "large", "negative"]
    assert (samples["zeros"].inputs["input"] == 0).all()
    assert (samples["negative"].inputs["input"] <= 0).all()
    assert np.abs(samples["large"].inputs["input"]).max() > 20
    np.testing.assert_array_equal(samples["photo"].outputs["output"], np.maximum(PHOTO["photo"]["input"], 0))


def test_a_sample_that_pytorch_cannot_answer_is_left_out():
    names = [sample.name for sample in draw_samples(network(Log(), IMAGE), PHOTO)]
    assert names == ["photo", "noise", "zeros", "negative"]


def test_a_network_without_finite_answers_is_refused():
    with pytest.raises(ConversionError) as error:
        draw_samples(network(Broken(), IMAGE), PHOTO)
    assert str(error.value) == (
        "PyTorch's own output is not finite, so nothing can be compared with it\n"
        "  measured: NaN or infinity on: photo, noise, zeros, large, negative; finite on 0 inputs, 4 needed\n"
        "  do:       check the weights and the input range: is this the trained checkpoint?"
    )


def sample(reference):
    return Sample("photo", {}, {"output": np.float32(reference)})


@pytest.mark.parametrize(
    ("got", "reference", "status", "reason"),
    [
        pytest.param([[1, 2, 3]], [[1, 2, 3]], "ok", "", id="equal"),
        pytest.param([[1, 2, 3.0002]], [[1, 2, 3]], "ok", "", id="within"),
        pytest.param(
            [[1, 2, 3.001]], [[1, 2, 3]], "wrong", "output on photo: relative difference 3.33e-04", id="beyond"
        ),
        pytest.param(
            [[1, np.nan, 3]],
            [[1, 2, 3]],
            "wrong",
            "output on photo: NaN or infinity in 1 places where the reference is finite, or the reverse",
            id="nan",
        ),
        pytest.param([[3, 2, 1]], [[1, 2, 3]], "wrong", "output on photo: relative difference 6.67e-01", id="reversed"),
    ],
)
def test_check(got, reference, status, reason):
    found = _check("numpy", None, [{"output": np.float32(got)}], [sample(reference)], 1e-4, True)
    assert (found.status, found.reason) == (status, reason)


@pytest.mark.parametrize(
    ("got", "reference", "share"),
    [
        pytest.param([[1, 2, 3]], [[1, 2, 3]], 1.0, id="same"),
        pytest.param([[3, 2, 1]], [[1, 2, 3]], 0.0, id="other"),
        pytest.param([[3.0, 3.00001]], [[3.00001, 3.0]], None, id="undecided"),
        pytest.param([[[1, 9], [2, 1]]], [[[1, 1], [2, 2]]], 0.5, id="per-place"),
        pytest.param([[1.0]], [[1.0]], None, id="one-class"),
        pytest.param([1.0, 2.0], [1.0, 2.0], None, id="no-class-axis"),
    ],
)
def test_argmax_agreement(got, reference, share):
    assert argmax_agreement(np.float32(got), np.float32(reference), 1e-4) == share


def attempt(*checks, flags=()):
    legalized = Legalized(None, (), tuple(flags))
    return Attempt(None, None, legalized, None, Verification((), checks, 1e-4), b"", 20)


OK = Check("onnxruntime", None, "ok", {"photo": {"output": 1e-7}}, 1.0)
WRONG = Check(
    "opencv", "4.10.0", "wrong", {"photo": {"output": 0.25}}, None, "output on photo: relative difference 2.50e-01"
)
REFUSED = Check("opencv", "4.10.0", "fails at load", {}, None, "no parser for Foo")


def test_gate_lets_right_numbers_pass():
    gate(attempt(OK), 1e-4, strict=True)


def test_gate_refuses_wrong_numbers_with_the_numbers():
    with pytest.raises(MismatchError) as error:
        gate(attempt(OK, WRONG), 1e-4, strict=False)
    assert str(error.value) == (
        "the converted model does not give PyTorch's numbers on OpenCV 4.10.0; nothing was written\n"
        "  measured: OpenCV 4.10.0: wrong, relative error 2.50e-01\n"
        "              output on photo: relative difference 2.50e-01\n"
        "            allowed: 0.0001\n"
        "  do:       leave that target out, if another one is right: --target\n"
        "  do:       report the model: a silent difference in cv2.dnn needs a rewrite rule"
    )
    assert error.value.exit_code == 3


def test_gate_lets_a_refusal_pass_unless_strict():
    flag = Flag("n1", "Foo", "4.10.0", Verdict("fails", "load: no parser"), ("there is no rule for Foo",))
    gate(attempt(OK, REFUSED, flags=[flag]), 1e-4, strict=False)
    with pytest.raises(UnsupportedOpError) as error:
        gate(attempt(OK, REFUSED, flags=[flag]), 1e-4, strict=True)
    assert "OpenCV 4.10.0: fails at load: no parser for Foo\n            Foo 'n1': fails: load: no parser" in str(
        error.value
    )


def test_flags_that_the_whole_model_overrules():
    flags = [Flag("n", "Concat", target, Verdict("wrong", "alone"), ()) for target in ("4.10.0", "5.0.0")]
    found = attempt(OK, REFUSED, flags=flags)
    assert [flag.target for flag in found.flags()] == ["4.10.0"]
    assert [flag.target for flag in found.flags(standing=False)] == ["5.0.0"]


def test_torch_is_not_given_the_callers_array():
    class Eager(nn.Module):
        def forward(self, x):
            return x.add_(1)

    given = {"input": np.zeros((1, 3, 8, 8), np.float32)}
    net = network(Eager(), IMAGE)
    draw_samples(net, {"photo": given})
    assert (given["input"] == 0).all()
    assert torch.is_grad_enabled()
