"""The patterns: what OpenCV fuses or mangles is among them, by name."""

import re
from collections import Counter

import pytest

from tests.support.cases.drawn import patterns

PATTERNS = {
    # behind a convolution
    *(
        "conv_bn",
        "conv_activation",
        "conv_bn_activation",
        "conv_relu_bn",
        "conv_bn_relu_bn",
        "conv_add",
        "conv_add_activation",
    ),
    *(
        "conv_add_bn",
        "conv_bn_relu_add",
        "conv_relu_used_twice",
        "conv_swish",
        "conv_hard_swish",
        "conv_clip",
        "pad_conv",
    ),
    *(
        "conv_with_computed_weights",
        "conv_behind_permuted",
        "concat_behind_conv",
        "resize_behind_conv",
        "reshaped_behind_conv",
    ),
    # behind a product of two computed tensors
    *("matmul_activation", "matmul_scalar"),
    # in a file of another producer
    *("average_pool_of_pytorch", "average_pool_of_pytorch_silent"),
    # functions in primitives, and what looks like them
    *(
        "hard_swish",
        "hard_swish_gate",
        "sigmoid_gate",
        "gelu_erf",
        "gelu_tanh",
        "softplus",
        "mish",
        "celu",
        "softmax_in_parts",
    ),
    *("l2_normalize", "batch_norm_in_parts", "layer_norm_in_parts", "rms_norm", "group_norm_in_parts"),
    # transformers
    *(
        "attention",
        "attention_block",
        "attention_sequence_first",
        "matmul_add",
        "mlp",
        "window_partition",
        "roll",
        "cls_token",
    ),
    "transpose_layer_norm",
    # maps
    *(
        "reduce_mean_spatial",
        "two_outputs",
        "resize_of_one_row",
        "upsample_concat",
        "shuffles",
        "norm_alone",
        "max_pool_same",
    ),
    "transpose_pairs",
}

KNOWN_BUGS = [
    "pattern/conv_relu_bn/Relu 1x4x6x7 to 8 k3",  # OpenCV issue 28689
    "pattern/conv_add_bn/c, r 1x4x6x7 to 8 k3",  # OpenCV issue 29160
    "pattern/reduce_mean_spatial/input 2,3 keep 0 2x16x7x7",  # OpenCV issue 24198
    "pattern/two_outputs/crossed z,y 1x4x5x7",  # OpenCV issue 22543
    "pattern/hard_swish_gate/beta given x, h 1x4x5x7",  # every OpenCV
    "pattern/hard_swish_gate/beta given x, h squeezed",
    "pattern/resize_of_one_row/linear 1x4x1x1 to 8 k1",  # right by luck in some runs of 5.0.0
    "pattern/softplus/2 c, e 1x4x5x7",  # log(2 + exp(x)) is no softplus
    "pattern/mish/Softplus f, t other factor 1x4x5x7",
    "pattern/gelu_erf/halved last other factor 1x4x5x7",
    "pattern/gelu_tanh/Mul 0.03 0.797885 1x4x5x7",
    "pattern/l2_normalize/attribute 1 other dividend 1x4x5x7",
    "pattern/layer_norm_in_parts/power 1 -1 2x6x8",
    "pattern/celu/2 2 1x4x5x7",
]


def test_every_pattern_has_variants():
    counts = Counter(case.name.split("/")[1] for case in patterns())
    assert set(counts) == PATTERNS
    assert {name: count for name, count in counts.items() if count < 4} == {}


@pytest.mark.parametrize("name", KNOWN_BUGS)
def test_known_silent_bugs_are_among_them(name):
    assert name in {case.name for case in patterns()}


def test_names_are_words():
    for case in patterns():
        assert case.pattern
        assert re.fullmatch(r"pattern/[a-z0-9_]+/\S[^/]*\S", case.name), case.name


def test_most_are_of_several_nodes():
    """One node alone is a pattern only where it is the same question: a mean over a map, two outputs, a producer."""
    alone = {case.name.split("/")[1] for case in patterns() if len(case.model.graph.node) == 1}
    assert alone == {"average_pool_of_pytorch", "average_pool_of_pytorch_silent", "reduce_mean_spatial", "two_outputs"}


def test_a_gate_is_no_function_of_its_gate_alone():
    """The gated value counts: else dropping it could not be seen."""
    case = next(c for c in patterns() if c.name == "pattern/hard_swish_gate/beta given x, h 1x4x5x7")
    sample, expected = case.samples[0], case.expected[0]["y"]
    gate = sample["g"].clip(-3, 3) / 6 + 0.5
    assert abs(expected - sample["g"] * gate).max() > 0.1
    assert abs(expected - sample["x"] * gate).max() < 1e-6
