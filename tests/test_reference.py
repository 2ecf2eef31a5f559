"""PyTorch's own rounding: an input on which float32 decides nothing is left out, with the reason."""

import numpy as np
import onnx
import torch

from converter.export import Input, export, network
from converter.reference import Exact, dependable
from converter.verification import Sample

RNG = np.random.default_rng(0)


class Steep(torch.nn.Module):
    """Divides by a standard deviation that is rounding only where the input is constant."""

    def forward(self, x):
        y = x * 0.1
        centred = y - y.mean(dim=(2, 3), keepdim=True)
        return centred / (centred.pow(2).mean(dim=(2, 3), keepdim=True).sqrt() + 1e-9)


class Stubborn(torch.nn.Module):
    def forward(self, x):
        assert x.dtype == torch.float32
        return torch.relu(x)


def sample(net, name, array):
    with torch.inference_mode():
        return Sample(name, {"input": array}, {"output": net.module(torch.from_numpy(array))[0].numpy()})


def drawn(net):
    noise = [RNG.standard_normal((1, 3, 9, 9)).astype(np.float32) for _ in range(4)]
    flat = np.full((1, 3, 9, 9), 0.123, np.float32)
    return [*(sample(net, f"noise {n}", array) for n, array in enumerate(noise)), sample(net, "flat", flat)]


def test_float64_shows_what_float32_is_worth():
    net = network(Steep().eval(), [Input("input", (1, 3, 9, 9))])
    found = {drawn_sample.name: Exact(net).rounding(drawn_sample) for drawn_sample in drawn(net)}
    assert all(error < 1e-5 for name, error in found.items() if name != "flat")
    assert found["flat"] > 1e-2


def test_an_input_that_proves_nothing_is_left_out_with_the_reason():
    net = network(Steep().eval(), [Input("input", (1, 3, 9, 9))])
    samples = drawn(net)
    # a runtime that rounds otherwise: the mean of the pixels in another order
    text = """<ir_version: 9, opset_import: ["": 20]> g (float[1,3,9,9] input) => (float[1,3,9,9] output) <
        float a = {0.1}, float e = {1e-9}, int64[2] axes = {2, 3}> {
        y = Mul(input, a)  p = GlobalAveragePool(y)  c = Sub(y, p)  q = Mul(c, c)
        r = ReduceMean(q, axes)  s = Sqrt(r)  t = Add(s, e)  output = Div(c, t) }"""
    model = onnx.parser.parse_model(text)
    kept, notes = dependable(net, samples, model, 1e-4, 4)
    assert [found.name for found in kept] == [f"noise {n}" for n in range(4)]
    (note,) = notes
    assert note.startswith("flat: PyTorch's own float32 is ")
    assert note.endswith("off its float64 there, so this input proves nothing at 0.0001")
    assert len(dependable(net, samples, model, 1e-4, 5)[0]) == 5, "never fewer than the minimum"


def test_a_wrong_export_is_no_reason_to_leave_an_input_out():
    net = network(torch.nn.Sequential(torch.nn.ReLU()).eval(), [Input("input", (1, 3, 9, 9))])
    wrong = export(network(torch.nn.Sequential(torch.nn.Sigmoid()).eval(), [Input("input", (1, 3, 9, 9))]))
    samples = drawn(net)
    assert dependable(net, samples, wrong.model, 1e-4, 1) == (tuple(samples), ())


def test_a_module_that_insists_on_float32_keeps_its_inputs():
    net = network(Stubborn().eval(), [Input("input", (1, 3, 9, 9))])
    assert Exact(net).rounding(drawn(net)[0]) is None


def test_a_fainter_input_stands_in_for_one_that_proves_nothing():
    class Steps(torch.nn.Module):
        """A sine of thousands of periods where the mean of |x| is above 2."""

        def forward(self, x):
            return torch.sin(torch.relu(x.abs().mean() - 2) * 1e8) + x

    net = network(Steps().eval(), [Input("input", (1, 3, 8, 8))])
    array = np.random.default_rng(0).uniform(-6, 6, (1, 3, 8, 8)).astype(np.float32)
    # the mean in another order
    model = onnx.parser.parse_model("""<ir_version: 9, opset_import: ["": 20]>
        g (float[1,3,8,8] input) => (float[1,3,8,8] output) <
        float two = {2}, float steep = {1e8}, int64[1] h = {2}, int64[1] w = {3}, int64[1] c = {1}> {
        a = Abs(input)  p = ReduceMean(a, w)  q = ReduceMean(p, h)  r = ReduceMean(q, c)
        s = Sub(r, two)  t = Relu(s)  u = Mul(t, steep)  v = Sin(u)  output = Add(v, input) }""")
    kept, (note,) = dependable(net, [sample(net, "steep", array)], model, 1e-4, 1)
    (calm,) = kept
    assert calm.name == "steep at 1/2"
    np.testing.assert_array_equal(calm.inputs["input"], array / 2)
    np.testing.assert_array_equal(calm.outputs["output"], array / 2)
    assert note.startswith("steep: PyTorch's own float32 is ")
    assert note.endswith("; steep at 1/2 stands in for it")


def test_outputs_that_fade_out_are_told():
    """They are compared all the same: ONNX Runtime may take what is denormal for 0."""

    class Faded(torch.nn.Module):
        def forward(self, x):
            return x * 1e-41, x * 0.5

    net = network(Faded().eval(), [Input("input", (1, 3, 9, 9))])
    array = RNG.standard_normal((1, 3, 9, 9)).astype(np.float32)
    outputs = [output.numpy() for output in net.module(torch.from_numpy(array))]
    samples = [Sample("noise", {"input": array}, dict(zip(net.outputs, outputs, strict=True)))]
    exported = export(net)
    kept, (note,) = dependable(net, samples, exported.model, 1e-4, 1)
    assert len(kept) == 1
    assert note.startswith(f"output {net.outputs[0]!r} is at most ")
    assert note.endswith("proves little: are the weights trained?")
