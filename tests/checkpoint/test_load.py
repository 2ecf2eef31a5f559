from __future__ import annotations

from collections import OrderedDict

import pytest
import safetensors.torch
import torch

from converter.checkpoint import load
from converter.errors import ArchitectureError, CheckpointError, InputError
from converter.resources import resource
from tests.checkpoint.files import NET, same, tiny

AGAIN = "copy or download it again, and compare its size and checksum with the original"
GIVE = "give the checkpoint itself: a .pth, .pt, .ckpt, .bin or .safetensors file"
NAME_IT = "name the network that was trained, with the arguments that it was built with: --arch and --arch-args"
X = torch.linspace(-1, 1, 64).reshape(1, 1, 8, 8)


# --- good files -------------------------------------------------------------------------------------------------------

OPTIMIZER = {"state": {0: {"step": torch.tensor(1.0), "exp_avg": torch.ones(3)}}, "param_groups": [{"lr": 0.1}]}


def _prefixed(state, prefix):
    return OrderedDict((prefix + key, value) for key, value in state.items())


WRAPPED = {
    "plain": (lambda s: s, ()),
    "empty prefix, plain dict": (dict, ()),
    "state_dict": (
        lambda s: {"epoch": 3, "state_dict": s, "optimizer": OPTIMIZER}, ("weights found under 'state_dict'",)),
    "model_state_dict": (
        lambda s: {"model_state_dict": s, "optimizer_state_dict": OPTIMIZER},
        ("weights found under 'model_state_dict'",)),
    "model": (lambda s: {"model": s, "scaler": {"scale": torch.ones(1)}}, ("weights found under 'model'",)),
    "ema": (lambda s: {"ema": s, "updates": 3}, ("weights found under 'ema'",)),
    "net": (lambda s: {"net": s}, ("weights found under 'net'",)),
    "weights": (lambda s: {"weights": s}, ("weights found under 'weights'",)),
    "params": (lambda s: {"params": s}, ("weights found under 'params'",)),
    "module": (lambda s: {"module": s}, ("weights found under 'module'",)),
    "model_ema": (lambda s: {"model_ema": s}, ("weights found under 'model_ema'",)),
    "two levels": (lambda s: {"model": {"state_dict": s}}, ("weights found under 'model / state_dict'",)),
    "an own name": (lambda s: {"generator": s, "epoch": 1}, ("weights found under 'generator'",)),
    "and an average": (
        lambda s: {"state_dict": s, "state_dict_ema": {key: value * 0 for key, value in s.items()}},
        ("weights found under 'state_dict'", "more weights, not used, under state_dict_ema")),
    "a tensor beside": (lambda s: {"state_dict": s, "loss": torch.ones(1)}, ("weights found under 'state_dict'",)),
    "DataParallel": (lambda s: _prefixed(s, "module."), ("removed 'module.' from the names",)),
    "compile": (lambda s: _prefixed(s, "_orig_mod."), ("removed '_orig_mod.' from the names",)),
    "Lightning": (
        lambda s: {"state_dict": {**_prefixed(s, "model."), "loss.weight": torch.ones(3)}},
        ("weights found under 'state_dict'", "removed 'model.' from the names",
         "left out 1 of the wrapper's own tensors: loss.weight")),
    "all three": (
        lambda s: _prefixed(s, "model._orig_mod.module."),
        ("removed 'model.', '_orig_mod.', 'module.' from the names",)),
    "compiled inside": (
        lambda s: {key.replace("0.", "0._orig_mod."): value for key, value in s.items()},
        ("removed '._orig_mod.' (inside) from the names",)),
    "no counters": (
        lambda s: {key: value for key, value in s.items() if "num_batches" not in key},
        ("1 num_batches_tracked are not in the checkpoint; evaluation never reads them",)),
    "double": (
        lambda s: {key: value.double() for key, value in s.items()}, ("weights of type float64 were made float32",)),
}  # fmt: skip


