from __future__ import annotations

import sys

import pytest
import torch

from converter.checkpoint import architecture, load, parse_arch_args
from converter.errors import ArchitectureError
from tests.checkpoint.files import NET

FORMS = "--arch takes timm:NAME, torchvision:NAME, package.module:callable or path/to/file.py:callable"


def _error(spec, args=None):
    with pytest.raises(ArchitectureError) as caught:
        architecture.build(spec, args)
    assert caught.value.exit_code == 2
    return caught.value


def _text(what, measured, *do):
    return "\n".join([what, f"  measured: {measured}", *(f"  do:       {step}" for step in do)])


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.py").write_text(NET)
    return tmp_path


# --- a file -----------------------------------------------------------------------------------------------------------


def test_file(here):
    (here / "sub").mkdir()
    (here / "sub" / "model.py").write_text(
        "from parts_of_it import N\nimport torch\n\ndef make():\n    return torch.nn.Linear(N, 1)\n"
    )
    (here / "sub" / "parts_of_it.py").write_text("N = 7\n")
    path = list(sys.path)

    assert architecture.build("sub/model.py:make").module.in_features == 7
    assert architecture.build(f"{here / 'sub' / 'model.py'}:make").module.in_features == 7
    assert architecture.build("net.py:net", {"classes": 5}).module[2].out_channels == 5
    assert sys.path == path


def test_two_files_of_one_name(here):
    for name in "ab":
        (here / name).mkdir()
        (here / name / "model.py").write_text(NET.replace("3, 3)", f"3, {1 + 2 * (name == 'a')})"))
    kernels = [architecture.build(f"{name}/model.py:net").module[0].kernel_size for name in "ab"]
    assert kernels == [(3, 3), (1, 1)]


