"""If, Loop, Scan and SequenceMap in programs: the numbers of ONNX Runtime, and lines that a person can read."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import onnx_ir as ir
import pytest

from converter.errors import UnsupportedOpError
from converter.numpy_runtime import plan
from tests.numpy_runtime.judge import body, draw, right


def model(text: str) -> ir.Model:
    return ir.from_onnx_text(f'<ir_version: 9, opset_import: ["": 20]> g {text}')


BRANCHES = """(float[2,3] x, bool c) => (float[2,3] y, float[2,3] z) {
    u = Relu(x)
    y, z = If (c) <
        then_branch = then () => (float[2,3] a, float[2,3] b) { a = Neg(u) b = Add(a, x) },
        else_branch = otherwise () => (float[2,3] a, float[2,3] b) { a = Identity(x) b = Identity(u) }
    >
}"""


@pytest.mark.parametrize("condition", [True, False])
def test_if(condition: bool) -> None:
    """Both branches call their values a and b, and read what stands outside of them."""
    program = right(model(BRANCHES), x=draw(np.random.default_rng(0), 2, 3), c=np.array(condition))
    assert "if c:" in body(program)


def test_if_reads_well() -> None:
    text = body(plan(model(BRANCHES)))
    assert text == textwrap.dedent(
        """\
        x = feeds['x']
        c = feeds['c']
        relu = Relu(x)
        if c:
            y = Neg(relu)
            z = Add(y, x)
        else:
            y, z = x, relu
        del c, relu, x
        return {
            'y': y,
            'z': z,
        }"""
    )


def test_an_if_whose_condition_is_known_is_its_branch() -> None:
    for value in (True, False):
        text = BRANCHES.replace(", bool c)", ")").replace(
            "u = Relu", f"c = Constant<value = bool {{{int(value)}}}>() u = Relu"
        )
        program = right(model(text), x=draw(np.random.default_rng(0), 2, 3))
        assert "if " not in body(program)
        assert program.folded["branches"] == 1


def test_branches_in_branches() -> None:
    text = """(float[3] x, bool c) => (float[3] y) {
        always = Constant<value = bool {1}>()
        y = If (always) <
            then_branch = t () => (float[3] a) { a = If (c) <
                then_branch = tt () => (float[3] b) { b = If (always) <
                    then_branch = ttt () => (float[3] d) { d = Neg(x) },
                    else_branch = tte () => (float[3] d) { d = Abs(x) }> },
                else_branch = te () => (float[3] b) { b = Exp(x) }> },
            else_branch = e () => (float[3] a) { a = Sqrt(x) }>
    }"""
    for condition in (True, False):
        program = right(model(text), x=draw(np.random.default_rng(0), 3), c=np.array(condition))
        assert body(program).count("if ") == 1
        assert "Sqrt" not in program.source


LOOP = """(float[3] x, int64 n, bool c) => (float[3] y, float[k,3] z, int64[k] numbers) {
    u = Abs(x)
    y, z, numbers = Loop (n, c, x) <body = b (int64 i, bool going, float[3] h)
        => (bool go_on, float[3] h_next, float[3] each, int64 i_out) {
            f = Cast<to=1>(i)
            s = Add(h, u)
            h_next = Sub(s, f)
            each = Neg(h)
            limit = Constant<value_float=9.0>()
            largest = ReduceMax<keepdims=0>(h_next)
            go_on = Less(largest, limit)
            i_out = Identity(i)
    }>
}"""


@pytest.mark.parametrize(("count", "condition"), [(0, True), (5, False), (1, True), (4, True), (100, True)])
def test_loop(count: int, condition: bool) -> None:
    """Ends by its count, by its condition, or before it began: then what it collects is empty."""
    x = np.array([1, -2, 3], np.float32)
    program = right(model(LOOP), x=x, n=np.array(count), c=np.array(condition))
    assert "for i in iterations(n, c):" in body(program)


def test_loop_reads_well() -> None:
    assert body(plan(model(LOOP))) == textwrap.dedent(
        """\
        x = feeds['x']
        n = feeds['n']
        c = feeds['c']
        abs = Abs(x)
        h = x
        z_parts = []
        numbers_parts = []
        for i in iterations(n, c):
            cast = Cast(i, to=1)
            add = Add(h, abs)
            sub = Sub(add, cast)
            del add, cast
            neg = Neg(h)
            reducemax = ReduceMax(sub, keepdims=0)
            less = Less(reducemax, np.float32(9.0))
            del reducemax
            z_parts.append(neg)
            numbers_parts.append(i)
            h = sub
            if not less:
                break
        z = stacked(z_parts, (3,), 'float32')
        numbers = stacked(numbers_parts, (), 'int64')
        del n, c, x, abs
        return {
            'y': h,
            'z': z,
            'numbers': numbers,
        }"""
    )


def test_loops_that_exchange_their_state() -> None:
    """The state changes all at once, also where a result is another one's old value, or decides whether to go on."""
    text = """(float[2] p, float[2] q, bool c) => (float[2] a, float[2] b, bool d) {
        n = Constant<value_int=3>()
        e = Constant<value = bool {1}>()
        a, b, d = Loop (n, e, p, q, c) <body = l (int64 i, bool g, float[2] s, float[2] t, bool v)
            => (bool v_out, float[2] t_out, float[2] s_out, bool w) {
                v_out = Identity(v) t_out = Identity(t) s_out = Identity(s) w = Not(v)
        }>
    }"""
    rng = np.random.default_rng(0)
    for value in (True, False):
        right(model(text), p=draw(rng, 2), q=draw(rng, 2), c=np.array(value))


