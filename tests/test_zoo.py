from __future__ import annotations

import pytest

from converter import zoo
from converter.checkpoint import architecture, load
from converter.errors import ArchitectureError, InputError
from converter.preprocess import Preprocess
from converter.resources import resource
from converter.tasks import task_names

NAMES = sorted(path.stem for path in resource("model_zoo").glob("*.toml"))
VALID = """
name = "mine"
arch = "timm:resnet18"
input = [1, 3, 32, 32]
preprocess = "unit"
task = "classification"
[source]
project = "p"
page = "q"
licence = "MIT"
"""


def _library(name):
    try:
        return architecture.library(name)
    except ArchitectureError as error:
        pytest.skip(f"{name}: {error.measured}")


def test_all_are_there():
    assert list(zoo.recipes()) == NAMES
    assert {
        "resnet18", "mobilenetv3_small_100", "efficientnet_b0", "convnext_atto", "vit_tiny_patch16_224", "ghostnet_100",
        "deeplabv3_mobilenet_v3_large", "lraspp_mobilenet_v3_large", "digits",
    } <= set(NAMES)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_recipe(name):
    recipe = zoo.recipe(name)

    assert recipe.name == name
    assert recipe.task in task_names()
    assert recipe.preprocess.size == recipe.input[-2:]
    assert recipe.preprocess.channels == recipe.input[1]
    assert recipe.classes is not None and (recipe.labels is None) != (recipe.label_set is None)
    assert recipe.source.page and recipe.source.licence


@pytest.mark.parametrize("name", [name for name in NAMES if zoo.recipe(name).arch.startswith("timm:")])
def test_timm(name):
    """The preprocessing is that of the weights, as timm records it; the input and the classes too."""
    timm = _library("timm")
    recipe = zoo.recipe(name)
    arch = recipe.arch.removeprefix("timm:")
    config = timm.get_pretrained_cfg(arch).to_dict()

    assert arch in timm.list_pretrained()
    assert recipe.preprocess == Preprocess.from_timm(config)
    assert (recipe.input[1:], recipe.classes) == (config["input_size"], config["num_classes"])


@pytest.mark.parametrize("name", [name for name in NAMES if zoo.recipe(name).arch.startswith("torchvision:")])
def test_torchvision(name):
    """Mean, std and filter are those of the weights, and the labels are theirs."""
    models = _library("torchvision").models
    recipe = zoo.recipe(name)
    known = models.get_model_weights(recipe.arch.removeprefix("torchvision:"))
    assert recipe.source.weights is not None
    weights = known[recipe.source.weights.partition(".")[2]]
    transforms = weights.transforms()

    assert known.__name__ == recipe.source.weights.partition(".")[0]
    assert (list(recipe.preprocess.mean), list(recipe.preprocess.std)) == (transforms.mean, transforms.std)
    assert recipe.preprocess.interpolation == transforms.interpolation.value
    assert [recipe.input[-1]] == transforms.resize_size
    assert recipe.labels is not None
    assert list(recipe.labels) == [label.strip("_") for label in weights.meta["categories"]]


@pytest.mark.parametrize("name", ["mobilenetv3_small_100", "lraspp_mobilenet_v3_large", "deeplabv3_mobilenet_v3_large"])
def test_builds(name):
    recipe = zoo.recipe(name)
    _library(recipe.arch.partition(":")[0])
    module = architecture.build(recipe.arch, recipe.arch_args).module
    assert any(parameter.shape[:1] == (recipe.classes,) for parameter in module.parameters())


def test_digits():
    """The one recipe that comes with its weights."""
    recipe = zoo.recipe("digits")
    assert recipe.checkpoint is not None
    assert recipe.labels == tuple("0123456789")
    assert recipe.preprocess == Preprocess.parse("unit", shape=(1, 1, 8, 8))
    assert load(recipe.checkpoint, arch=recipe.arch).notes == ()


def test_unknown():
    with pytest.raises(InputError) as caught:
        zoo.recipe("resnet81")
    assert str(caught.value) == (
        "there is no recipe called resnet81\n"
        f"  measured: recipes: {', '.join(NAMES)}\n"
        "  do:       take resnet18\n"
        "  do:       or write model_zoo/resnet81.toml"
    )


def test_read(tmp_path):
    (tmp_path / "net.py").touch()
    (tmp_path / "names.txt").write_text("cat\ndog\n")
    (tmp_path / "mine.toml").write_text(
        'labels = "names.txt"\narch_args = {a = 1}\n' + VALID.replace("timm:resnet18", "net.py:make")
    )
    recipe = zoo.read(tmp_path / "mine.toml")
    assert recipe.arch == f"{tmp_path / 'net.py'}:make"
    assert (recipe.labels, recipe.classes, recipe.arch_args) == (("cat", "dog"), 2, {"a": 1})
    assert recipe.preprocess == Preprocess.parse("unit", shape=(1, 3, 32, 32))


INVALID = {
    "syntax": ("name = ", "TOMLDecodeError: Invalid value (at end of document)"),
    "missing": ('name = "mine"\n', "missing: arch, input, preprocess, task, source"),
    "unknown": (
        "lables = 3" + VALID,
        "unknown: lables; known: name, arch, input, preprocess, task, source, arch_args, classes, labels, checkpoint, notes",
    ),
    "type": (VALID.replace('"unit"', "3"), "preprocess is a int"),
    "bool": ("classes = true" + VALID, "classes is a bool"),
    "source": (VALID.replace("licence", "license"), "missing: source.licence"),
    "shape": (VALID.replace("3, 32", "0, 32"), "input is [1, 0, 32, 32], expected whole numbers above 0, batch first"),
    "name": (VALID.replace("mine", "yours"), "name is yours, expected the file's own, mine"),
    "hash": (VALID + 'sha256 = "abc"\n', "source.sha256 is abc, expected 64 hexadecimal digits"),
    "labels": ('classes = 3\nlabels = ["a", "b"]' + VALID, "classes is 3, but there are 2 labels"),
    "label": ('labels = ["a", 2]' + VALID, "labels holds something that is no text"),
    "file": ('labels = "names.txt"' + VALID, "there is no names.txt beside it"),
    "script": (VALID.replace("timm:resnet18", "net.py:make"), "there is no net.py beside it"),
}


@pytest.mark.parametrize("name", INVALID)
def test_invalid(name, tmp_path):
    text, measured = INVALID[name]
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(InputError) as caught:
        zoo.read(tmp_path / "mine.toml")
    assert str(caught.value) == (
        "mine.toml is not a valid recipe\n"
        f"  measured: {measured}\n"
        "  do:       write it as the other files of model_zoo/ are written"
    )