@pytest.mark.parametrize("name", WRAPPED)
def test_wrapped(name, net, arch, tmp_path):
    wrap, notes = WRAPPED[name]
    path = tmp_path / "model.pth"
    torch.save(wrap(net.state_dict()), path)

    loaded = load(path, arch=arch)

    assert loaded.notes == notes
    assert (loaded.kind, loaded.path, loaded.arch) == ("zip-checkpoint", path, arch)
    assert (loaded.preprocess_hint, loaded.input_hint) == (None, None)
    same(loaded, net)


def test_legacy(net, arch, tmp_path):
    torch.save(net.state_dict(), tmp_path / "a", _use_new_zipfile_serialization=False)
    same(load(tmp_path / "a", arch=arch), net)


def test_safetensors(net, arch, tmp_path):
    safetensors.torch.save_file(_prefixed(net.state_dict(), "module."), tmp_path / "weights")
    loaded = load(str(tmp_path / "weights"), arch=arch)
    assert (loaded.kind, loaded.notes) == ("safetensors", ("removed 'module.' from the names",))
    same(loaded, net)


def test_half(net, arch, tmp_path):
    torch.save({key: value.half() for key, value in net.state_dict().items()}, tmp_path / "a")
    loaded = load(tmp_path / "a", arch=arch)
    assert loaded.notes == ("weights of type float16 were made float32",)
    assert {tensor.dtype for tensor in loaded.module.state_dict().values()} == {torch.float32, torch.int64}
    torch.testing.assert_close(loaded.module(X), net(X), rtol=1e-2, atol=1e-2)


def test_half_network(net, tmp_path):
    """A network that builds itself in float16 does not round the weights."""
    (tmp_path / "half.py").write_text(
        NET.replace("torch.nn.Conv2d(3, classes, 1))", "torch.nn.Conv2d(3, classes, 1)).half()")
    )
    torch.save(net.state_dict(), tmp_path / "a")
    same(load(tmp_path / "a", arch=f"{tmp_path / 'half.py'}:net"), net)


def test_lazy_network(net, tmp_path):
    (tmp_path / "lazy.py").write_text(
        NET.replace("Conv2d(inputs, 3", "LazyConv2d(3").replace("BatchNorm2d(3)", "LazyBatchNorm2d()")
    )
    torch.save(net.state_dict(), tmp_path / "a")
    same(load(tmp_path / "a", arch=f"{tmp_path / 'lazy.py'}:net"), net)


def test_buffers_that_the_network_computes(tmp_path):
    (tmp_path / "own.py").write_text(
        "import torch\nclass Net(torch.nn.Linear):\n    def __init__(self):\n        super().__init__(2, 2)\n"
        "        self.register_buffer('index', torch.arange(2), persistent=False)\n"
    )
    torch.save({**torch.nn.Linear(2, 2).state_dict(), "index": torch.arange(2)}, tmp_path / "a")
    assert load(tmp_path / "a", arch=f"{tmp_path / 'own.py'}:Net").notes == (
        "left out 1 tensors that the network computes itself: index",
    )


def test_trained_digits():
    folder = resource("model_zoo") / "digits"
    loaded = load(folder / "digits.pth", arch=f"{folder / 'model.py'}:digits_cnn")
    assert loaded.module(torch.zeros(1, 1, 8, 8)).shape == (1, 10)


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize(
    ("wrap", "notes"),
    [
        (lambda net: net, ()),
        (lambda net: {"model": net, "epoch": 3}, ("took the network under 'model'",)),
        (lambda net: {"ema": net, "model": tiny()}, ("took the network under 'ema', not the ones under model",)),
        (lambda net: {"ema": None, "model": net}, ("took the network under 'model'",)),
        (lambda net: torch.nn.DataParallel(net), ("took the network out of DataParallel",)),
        (lambda net: net.half(), ("weights of type float16 were made float32",)),
    ],
)
def test_whole_module_when_trusted(wrap, notes, legacy, net, tmp_path):
    torch.save(wrap(net.train()), tmp_path / "a", _use_new_zipfile_serialization=not legacy)
    loaded = load(tmp_path / "a", trust=True)
    assert loaded.notes == notes
    same(loaded, net.float().eval())