def test_a_loop_without_count_that_reads_its_condition() -> None:
    text = """(float x) => (float y, bool[k] all) {
        y, all = Loop ("", "", x) <body = l (int64 i, bool g, float s) => (bool go, float t, bool kept) {
            two = Constant<value_float=2.0>() end = Constant<value_float=50.0>()
            t = Mul(s, two) go = Less(t, end) kept = Identity(g)
        }>
    }"""
    got = plan(model(text)).load().run({"x": np.array(3, np.float32)})
    assert (float(got["y"]), got["all"].tolist()) == (96.0, [True] * 5)


@pytest.mark.parametrize("text", [
    pytest.param("axes = [0], reverse = 0", id="plain"),
    pytest.param("axes = [1], reverse = 1", id="backwards along another axis"),
])  # fmt: skip
def test_scan(text: str) -> None:
    axis, reverse = ("1", "1") if "[1]" in text else ("0", "0")
    shape = "4,6,3" if axis == "1" else "6,4,3"
    scan = f"""(float[4,3] h, float[{shape}] xs, float[6] ws) => (float[4,3] y, float[o,p,q] z, float[6] m) {{
        y, z, m = Scan (h, xs, ws) <num_scan_inputs = 2, scan_input_axes = [{axis}, 0], scan_input_directions = [{reverse}, 0],
            scan_output_axes = [-1, 0], scan_output_directions = [0, {reverse}],
            body = b (float[4,3] s, float[4,3] x, float w) => (float[4,3] t, float[4,3] e, float o) {{
                p = Mul(x, w) t = Add(s, p) e = Tanh(t) o = ReduceMean<keepdims=0>(e)
            }}>
    }}"""
    rng = np.random.default_rng(0)
    program = right(
        model(scan), h=draw(rng, 4, 3), xs=draw(rng, *map(int, shape.split(","))), ws=draw(rng, 6), error=5e-6
    )
    options = ", axis=1, reverse=True" if reverse == "1" else ""
    assert f"for x, w_2 in zip(slices(xs{options}), slices(ws)):" in body(program)


def test_loops_in_loops_with_layers() -> None:
    """A convolution in the inner loop finds its weights in weights.npz."""
    text = """(float[1,2,5,5] x, float[3,2,3,3] w) => (float[1,2,5,5] y) {
        three = Constant<value_int=3>() yes = Constant<value = bool {1}>()
        y = Loop (three, yes, x) <body = outer (int64 i, bool g, float[1,2,5,5] s) => (bool g1, float[1,2,5,5] s1) {
            g1 = Identity(g)
            s1 = Loop (three, g, s) <body = inner (int64 i, bool g, float[1,2,5,5] s) => (bool g2, float[1,2,5,5] s2) {
                g2 = Identity(g)
                wi = Gather(w, i)
                k = Unsqueeze(wi, axes)
                axes = Constant<value_ints=[0]>()
                c = Conv<pads=[1,1,1,1]>(s, k)
                s2 = Add(s, c)
            }>
        }>
    }"""
    text = text.replace("k = Unsqueeze(wi, axes)\n                axes = Constant<value_ints=[0]>()",
                        "axes = Constant<value_ints=[0]>()\n                k = Unsqueeze(wi, axes)")  # fmt: skip
    rng = np.random.default_rng(0)
    right(model(text), x=draw(rng, 1, 2, 5, 5), w=draw(rng, 3, 2, 3, 3), error=1e-5)


def test_initializers_of_a_subgraph() -> None:
    """Two branches call different weights by one name."""
    text = """(float[20] x, bool c) => (float[20] y) {
        y = If (c) <then_branch = t () => (float[20] a) <float[20] k = {FIRST}> { a = Mul(x, k) },
                    else_branch = e () => (float[20] a) <float[20] k = {SECOND}> { a = Add(x, k) }>
    }"""
    text = text.replace("FIRST", ", ".join(map(str, range(20)))).replace("SECOND", ", ".join(map(str, range(20, 40))))
    for value in (True, False):
        program = right(model(text), x=draw(np.random.default_rng(0), 20), c=np.array(value))
        assert len(program.weights) == 2


