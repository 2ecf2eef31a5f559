"""ONNX's own single-operator cases, and the list of those that the NumPy runtime does not pass."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np
from onnx.backend.test.loader import load_model_tests

from converter.errors import UnsupportedOpError

LEFT_OUT: dict[tuple[str, type[Exception]], tuple[str, ...]] = {
    # what the reference says, and how the runtime differs
    (
        "ONNX's reference takes the output's extent before rounding it down; PyTorch and ONNX Runtime, which leaves the "
        "cases out too, after",
        AssertionError,
    ): ("resize_downsample_scales_cubic_align_corners", "resize_downsample_scales_linear_align_corners"),
    # random numbers
    ("training draws random numbers, and the case wants those of NumPy's old generator", ValueError): (
        "training_dropout",
        "training_dropout_default",
        "training_dropout_default_mask",
        "training_dropout_mask",
    ),
    ("the operator draws random numbers: nothing for inference", UnsupportedOpError): (
        "bernoulli",
        "bernoulli_double",
        "bernoulli_double_expanded",
        "bernoulli_expanded",
        "bernoulli_seed",
        "bernoulli_seed_expanded",
    ),
    # operators of other trades
    ("ImageDecoder reads JPEG, PNG, ...: in a deployment cv2 or the preprocessing does", UnsupportedOpError): (
        "image_decoder_decode_bmp_rgb",
        "image_decoder_decode_jpeg2k_rgb",
        "image_decoder_decode_jpeg_bgr",
        "image_decoder_decode_jpeg_grayscale",
        "image_decoder_decode_jpeg_rgb",
        "image_decoder_decode_png_rgb",
        "image_decoder_decode_pnm_rgb",
        "image_decoder_decode_tiff_rgb",
        "image_decoder_decode_webp_rgb",
    ),
    ("TfIdfVectorizer counts n-grams of text", UnsupportedOpError): (
        "tfidfvectorizer_tf_batch_onlybigrams_skip0",
        "tfidfvectorizer_tf_batch_onlybigrams_skip5",
        "tfidfvectorizer_tf_batch_uniandbigrams_skip5",
        "tfidfvectorizer_tf_only_bigrams_skip0",
        "tfidfvectorizer_tf_onlybigrams_levelempty",
        "tfidfvectorizer_tf_onlybigrams_skip5",
        "tfidfvectorizer_tf_uniandbigrams_skip5",
    ),
    ("domain ai.onnx.ml: classical machine learning", UnsupportedOpError): (
        "ai_onnx_ml_array_feature_extractor",
        "ai_onnx_ml_binarizer",
        "ai_onnx_ml_tree_ensemble_set_membership",
        "ai_onnx_ml_tree_ensemble_single_tree",
    ),
    ("domain ai.onnx.preview.training: optimisers", UnsupportedOpError): (
        "adagrad",
        "adagrad_multiple",
        "adam",
        "adam_multiple",
        "momentum",
        "momentum_multiple",
        "nesterov_momentum",
    ),
    ("domain ai.onnx.preview: no exporter writes it, and it may change", UnsupportedOpError): (
        "flexattention",
        "flexattention_causal_mask",
        "flexattention_diff_head_sizes",
        "flexattention_double",
        "flexattention_fp16",
        "flexattention_gqa",
        "flexattention_prob_mod",
        "flexattention_relative_positional",
        "flexattention_scaled",
        "flexattention_score_mod",
        "flexattention_soft_cap",
    ),
    # forms of long ago
    ("Scan of opset 8 had a batch axis, which no later opset has", UnsupportedOpError): ("scan_sum",),
}
"""(reason, the error that the case ends in): cases. A test runs them all: the list is neither too long nor too short."""


@cache
def cases() -> dict[str, Any]:
    """The cases whose inputs and outputs are tensors of numbers that NumPy has, by name."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # from computing infinities on purpose
        found = load_model_tests(kind="node")
    return {case.name.removeprefix("test_"): case for case in found if _is_plain(case)}


def _is_plain(case: Any) -> bool:
    values = [value for data in case.data_sets for side in data for value in side]
    declared = [*case.model.graph.input, *case.model.graph.output]
    return all(isinstance(v, np.ndarray | np.generic) and v.dtype.kind in "fiubc" for v in values) and all(
        value.type.HasField("tensor_type") for value in declared
    )
