from __future__ import annotations

import ast
import hashlib
import json
from pathlib import Path

import pytest

from converter import zoo
from converter.checkpoint import architecture, load
from converter.errors import ArchitectureError, ConversionError, InputError
from converter.from_recipe import convert_recipe
from converter.preprocess import Preprocess
from converter.progress import Progress
from converter.resources import resource
from converter.tasks import task_named

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


def named(prefix):
    return [name for name in NAMES if zoo.recipe(name).arch.startswith(prefix)]


def test_all_are_there():
    assert list(zoo.recipes()) == NAMES
    assert len(NAMES) >= 60
    tasks = [recipe.task for recipe in zoo.recipes().values()]
    assert set(tasks) >= {
        "classification", "segmentation", "detection", "instance_segmentation", "keypoints", "depth", "image", "text",
        "embedding",
    }  # fmt: skip
    assert tasks.count("detection") >= 10
    assert {
        "resnet18", "mobilenetv3_small_100", "efficientnet_b0", "convnext_atto", "vit_tiny_patch16_224", "ghostnet_100",
        "deeplabv3_mobilenet_v3_large", "lraspp_mobilenet_v3_large", "digits", "digit_detector", "digit_segmenter",
    } <= set(NAMES)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_recipe(name):
    recipe = zoo.recipe(name)

    assert recipe.name == name
    task_named(recipe.task).check(recipe.settings)
    assert recipe.preprocess.size == recipe.input[-2:]
    assert recipe.preprocess.channels == recipe.input[1]
    assert (recipe.input[0], len(recipe.input)) == (1, 4)
    if recipe.task in ("classification", "detection", "instance_segmentation"):
        assert recipe.labels is not None and recipe.classes == len(recipe.labels)
    assert recipe.source.page and recipe.source.licence and recipe.source.project
    assert json.loads(json.dumps(recipe.to_dict()))["name"] == name
    if recipe.source.sha256 is not None and len(recipe.source.sha256) < 64:
        assert f"-{recipe.source.sha256}." in recipe.source.file  # the beginning of a hash is known from the name alone


@pytest.mark.parametrize("name", NAMES)
def test_architecture_is_there(name):
    """A name of the library, or a function of a file of the zoo; what needs another package says which."""
    recipe = zoo.recipe(name)
    kind, where, called = architecture.split(recipe.arch)
    if kind == "timm":
        assert _library("timm").is_model(called)
    elif kind == "torchvision":
        assert called in _library("torchvision").models.list_models()
    elif kind == "file":
        defined = {node.name for node in ast.parse(Path(where).read_text()).body if isinstance(node, ast.FunctionDef)}
        assert called in defined
    else:
        assert recipe.requires


@pytest.mark.parametrize("name", named("timm:"))
def test_timm(name):
    """The preprocessing is that of the weights, as timm records it; the input, the classes and the licence too."""
    timm = _library("timm")
    recipe = zoo.recipe(name)
    arch = recipe.arch.removeprefix("timm:")
    config = timm.get_pretrained_cfg(arch).to_dict()

    assert arch in timm.list_pretrained()
    assert recipe.preprocess == Preprocess.from_timm(config)
    assert (recipe.input[1:], recipe.classes or 0) == (config["input_size"], config["num_classes"])
    assert recipe.source.licence.lower() == config["license"]
    assert recipe.source.weights == arch
    assert recipe.label_set == ("imagenet-1k" if recipe.classes else None)


TORCHVISION = [name for name in NAMES if zoo.recipe(name).source.project == "torchvision"]


def weights_of(recipe):
    models = _library("torchvision").models
    known = models.get_model_weights(recipe.arch.rpartition(":")[2])
    assert known.__name__ == recipe.source.weights.partition(".")[0]
    return known[recipe.source.weights.partition(".")[2]]


@pytest.mark.parametrize("name", TORCHVISION)
def test_torchvision(name):
    """The labels and the file are those of the weights, and its hash is the one that the file's name begins with."""
    recipe = zoo.recipe(name)
    weights = weights_of(recipe)
    categories = [label.strip("_") for label in weights.meta["categories"]]

    assert recipe.source.file == weights.url.rpartition("/")[2]
    if recipe.labels is not None:
        assert list(recipe.labels) == (categories if len(categories) != 91 else categories[1:])
    if recipe.task in ("classification", "segmentation"):
        transforms = weights.transforms()
        resized = recipe.preprocess.resize_size
        assert (list(recipe.preprocess.mean), list(recipe.preprocess.std)) == (transforms.mean, transforms.std)
        assert recipe.preprocess.interpolation == transforms.interpolation.value
        assert transforms.resize_size == [resized if isinstance(resized, int) else resized[0]]
    if recipe.task == "classification":
        assert (transforms.crop_size, recipe.preprocess.resize) == ([recipe.input[-1]], "shortest")
        assert recipe.preprocess.crop == recipe.input[-2:]


LABELS = {"imagenet-1k": 1000, "coco-80": 80, "coco-90": 90, "coco-91": 91, "voc-21": 21}


