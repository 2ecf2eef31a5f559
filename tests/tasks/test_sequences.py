"""Vectors and texts."""

from __future__ import annotations

import itertools
import json
import math

import numpy as np
import pytest
import torch

from converter.tasks import embedding, text

# --- embeddings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("normalize", [True, False])
def test_vectors(seed, normalize):
    rng = np.random.default_rng(seed)
    a, b = (torch.from_numpy(rng.normal(size=(1, 16, 1, 1)).astype(np.float32)) for _ in range(2))
    results = [embedding.postprocess({"y": v.numpy()}, None, normalize=normalize) for v in (a, b)]
    assert json.loads(json.dumps(results)) == results
    flat = [v.flatten().double() for v in (a, b)]
    wanted = [torch.nn.functional.normalize(v, dim=0) if normalize else v for v in flat]
    np.testing.assert_allclose(results[0]["vector"], wanted[0].numpy(), rtol=1e-12)
    assert results[0]["norm"] == pytest.approx(flat[0].norm().item())
    found = embedding.compare(*results)
    assert found["cosine"] == pytest.approx(torch.cosine_similarity(*flat, dim=0).item())
    assert found["distance"] == pytest.approx((wanted[0] - wanted[1]).norm().item())
    assert embedding.compare(results[0], results[0])["cosine"] == pytest.approx(1.0)


def test_a_vector_in_words():
    result = embedding.postprocess({"y": np.array([[3.0, 0, -4, 0, 0]], np.float32)}, None)
    assert embedding.describe(result) == "5 numbers, norm 5: 0.6, 0, -0.8, 0, ..."


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((1, 4)), "output 'y' holds zeros only: it has no direction"),
        (np.full((1, 4), np.nan), "output 'y' holds NaN or infinity: it is no vector"),
        (np.zeros((2, 4)), r"output 'y' has shape \[2, 4\], expected one sample"),
        (np.zeros((1, 0)), r"output 'y' has shape \[1, 0\], expected one sample"),
    ],
)
def test_vectors_refuse(array, message):
    with pytest.raises(ValueError, match=message):
        embedding.postprocess({"y": array}, None)


def test_vectors_that_cannot_be_compared():
    one, other, zero = ({"vector": v} for v in ([1.0, 2.0], [1.0], [0.0, 0.0]))
    with pytest.raises(ValueError, match="a vector of 2 numbers cannot be compared with one of 1"):
        embedding.compare(one, other)
    with pytest.raises(ValueError, match="a vector of zeros has no direction"):
        embedding.compare(one, zero)


# --- text -------------------------------------------------------------------------------------------------------------

ALPHABET = ["-", "a", "b", "l", "o"]


def steps(path, chance=0.9, classes=5):
    """Probabilities (steps, classes): `chance` for the path's class, the rest shared."""
    chances = np.full((len(path), classes), (1 - chance) / (classes - 1), np.float32)
    chances[np.arange(len(path)), path] = chance
    return chances


@pytest.mark.parametrize("layout", ["NTC", "TNC", "NCT"])
@pytest.mark.parametrize("activation", ["softmax", "none"])
def test_text(layout, activation):
    path = [0, 1, 1, 0, 3, 3, 0, 3, 4, 4, 0, 0]
    array = steps(path) if activation == "none" else np.log(steps(path))
    array = {"NTC": array[None], "TNC": array[:, None], "NCT": array.T[None]}[layout]
    asked = "NCT" if layout == "NCT" else "NTC"
    result = text.postprocess({"y": array}, None, labels=ALPHABET, layout=asked, activation=activation)
    assert json.loads(json.dumps(result)) == result
    assert (result["text"], [c["step"] for c in result["characters"]]) == ("allo", [1, 4, 7, 8])
    assert result["score"] == pytest.approx(0.9**4, rel=1e-6)
    assert text.describe(result) == "allo  65.6%"


@pytest.mark.parametrize("seed", range(10))
def test_the_best_path_is_merged_as_itertools_merges_it(seed):
    rng = np.random.default_rng(seed)
    blank = int(rng.integers(-1, 5))
    logits = rng.normal(size=(int(rng.integers(1, 30)), 1, 5)).astype(np.float32)
    path = [index for index, _ in itertools.groupby(logits[:, 0].argmax(1).tolist()) if index != blank % 5]
    assert text.postprocess({"y": logits}, None, blank=blank)["text"] == "".join(map(str, path))


@pytest.mark.parametrize(("blank", "labels"), [(0, "abcd"), (-1, "abcd"), (2, "ab-cd")])
def test_labels_with_and_without_the_blank(blank, labels):
    path = [index for index in range(5) if index != blank % 5]
    assert text.postprocess({"y": steps(path)[None]}, None, labels=labels, blank=blank)["text"] == "abcd"


def test_a_character_is_as_sure_as_its_surest_step():
    chances = np.concatenate([steps([1], 0.6), steps([1], 0.8), steps([1], 0.7), steps([0])])
    result = text.postprocess({"y": chances[None]}, None, labels=ALPHABET, activation="none")
    (found,) = result["characters"]
    assert (found["step"], found["score"]) == (1, pytest.approx(0.8))


def test_no_text():
    result = text.postprocess({"y": steps([0, 0, 0])[None]}, None)
    assert (result["text"], result["score"], text.describe(result)) == ("", None, "no text")
    assert math.isclose(
        text.postprocess({"y": steps([0, 2])[None]}, None, activation="none")["score"], 0.9, rel_tol=1e-6
    )


@pytest.mark.parametrize(
    ("shape", "settings", "message"),
    [
        ((4, 5), {}, r"output 'y' has shape \[4, 5\], expected one sample of steps and classes"),
        ((2, 4, 5), {}, r"output 'y' has shape \[2, 4, 5\], expected one sample of steps and classes"),
        ((4, 1, 5), {"layout": "NCT"}, r"output 'y' has shape \[4, 1, 5\], expected one sample of steps and classes"),
        ((1, 4, 5), {"blank": 5}, "blank is 5, and there are 5 classes"),
        ((1, 4, 5), {"labels": "abc"}, "there are 3 labels for 5 classes, one of them the blank"),
    ],
)
def test_text_refuses(shape, settings, message):
    with pytest.raises(ValueError, match=message):
        text.postprocess({"y": np.zeros(shape, np.float32)}, None, **settings)