def test_sequences_in_loops() -> None:
    """The parts of a split, each with another one of a second split, and put together again."""
    text = """(float[6,3] x, float[6,3] z) => (float[6,3] y, float[2,3] first, int64 n) {
        two = Constant<value_int=2>() zero = Constant<value_int=0>()
        xs = SplitToSequence<axis=0>(x, two)
        zs = SplitToSequence<axis=0>(z, two)
        ys = SequenceMap (xs, zs, x) <body = b (float[2,3] p, float[2,3] q, float[6,3] all) => (float[2,3] r) {
            m = ReduceMax(all) s = Sub(p, q) r = Mul(s, m)
        }>
        y = ConcatFromSequence<axis=0>(ys)
        first = SequenceAt(ys, zero)
        n = SequenceLength(ys)
    }"""
    rng = np.random.default_rng(0)
    program = right(model(text), x=draw(rng, 6, 3), z=draw(rng, 6, 3))
    assert (
        "for p, q, all in zip(splittosequence, each(splittosequence_2, splittosequence), each(x, splittosequence)):"
        in body(program)
    )


def test_a_sequence_that_grows() -> None:
    text = """(float[3] x, int64 n) => (float[k,3] y) {
        yes = Constant<value = bool {1}>()
        empty = SequenceEmpty<dtype=1>()
        ys = Loop (n, yes, empty) <body = b (int64 i, bool g, seq(float[3]) s) => (bool h, seq(float[3]) t) {
            h = Identity(g) f = Cast<to=1>(i) v = Mul(x, f) t = SequenceInsert(s, v)
        }>
        y = ConcatFromSequence<axis=0, new_axis=1>(ys)
    }"""
    right(model(text), x=draw(np.random.default_rng(0), 3), n=np.array(4))


def test_names_of_helpers_are_no_values() -> None:
    """Values may be called like what the lines call: they get other names."""
    text = """(float[3] stacked, int64 iterations, bool zip) => (float[3] slices, float[k,3] each) {
        slices, each = Loop (iterations, zip, stacked) <body = b (int64 float_, bool np, float[3] w)
            => (bool going, float[3] feeds, float[3] check_inputs) {
                going = Identity(np) feeds = Exp(w) check_inputs = Neg(w)
        }>
    }"""
    right(model(text), stacked=np.array([0.1, -1, 0], np.float32), iterations=np.array(2), zip=np.array(True))


def test_the_batch_of_a_loop_stays_as_it_is() -> None:
    program = plan(model(BRANCHES.replace("2,3", "1,3")))
    assert program.inputs[0].shape == (1, 3)
    assert "The batch is fixed" in program.source


@pytest.mark.parametrize(("text", "message"), [
    ("(seq(float[2]) x) => (float[2] y) { i = Constant<value_int=0>() y = SequenceAt(x, i) }",
     "'x' holds Sequence(Tensor(FLOAT))"),
    ("(float[2] x) => (seq(float[2]) y) { y = SequenceConstruct(x) }", "'y' holds Sequence(Tensor(FLOAT))"),
])  # fmt: skip
def test_programs_take_and_give_arrays(text: str, message: str) -> None:
    with pytest.raises(UnsupportedOpError) as raised:
        plan(model(text))
    assert str(raised.value) == (
        f"{message}\n"
        "  measured: inputs and outputs of a program are arrays\n"
        "  do:       let the model take and give tensors"
    )


def test_a_strange_operator_in_a_branch_is_named() -> None:
    with pytest.raises(UnsupportedOpError, match=r"^Bernoulli '' cannot run in NumPy\n"):
        plan(model(BRANCHES.replace("Neg(u)", "Bernoulli(u)")))


def empty_scan() -> dict[str, Any]:
    return {"h": np.ones((2,), np.float32), "xs": np.zeros((0, 2), np.float32)}


def test_an_output_without_a_name() -> None:
    """A kernel that gives two arrays by itself gives the only one that is wanted."""
    text = "(float[5] x) => (float[2] y) { k = Constant<value_ints=[2]>() y, _ = TopK(x, k) }"
    found = model(text)
    found.graph[-1].outputs[1].name = ""
    program = plan(found)
    assert program.load().run({"x": np.array([1, 5, 2, 4, 3], np.float32)})["y"].tolist() == [5, 4]
    assert "outputs=1" in body(program)


def test_a_scan_over_nothing() -> None:
    text = """(float[2] h, float[n,2] xs) => (float[2] y, float[2,n] z) {
        y, z = Scan (h, xs) <num_scan_inputs = 1, scan_output_axes = [1],
            body = b (float[2] s, float[2] x) => (float[2] t, float[2] e) { t = Add(s, x) e = Neg(t) }>
    }"""
    got = plan(model(text)).load().run(empty_scan())
    assert got["y"].tolist() == [1, 1]
    assert (got["z"].shape, got["z"].dtype) == ((2, 0), np.float32)