@pytest.mark.parametrize("name", LABELS)
def test_label_lists(name):
    lines = (resource("model_zoo") / "labels" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    assert len(lines) == LABELS[name]
    assert all(line.strip() == line != "" for line in lines)
    if name.startswith("coco-"):
        real = [line for line in lines if line not in ("N/A", "__background__")]
        assert (len(real), len(set(real)), real[0], real[-1]) == (80, 80, "person", "toothbrush")


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


@pytest.mark.parametrize("name", ["digit_detector", "digit_segmenter"])
def test_digits_in_scenes(name):
    recipe = zoo.recipe(name)
    assert recipe.checkpoint is not None
    assert recipe.labels == (*(["background"] if name == "digit_segmenter" else []), *"0123456789")
    assert load(recipe.checkpoint, arch=recipe.arch).notes == ()


@pytest.mark.parametrize(
    ("name", "advice"),
    [("resnet81", "take resnet18 or resnet101 or resnet50"), ("nonsense", "convert zoo lists them")],
)
def test_unknown(name, advice):
    with pytest.raises(InputError) as caught:
        zoo.recipe(name)
    assert str(caught.value) == (
        f"there is no recipe called {name}\n"
        f"  measured: {len(NAMES)} recipes, none of that name\n"
        f"  do:       {advice}\n"
        f"  do:       or write model_zoo/{name}.toml"
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
        "unknown: lables; known: name, arch, input, preprocess, task, source, arch_args, settings, requires, classes, labels, "
        "checkpoint, refused, notes",
    ),
    "type": (VALID.replace('"unit"', "3"), "preprocess is a int"),
    "bool": ("classes = true" + VALID, "classes is a bool"),
    "source": (VALID.replace("licence", "license"), "missing: source.licence"),
    "shape": (VALID.replace("3, 32", "0, 32"), "input is [1, 0, 32, 32], expected whole numbers above 0, batch first"),
    "name": (VALID.replace("mine", "yours"), "name is yours, expected the file's own, mine"),
    "hash": (
        VALID + 'sha256 = "abc"\n',
        "source.sha256 is abc, expected 64 hexadecimal digits, or the first 8 or more",
    ),
    "labels": ('classes = 3\nlabels = ["a", "b"]' + VALID, "classes is 3, but there are 2 labels"),
    "label": ('labels = ["a", 2]' + VALID, "labels holds something that is no text"),
    "list": (
        'labels = "imagenet"' + VALID,
        "labels is imagenet, expected a list, a .txt file or one of coco-80, coco-90, coco-91, imagenet-1k, voc-21",
    ),
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


@pytest.mark.parametrize(
    ("name", "size", "resize_size", "crop"),
    [
        ("resnet50", (448, 448), 464, (448, 448)),
        ("yolov8n", (416, 640), (416, 640), None),
        ("deeplabv3_resnet50", (260, 390), (260, 390), None),
        ("yunet", (640, 640), (640, 640), None),
    ],
)
def test_another_size(name, size, resize_size, crop):
    recipe = zoo.recipe(name).with_size(*size)
    assert recipe.input == (1, 3, *size)
    found = recipe.preprocess
    assert (found.size, found.resize_size, found.crop) == (size, resize_size, crop)
    assert recipe.arch_args.get("side") == (640 if name == "yunet" else None)


def test_another_size_where_only_squares_go():
    with pytest.raises(InputError) as caught:
        zoo.recipe("yunet").with_size(480, 640)
    assert str(caught.value) == (
        "the recipe yunet takes squares only\n"
        "  measured: its architecture has the argument side = 320; asked for: 480x640\n"
        "  do:       give a square: --size 640x640"
    )


# --- converting with a recipe -------------------------------------------------------------------------------------------


def test_a_network_that_cannot_be_converted_says_why(tmp_path):
    with pytest.raises(ConversionError) as caught:
        convert_recipe("fasterrcnn_resnet50_fpn_v2", tmp_path / "any.pth", out=tmp_path / "out")
    assert caught.value.exit_code == 3
    assert str(caught.value).startswith("fasterrcnn_resnet50_fpn_v2 cannot be converted\n  measured: its second stage")
    assert list(tmp_path.iterdir()) == []


def test_weights_that_are_published_elsewhere_are_asked_for():
    with pytest.raises(InputError) as caught:
        convert_recipe("resnet50")
    assert str(caught.value) == (
        "the recipe resnet50 holds no weights\n"
        "  measured: they are published at https://github.com/pytorch/vision/issues/3995#issuecomment-1013906621 "
        "as resnet50-11ad3fa6.pth\n"
        "  do:       download them, and: convert zoo resnet50 resnet50-11ad3fa6.pth"
    )


class Notes(Progress):
    def __init__(self):
        self.told = []

    def note(self, text):
        self.told.append(text)


@pytest.mark.parametrize("given", ["published", "another", "unknown"])
def test_the_hash_is_looked_at(tmp_path, monkeypatch, given):
    """A file with another hash is converted all the same (it may be fine-tuned), and that is said."""
    (tmp_path / "net.pth").write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    known = {"published": f'sha256 = "{digest[:10]}"\n', "another": f'sha256 = "{"0" * 64}"\n', "unknown": ""}[given]
    (tmp_path / "mine.toml").write_text('labels = ["a", "b"]\n' + VALID + known)
    recipe = zoo.read(tmp_path / "mine.toml")
    assert (
        recipe.source.published(tmp_path / "net.pth") is {"published": True, "another": False, "unknown": None}[given]
    )

    asked = {}
    monkeypatch.setattr(
        "converter.from_recipe.convert", lambda weights, **options: asked.update(options, weights=weights)
    )
    notes = Notes()
    convert_recipe(recipe, tmp_path / "net.pth", targets=["5.0.0"], progress=notes, tolerance=1e-3)
    wanted = [f"net.pth is not the published file, whose SHA-256 begins with {'0' * 64}"] if given == "another" else []
    assert notes.told == wanted
    assert (asked["weights"], asked["arch"], asked["example"]) == (
        tmp_path / "net.pth",
        "timm:resnet18",
        (1, 3, 32, 32),
    )
    assert (asked["task"], asked["labels"], asked["targets"]) == ("classification", ("a", "b"), ["5.0.0"])
    assert (asked["preprocess"], asked["tolerance"], asked["out"]) == (recipe.preprocess, 1e-3, "mine-opencv")