def test_module_of_a_training_script(tmp_path):
    """torch.save(model) in a script pickles __main__.Net; --arch names the script."""
    script = "import torch\nclass Net(torch.nn.Linear):\n    pass\n"
    (tmp_path / "train.py").write_text(script)
    scope: dict[str, type] = {"__name__": "__main__"}
    exec(script, scope)
    main = __import__("__main__")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(main, "Net", scope["Net"], raising=False)
        torch.save(scope["Net"](2, 2), tmp_path / "a")

    with pytest.raises(CheckpointError) as caught:
        load(tmp_path / "a", trust=True)
    assert caught.value.what == f"{tmp_path / 'a'} holds objects of classes that cannot be imported here"
    assert caught.value.do[0] == "name the script that defines __main__.Net: --arch path/to/script.py:Net"

    arch = f"{tmp_path / 'train.py'}:Net"
    loaded = load(tmp_path / "a", trust=True, arch=arch)
    assert loaded.notes == (
        f"--arch {arch} gave the classes of the training script: the file holds the network itself",
    )


def test_programs_when_trusted(net, tmp_path):
    torch.jit.trace(net, X).save(str(tmp_path / "a"))
    same(load(tmp_path / "a", trust=True), net)

    torch.export.save(torch.export.export(net, (X,)), tmp_path / "b.pt2")
    loaded = load(tmp_path / "b.pt2", trust=True)
    torch.testing.assert_close(loaded.module(X), net(X), rtol=0, atol=0)
    assert loaded.notes == ("an exported program stays in the mode in which it was exported",)

    torch.export.save(torch.export.export(net.train(), (X,)), tmp_path / "c.pt2")
    with pytest.raises(CheckpointError) as caught:
        load(tmp_path / "c.pt2", trust=True)
    assert str(caught.value) == (
        "the network was exported in training mode\n"
        "  measured: aten.batch_norm.default in its graph has training=True\n"
        "  do:       export it again after model.eval()"
    )


# --- in memory --------------------------------------------------------------------------------------------------------


def test_memory_is_left_alone():
    net = tiny().train()
    before = net.state_dict()["1.running_mean"].clone()

    loaded = load(torch.nn.DataParallel(net))

    assert (loaded.kind, loaded.path, loaded.sha256, loaded.notes) == (
        "module", None, None, ("took the network out of DataParallel",),
    )  # fmt: skip
    assert net.training and net[0].weight.requires_grad
    loaded.module.train()(X)
    torch.testing.assert_close(net.state_dict()["1.running_mean"], before, rtol=0, atol=0)


def test_memory_that_cannot_be_copied(net):
    class Pinned(torch.nn.Sequential):
        def __deepcopy__(self, memo):
            raise RuntimeError("one of a kind")

    loaded = load(Pinned(net))
    assert loaded.notes == (
        "the module could not be copied (RuntimeError: one of a kind), so it was itself put in eval mode",
    )
    same(loaded, net)


def test_memory_of_another_kind():
    with pytest.raises(InputError) as caught:
        load({"a": torch.ones(1)})  # type: ignore[arg-type]
    assert str(caught.value) == (
        "there is no model to convert\n"
        "  measured: got a dict\n"
        "  do:       give a torch.nn.Module, or the path of a checkpoint"
    )


def test_memory_without_values():
    with pytest.raises(ArchitectureError) as caught:
        load(torch.nn.Sequential(torch.nn.LazyConv2d(3, 3)))
    assert str(caught.value) == (
        "the module has weights without values\n"
        "  measured: 2 parameters are lazy or on the meta device: 0.weight, 0.bias\n"
        "  do:       run the network once on an example, or load its weights, before it is converted"
    )


