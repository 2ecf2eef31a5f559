"""Keys: equal where a difference cannot matter, different where it was seen to."""

import numpy as np
import pytest

from converter.support.features import features
from tests.onnx_text import graph

RNG = np.random.default_rng(0)


def keys(text, **constants):
    return features(list(graph(text, **constants).graph)[-1])


def weight(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize(
    ("text", "constants", "fine", "coarse"),
    [
        ("(float[1,3,8,8] x) => (float[1,3,8,8] y) { y = Relu(x) }", {}, "Relu(fv1nnn)[]", "Relu(fv4)[]"),
        (
            "(float[1,3,8,8] x) => (float[1,4,4,4] y) { y = Conv<kernel_shape=[3,3], strides=[2,2], pads=[1,1,1,1]>(x, w) }",
            {"w": weight(4, 3, 3, 3)},
            "Conv(fv1nnn,fcnnnn)[kernel=3x3;group=1;strides=2x2;pads=1x1]",
            "Conv(fv4,fc4)[kernel=k;group=1;strides=s;pads=same]",
        ),
        (
            "(float[1,4,8,8] x) => (float[1,4,8,8] y) { y = Conv<pads=[1,1,1,1], group=4>(x, w) }",
            {"w": weight(4, 1, 3, 3)},
            "Conv(fv1nnn,fcn1nn)[kernel=3x3;kernel_shape=absent;group=depthwise;pads=1x1]",
            "Conv(fv4,fc4)[kernel=k;kernel_shape=absent;group=depthwise;pads=same]",
        ),
        (
            "(float[1,4,8,8] x, float[4,1,1] z) => (float[1,4,8,8] y) { y = Mul(x, z) }",
            {},
            "Mul(fv1nnn,fvn11)[]",
            "Mul(fv4,fv3)[meet=right]",
        ),
        (
            "(float[2,3] x) => (float[2,3] y) { y = Pow(x, two) }",
            {"two": np.float32(2)},
            "Pow(fvnn,fc)[scalar=2]",
            "Pow(fv2,fc0)[meet=right;scalar=2]",
        ),
        (
            "(float[2,3,4] x) => (float[2,1,1] y) { y = ReduceMean(x, axes) }",
            {"axes": np.array([-1, 1])},
            "ReduceMean(fvnnn,icn)[form=input;axes=1,2]",
            "ReduceMean(fv3,ic1)[form=input;axes=last2]",
        ),
        (
            "(float[1,5,6] x) => (float[1,2,6] y) { y = Slice(x, s, e, a) }",
            {"s": np.array([-2]), "e": np.array([2**62]), "a": np.array([1])},
            "Slice(fv1nn,ic1,ic1,ic1)[axes=1;step=1;start=-;end=M;out=1]",
            "Slice(fv3,ic1,ic1,ic1)[axes=1;step=1]",
        ),
        (
            "(float[1,6,4] x) => (float[2,3,4] y) { y = Reshape(x, to) }",
            {"to": np.array([-1, 3, 4])},
            "Reshape(fv1nn,icn)[to=nnn-]",
            "Reshape(fv3,ic1)[to=3]",
        ),
        (
            '(float[1,2,4,4] x) => (float[1,2,8,6] y) { y = Resize<mode="linear">(x, , , s) }',
            {"s": np.array([1, 2, 8, 6])},
            "Resize(fv1nnn,-,-,icn)[by=sizes;ways===Uu;coordinates=absent;mode=linear]",
            "Resize(fv4,-,-,ic1)[by=sizes;ways=Uu;coordinates=absent;mode=linear]",
        ),
        (
            "(float[1,2,8] x) => (float[1,2,8] y) { y = InstanceNormalization(x, s, s) }",
            {"s": np.ones(2, np.float32)},
            "InstanceNormalization(fv1nn,fcn,fcn)[epsilon=absent]",
            "InstanceNormalization(fv3,fc1,fc1)[epsilon=absent]",
        ),
        (
            "(float[1,2,8] x) => (float[1,2,8] y) { y = InstanceNormalization<epsilon=1e-5>(x, s, s) }",
            {"s": np.ones(2, np.float32)},
            "InstanceNormalization(fv1nn,fcn,fcn)[]",
            "InstanceNormalization(fv3,fc1,fc1)[]",
        ),
        (
            "(float[1,3,8,8] x) => (float[1,8,8,3] y) { y = Transpose<perm=[0,2,3,1]>(x) }",
            {},
            "Transpose(fv1nnn)[perm=0231]",
            "Transpose(fv4)[perm=to channels last]",
        ),
    ],
)
def test_keys(text, constants, fine, coarse):
    found = keys(text, **constants)
    assert (found.fine, found.coarse) == (fine, coarse)


def test_defaults_written_out_change_nothing():
    bare = keys("(float[2,3] x) => (float[2,3] y) { y = HardSigmoid(x) }")
    written = keys("(float[2,3] x) => (float[2,3] y) { y = HardSigmoid<alpha=0.2, beta=0.5>(x) }")
    assert bare == written
    plain = keys(
        "(float[1,3,8,8] x) => (float[1,3,8,8] y) { y = Conv<kernel_shape=[1,1]>(x, w) }", w=weight(3, 3, 1, 1)
    )
    full = '<kernel_shape=[1,1], strides=[1,1], dilations=[1,1], pads=[0,0,0,0], group=1, auto_pad="NOTSET">'
    assert plain == keys(f"(float[1,3,8,8] x) => (float[1,3,8,8] y) {{ y = Conv{full}(x, w) }}", w=weight(3, 3, 1, 1))


def test_negative_axes_are_counted_from_the_front():
    text = "(float[2,3,4] x) => (float[2,3,4] y) {{ y = Softmax<axis={}>(x) }}"
    assert keys(text.format(1)) == keys(text.format(-2))
    assert keys(text.format(1)) != keys(text.format(2))


def test_sizes_and_weights_do_not_count():
    text = "(float[1,{c},8,8] x) => (float[1,4,8,8] y) {{ y = Conv<kernel_shape=[1,1]>(x, w) }}"
    assert keys(text.format(c=3), w=weight(4, 3, 1, 1)) == keys(text.format(c=17), w=weight(4, 17, 1, 1))


def test_an_unused_second_output_does_not_count():
    used = keys(
        "(float[1,2,4,4] x) => (float[1,2,2,2] y, int64[1,2,2,2] i) { y, i = MaxPool<kernel_shape=[2,2], strides=[2,2]>(x) }"
    )
    unused = keys("(float[1,2,4,4] x) => (float[1,2,2,2] y) { y, i = MaxPool<kernel_shape=[2,2], strides=[2,2]>(x) }")
    assert "->2" in used.fine
    assert "->" not in unused.fine