BROKEN = {
    "raises": ("import torch\nx = 1\nraise RuntimeError('no GPU')\n", "RuntimeError: no GPU (net.py, line 3)",
               "run it in Python alone until it works"),
    "syntax": ("x = (\n", "SyntaxError: '(' was never closed (net.py, line 1)",
               "run it in Python alone until it works"),
    "import": ("import torch\nimport nowhere.to.be_found\n",
               "ModuleNotFoundError: No module named 'nowhere' (net.py, line 2)",
               "install nowhere, or run in the folder that holds it"),
    "relative": ("from . import parts\n",
                 "ImportError: attempted relative import with no known parent package (net.py, line 1)",
                 "name it as part of its package: --arch package.module:callable, in the folder that holds "
                 "the package"),
    "script": ("import argparse, sys\nsys.exit(2)\n", "SystemExit: 2 (net.py, line 2)",
               'move what the script does behind: if __name__ == "__main__":'),
    "deeper": ("def f():\n    return {}['key']\n\nf()\n", "KeyError: 'key' (net.py, line 2)",
               "run it in Python alone until it works"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_file_that_fails(name, here):
    text, measured, do = BROKEN[name]
    (here / "net.py").write_text(text)

    error = _error("net.py:net")

    assert str(error) == _text("--arch net.py: the file stops with an error", measured, do)
    assert error.__cause__ is not None
    assert not any(key.startswith("_torch2cv_net_") and "net" not in vars(sys.modules[key]) for key in sys.modules)


def test_file_is_missing(here):
    assert str(_error("nets.py:net")) == _text(
        "--arch nets.py: there is no such file",
        f"looked in {here}, which holds net.py",
        "give the path from the folder you are in, or an absolute one",
    )


def test_drive_letter():
    assert architecture.split("C:\\models\\net.py:make") == ("file", "C:\\models\\net.py", "make")


def test_no_callable(here):
    assert str(_error("net.py:nett")) == _text(
        "--arch net.py:nett: there is nothing to call by that name", "net.py defines net", "--arch net.py:net"
    )
    assert str(_error("net.py:torch")) == _text(
        "--arch net.py:torch: there is nothing to call by that name", "torch is a module", "--arch net.py:net"
    )


def test_no_name(here):
    assert str(_error("net.py")) == _text(
        "--arch net.py cannot be understood",
        "it names a file, but not the function or class in it that builds the network",
        "--arch net.py:net",
    )


def test_wrong_arguments(here):
    assert str(_error("net.py:net", {"klasses": 3})) == _text(
        """net.py:net does not build with {"klasses": 3}""",
        "TypeError: net() got an unexpected keyword argument 'klasses'\n            it takes net(classes=2, inputs=1)",
        """give its arguments: --arch-args '{"name": value}'""",
    )


def test_no_module(here):
    (here / "net.py").write_text("def net():\n    return 3\n")
    assert str(_error("net.py:net")) == _text(
        "net.py:net gives no torch.nn.Module",
        "it returned a int",
        "name a function that returns the network, or the network's class",
    )


# --- a module ---------------------------------------------------------------------------------------------------------


def test_module(here):
    assert isinstance(architecture.build("torch.nn:Identity").module, torch.nn.Identity)
    (here / "package_of_mine").mkdir()
    (here / "package_of_mine" / "nets.py").write_text(NET)
    assert len(architecture.build("package_of_mine.nets:net").module) == 3
    assert str(here) not in sys.path


def test_no_such_module(here):
    assert str(_error("tim:resnet18")) == _text(
        "--arch tim:resnet18: there is no module tim",
        f"No module named 'tim'; looked in {here} and in {sys.prefix}",
        "--arch timm:resnet18",
        FORMS,
    )


@pytest.mark.parametrize("spec", ["resnet18", "timm:", ":net", "a/b/c"])
def test_no_form(spec):
    more = ("--arch timm:resnet18", "--arch torchvision:resnet18") if spec == "resnet18" else ()
    assert str(_error(spec)) == _text(
        f"--arch {spec} cannot be understood", "it has no name after a colon", FORMS, *more
    )


# --- libraries --------------------------------------------------------------------------------------------------------


def _library(name):
    try:
        return architecture.library(name)
    except ArchitectureError as error:
        pytest.skip(f"{name}: {error.measured}")


def test_timm(tmp_path):
    timm = _library("timm")
    net = timm.create_model("test_resnet", num_classes=10)
    torch.save({"state_dict": net.state_dict(), "arch": "test_resnet"}, tmp_path / "a")

    loaded = load(tmp_path / "a", arch="timm:test_resnet.r160_in1k", arch_args={"num_classes": 10})

    assert loaded.input_hint == (1, 3, 160, 160)
    assert loaded.preprocess_hint == {
        "input_size": (3, 160, 160), "interpolation": "bilinear", "mean": (0.5, 0.5, 0.5), "std": (0.5, 0.5, 0.5),
        "crop_pct": 0.95, "crop_mode": "center",
    }  # fmt: skip
    x = torch.zeros(1, 3, 160, 160)
    torch.testing.assert_close(loaded.module(x), net.eval()(x), rtol=0, atol=0)

    with pytest.raises(ArchitectureError) as caught:
        load(tmp_path / "a", arch="timm:test_resnet")
    assert str(caught.value) == (
        "the weights do not fit timm:test_resnet\n"
        "  measured: 92 tensors in the checkpoint, 92 in the network\n"
        "            2 of another shape: fc.weight 10x96, not 1000x96; fc.bias 10, not 1000\n"
        "            weights found under 'state_dict'\n"
        """  do:       build the network as the checkpoint has it: --arch-args '{"num_classes": 10}'"""
    )


def test_timm_in_memory():
    timm = _library("timm")
    loaded = load(timm.create_model("test_vit", img_size=96))
    assert (loaded.input_hint, loaded.preprocess_hint["mean"]) == ((1, 3, 96, 96), (0.5, 0.5, 0.5))
    loaded = load(timm.create_model("test_resnet", in_chans=1))
    assert (loaded.input_hint, loaded.preprocess_hint) == ((1, 1, 160, 160), None)


@pytest.mark.parametrize("channels", [3, 1])
def test_timm_stem_that_makes_channels_of_pixels(channels):
    """The first convolution reads 16 times the channels of the picture."""
    timm = _library("timm")
    loaded = load(timm.create_model("tresnet_m", in_chans=channels))
    assert loaded.input_hint == (1, channels, 224, 224)


def test_timm_wrong(here):
    timm = _library("timm")
    error = _error("timm:resnet81")
    assert error.what == "timm has no network called resnet81"
    assert error.measured == f"not among the {len(timm.list_models())} names of timm {timm.__version__}"
    assert error.do[0] == "--arch timm:resnet18"
    assert _error("timm:test_resnet", {"zork": 1}).what == """timm:test_resnet does not build with {"zork": 1}"""


def test_torchvision(tmp_path):
    models = _library("torchvision").models
    torch.save(models.squeezenet1_1(num_classes=3).state_dict(), tmp_path / "a")

    loaded = load(tmp_path / "a", arch="torchvision:squeezenet1_1", arch_args={"num_classes": 3})

    assert (loaded.input_hint, loaded.preprocess_hint) == ((1, 3, 224, 224), None)
    with pytest.raises(ArchitectureError) as caught:
        load(tmp_path / "a", arch="torchvision:squeezenet1_1")
    assert caught.value.do == ("""build the network as the checkpoint has it: --arch-args '{"num_classes": 3}'""",)
    error = _error("torchvision:resnet81")
    assert (error.what, error.do[0]) == ("torchvision has no network called resnet81", "--arch torchvision:resnet18")


def test_torchvision_downloads_nothing(monkeypatch, tmp_path):
    """A segmentation network fetches its backbone's weights unless it is told not to."""
    models = _library("torchvision").models
    monkeypatch.setattr(torch.hub, "download_url_to_file", lambda *_, **__: pytest.fail("it downloads"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    net = models.segmentation.lraspp_mobilenet_v3_large(weights=None, weights_backbone=None, num_classes=2)
    torch.save(net.state_dict(), tmp_path / "a")

    loaded = load(tmp_path / "a", arch="torchvision:lraspp_mobilenet_v3_large", arch_args={"num_classes": 2})

    assert (loaded.input_hint, loaded.preprocess_hint) == (None, None)


def test_auxiliary_head(tmp_path):
    models = _library("torchvision").models
    none = {"weights": None, "weights_backbone": None, "num_classes": 21}
    torch.save(models.segmentation.deeplabv3_mobilenet_v3_large(**none, aux_loss=True).state_dict(), tmp_path / "a")
    with pytest.raises(ArchitectureError) as caught:
        load(tmp_path / "a", arch="torchvision:deeplabv3_mobilenet_v3_large")
    assert caught.value.do == ("""build the network as the checkpoint has it: --arch-args '{"aux_loss": true}'""",)


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (
            ModuleNotFoundError("No module named 'torchvision'", name="torchvision"),
            _text(
                "--arch torchvision: needs the package torchvision",
                f"it is not installed in {sys.prefix}",
                'pip install "torch2cv[torchvision]"',
            ),
        ),
        (
            RuntimeError("operator torchvision::nms does not exist"),
            _text(
                "the installed torchvision cannot be imported",
                f"RuntimeError: operator torchvision::nms does not exist (torch {torch.__version__})",
                "install builds that belong together: pip install --upgrade torch torchvision",
                "or give the network's source: --arch path/to/file.py:callable",
            ),
        ),
    ],
)
def test_library_that_does_not_import(raised, expected, monkeypatch):
    def fail(name):
        raise raised

    monkeypatch.setattr(architecture.importlib, "import_module", fail)
    assert str(_error("torchvision:resnet18")) == expected


# --- --arch-args ------------------------------------------------------------------------------------------------------


def test_arch_args():
    assert parse_arch_args('{"num_classes": 10, "drop": [0.1, null]}') == {"num_classes": 10, "drop": [0.1, None]}


@pytest.mark.parametrize(
    ("text", "what", "measured"),
    [
        ("num_classes=10", "--arch-args is not JSON", "Expecting value at character 1 of num_classes=10"),
        (
            "{'a': 1}",
            "--arch-args is not JSON",
            "Expecting property name enclosed in double quotes at character 2 of {'a': 1}",
        ),
        ("[10]", "--arch-args is not a JSON object", "[10] is a list"),
    ],
)
def test_bad_arch_args(text, what, measured):
    with pytest.raises(ArchitectureError) as caught:
        parse_arch_args(text)
    assert str(caught.value) == _text(
        what, measured, """write a JSON object in single quotes: --arch-args '{"num_classes": 10}'"""
    )