# --- weights and architecture -----------------------------------------------------------------------------------------


def test_no_arch(net, tmp_path):
    torch.save(net.state_dict(), tmp_path / "a")
    with pytest.raises(ArchitectureError) as caught:
        load(tmp_path / "a")
    assert str(caught.value) == (
        f"{tmp_path / 'a'} holds weights alone: which network they belong to has to be said with --arch\n"
        "  measured: 9 tensors: 0.weight 3x1x3x3, 0.bias 3, 1.weight 3, 1.bias 3, 1.running_mean 3, "
        "1.running_var 3, ...\n"
        "  do:       --arch timm:NAME or --arch torchvision:NAME, for a network of these libraries\n"
        "  do:       --arch package.module:callable or --arch path/to/file.py:callable, for your own"
    )


def test_all_that_does_not_fit(net, arch, tmp_path):
    state = net.state_dict()
    for key in ("0.bias", "1.weight"):
        del state[key]
    state.update(
        {
            "head.weight": torch.ones(2, 2),
            "head.bias": torch.ones(2),
            "2.bias": torch.ones(5),
            "1.bias": torch.tensor(1.0),
        }
    )
    torch.save({"model": state}, tmp_path / "a")

    with pytest.raises(ArchitectureError) as caught:
        load(tmp_path / "a", arch=arch)

    assert str(caught.value) == (
        f"the weights do not fit {arch}\n"
        "  measured: 9 tensors in the checkpoint, 9 in the network\n"
        "            2 missing: 0.bias, 1.weight\n"
        "            2 unexpected: head.weight, head.bias\n"
        "            2 of another shape: 1.bias scalar, not 3; 2.bias 5, not 2\n"
        "            weights found under 'model'\n"
        f"  do:       {NAME_IT}"
    )


def test_another_family(arch, tmp_path):
    torch.save({f"layer{number}.weight": torch.ones(1) for number in range(13)}, tmp_path / "a")
    with pytest.raises(ArchitectureError) as caught:
        load(tmp_path / "a", arch=arch)
    assert caught.value.measured.splitlines()[2] == (
        "13 unexpected: " + ", ".join(f"layer{number}.weight" for number in range(10)) + ", and 3 more"
    )
    assert caught.value.do == (
        "name the network that was trained: not one of its names is the same, so --arch is another family",
    )


@pytest.mark.parametrize(
    ("source", "built", "do"),
    [
        pytest.param({"classes": 5}, {}, "classes", id="an own word for it"),
        pytest.param({"num_classes": 5}, {}, """--arch-args '{"num_classes": 5}'""", id="classes"),
        pytest.param(
            {"num_classes": 5},
            {"in_chans": 1},
            """--arch-args '{"in_chans": 1, "num_classes": 5}'""",
            id="and what was given",
        ),
        pytest.param({"in_chans": 3}, {}, """--arch-args '{"in_chans": 3}'""", id="channels"),
        pytest.param(
            {"in_chans": 3, "num_classes": 5}, {}, """--arch-args '{"in_chans": 3, "num_classes": 5}'""", id="both"
        ),
    ],
)
def test_advice(source, built, do, tmp_path):
    text = NET if "classes" in source else NET.replace("classes", "num_classes").replace("inputs", "in_chans")
    (tmp_path / "net.py").write_text(text)
    scope: dict[str, object] = {}
    exec(text, scope)
    torch.save(scope["net"](**source).state_dict(), tmp_path / "a")
    arch = f"{tmp_path / 'net.py'}:net"

    with pytest.raises(ArchitectureError) as caught:
        load(tmp_path / "a", arch=arch, arch_args=built)

    if do == "classes":
        do = NAME_IT
    else:
        do = f"build the network as the checkpoint has it: {do}"
        loaded = load(tmp_path / "a", arch=arch, arch_args={**built, **source})
        assert loaded.module.state_dict()["0.weight"].shape[1] == source.get("in_chans", 1)
    assert caught.value.do == (do,)
