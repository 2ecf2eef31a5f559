"""DeepLabV3 through the command line: every pixel's class against torchvision and PyTorch, on a real photograph.

    python benchmarks/deeplab.py [--model deeplabv3_resnet50] [--target 5.0.0 ...] [--photo FILE] [-o DIR]

The network has random weights, its normalisations those of the photograph (so that many of the 21 classes share the picture).
torchvision's own preset prepares the photograph (shorter edge 520, aspect ratio kept) and PyTorch computes the classes; the
command line converts the same checkpoint for an input of that size, and deploy.py does both, by OpenCV of each target and by
NumPy. A pixel is a tie where PyTorch's two best classes differ by less than 1e-4 of its largest output, or by less than what
PyTorch's float32 can decide on this input: twice its largest difference from its own float64. Exit code 1 where a pixel that is
no tie has another class, or the blob is not torchvision's to within a unit in the last place. The annotated picture and its
legend lie in DIR.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from converter import zoo
from converter.checkpoint import architecture
from converter.resources import resource
from converter.targets import Target, default_targets, python_for

TIE = 1e-4
MODELS = ("deeplabv3_mobilenet_v3_large", "deeplabv3_resnet50")
RUN = """
import sys
sys.path.insert(0, sys.argv[1])
import cv2
import numpy as np
import deploy
model = deploy.Model(backend=sys.argv[2])
blob = model.preprocess(deploy.read_image(sys.argv[3], deploy.ABOUT.preprocess))
np.savez(sys.argv[4], blob=blob, output=next(iter(model.forward(blob).values())))
"""


def network(recipe: zoo.Recipe, blob: Any) -> Any:
    """The recipe's network, random, its batch normalisations with the mean and variance that `blob` gives them."""
    import torch

    torch.manual_seed(0)
    made = architecture.build(recipe.arch, recipe.arch_args).module
    made.train()
    for module in made.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
        elif isinstance(module, torch.nn.Dropout):
            module.eval()
    with torch.no_grad():
        made(torch.cat([blob, blob.flip(3)]))  # two, because one pooled pixel has no variance
    return made.eval()


def compare(name: str, targets: list[Target], photo: Path, out: Path) -> bool:
    """Convert, run, compare, print. Is every pixel but ties right, everywhere?"""
    import torch
    import torchvision
    from PIL import Image

    recipe = zoo.recipe(name)
    weights = torchvision.models.get_weight(recipe.source.weights)
    blob = weights.transforms()(Image.open(photo).convert("RGB"))[None]
    net = network(recipe, blob)
    with torch.no_grad():
        wanted = net(blob)["out"].numpy()[0]
        own = float(np.abs(net.double()(blob.double())["out"].numpy()[0] - wanted).max() / np.abs(wanted).max())
    net.float()
    best = np.sort(wanted, axis=0)[-2:]
    tie = best[1] - best[0] <= max(TIE, 2 * own) * np.abs(wanted).max()
    classes = wanted.argmax(0)
    height, width = blob.shape[2:]
    print(f"{name}: input {height}x{width}, {len(np.unique(classes))} classes, {tie.sum()} ties")
    print(f"  PyTorch's float32 is {own:.1e} of its largest output off its float64", flush=True)

    checkpoint, spec, bundle = out / f"{name}.pth", out / "preprocess.json", out / name
    torch.save(net.state_dict(), checkpoint)
    spec.write_text(json.dumps({"base": "imagenet", "resize": "stretch", "resize_size": [height, width], "crop": None}))
    command = [sys.executable, "-m", "converter", str(checkpoint), "--arch", recipe.arch]
    command += [
        "--arch-args",
        json.dumps(dict(recipe.arch_args)),
        "--input",
        f"1x3x{height}x{width}",
        "-o",
        str(bundle),
    ]
    command += ["--preprocess", str(spec), "--task", "segmentation"]
    command += ["--labels", str(resource("model_zoo") / "labels" / "voc-21.txt")]
    for target in targets:
        command += ["--target", target.name]
    subprocess.run(command, check=True)

    right = True
    runs = [(f"OpenCV {target.name}", python_for(target), "opencv") for target in targets]
    for title, python, backend in [*runs, ("NumPy", Path(sys.executable), "numpy")]:
        result = out / "result.npz"
        subprocess.run([str(python), "-B", "-c", RUN, str(bundle), backend, str(photo), str(result)], check=True)
        with np.load(result) as found:
            same_blob = np.abs(found["blob"] - blob.numpy()) <= np.spacing(np.abs(blob.numpy()))
            other = found["output"][0].argmax(0) != classes
        print(
            f"  {title:<14}{other.size} pixels, {int((other & ~tie).sum())} of another class, {int((other & tie).sum())} "
            f"ties decided otherwise; blob {'equal' if same_blob.all() else f'DIFFERENT in {int((~same_blob).sum())} places'}",
            flush=True,
        )
        right = right and bool(same_blob.all()) and not (other & ~tie).any()
    drawn = [sys.executable, "-B", str(bundle / "deploy.py"), str(photo), "-o", str(out / f"{name}.png")]
    subprocess.run(drawn, check=True)
    print(f"  picture: {out / f'{name}.png'}")
    return right


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", action="append", choices=MODELS, help="repeatable; default: both")
    parser.add_argument("--target", action="append", help="OpenCV version; repeatable. Default: the installed one")
    parser.add_argument("--photo", type=Path, default=resource("model_zoo") / "photos" / "pagoda.png")
    parser.add_argument(
        "-o", "--out", type=Path, help="where checkpoint, bundle and picture go; default: a temporary folder"
    )
    options = parser.parse_args()
    targets = [Target.parse(name) for name in options.target or ()] or list(default_targets())
    with tempfile.TemporaryDirectory() as temporary:
        out = options.out or Path(temporary)
        out.mkdir(parents=True, exist_ok=True)
        right = [compare(name, targets, options.photo.resolve(), out.resolve()) for name in options.model or MODELS]
    return 0 if all(right) else 1


if __name__ == "__main__":
    sys.exit(main())
