"""Is a picture preprocessed as in training? Against Pillow and torchvision, here and in every target's OpenCV.

    python benchmarks/preprocess_truth.py [--count 1000] [--target all | --target 4.8.1 ...] [--cases 240] [--json FILE]

Here: drawn pictures (sides 1 to 2000 at odd ratios; noise, photographs, black and white; colour, grey, alpha, 16 bits,
palettes, EXIF orientations, through files), each through Pillow's filters, torchvision's evaluation transform, PyTorch's
uint8 resize and Ultralytics' letterbox. On the targets, which have no Pillow: the code that deploy.py carries, on cases
whose results were written down here. Prints how many uint8 pixels differ after the resize, the largest difference of a
blob in units in the last place, and what the `fast` mode costs on photographs.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from PIL import Image

from converter.preprocess import Preprocess
from converter.preprocess.execute import apply_preprocess
from converter.preprocess.resampling import FILTERS, resample
from converter.preprocess.torch_resize import torch_resample
from converter.render import paste

PILLOW = 13 if int(PIL.__version__.split(".")[0]) >= 13 else 12
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
FILTER_NAMES = tuple(FILTERS)

ON_TARGET = """
import json, sys
import cv2
import numpy as np
sys.path.insert(0, sys.argv[1])
import deployed

data = np.load(sys.argv[2])
specs = json.loads(str(data["specs"]))
found = {"version": cv2.__version__, "numpy": np.__version__, "blobs": 0, "differing": 0, "ulp": 0, "files": {}}
for number, spec in enumerate(specs):
    blob = deployed.apply_preprocess(data["image:%d" % number], spec)
    wanted = data["blob:%d" % number]
    found["blobs"] += 1
    found["differing"] += int((blob != wanted).any())
    found["ulp"] = max(found["ulp"], int(deployed.ulps(blob, wanted)))
for name in data.files:
    if name.startswith("file:"):
        kind, path = name.split(":")[1], sys.argv[1] + "/picture"
        data[name].tofile(path)
        off = np.abs(deployed.read_image(path).astype(int) - data["pixels:" + name])
        worst = found["files"].setdefault(kind, [0, 0, 0])
        found["files"][kind] = [worst[0] + 1, worst[1] + int(off.any()), max(worst[2], int(off.max()))]
print(json.dumps(found))
"""


def ulps(a: Any, b: Any) -> Any:
    """The largest distance of float32 numbers in units in the last place."""
    lines = []
    for array in (a, b):
        bits = np.ascontiguousarray(array, np.float32).view(np.int32).astype(np.int64)
        lines.append(np.where(bits < 0, -(2**31) - bits, bits))  # so that -0.0 is 0.0
    return np.abs(lines[0] - lines[1]).max() if lines[0].size else 0


def photographs() -> list[np.ndarray]:
    from sklearn.datasets import load_sample_image

    return [load_sample_image(name) for name in ("china.jpg", "flower.jpg")]


def drawn(rng: np.random.Generator, photos: list[np.ndarray], most: int) -> np.ndarray:
    """uint8 (H, W, 3), sides of 1 to `most` pixels, evenly drawn or by orders of magnitude."""
    if rng.random() < 0.5:
        height, width = (int(n) for n in rng.integers(1, most + 1, 2))
    else:
        height, width = (int(n) for n in np.exp(rng.uniform(0, np.log(most), 2)).round())
    kind = rng.random()
    if kind < 0.45:  # a piece of a photograph, whose rows and columns are repeated where it is too small
        photo = photos[int(rng.integers(len(photos)))]
        rows = (np.arange(height) + int(rng.integers(427))) % photo.shape[0]
        columns = (np.arange(width) + int(rng.integers(640))) % photo.shape[1]
        return photo[rows][:, columns]
    picture = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    return picture if kind < 0.8 else (picture // 128 * 255).astype(np.uint8)


def in_mode(rng: np.random.Generator, rgb: np.ndarray) -> tuple[str, bytes]:
    """A file of a drawn kind: its name and its content."""
    image = Image.fromarray(rgb)
    kind = str(rng.choice(["RGB", "L", "RGBA", "LA", "P", "1", "I;16", "RGB;16", "exif", "jpeg", "bmp"]))
    options: dict[str, Any] = {"format": "PNG", "compress_level": 1}
    if kind in ("RGBA", "LA"):
        image = Image.merge(kind, [*image.convert(kind[:-1]).split(), image.getchannel(1)])
    elif kind in ("L", "1"):
        image = image.convert(kind)
    elif kind == "P":
        image, options = image.quantize(32), {**options, "transparency": 5}
    elif kind == "I;16":
        image = Image.fromarray(rgb[:, :, 0].astype(np.uint16) * np.uint16(rng.choice([1, 3, 257])))
    elif kind == "RGB;16":
        import cv2

        deep = rgb.astype(np.uint16) * np.uint16(257) - (rgb > 9)
        return kind, cv2.imencode(".png", np.ascontiguousarray(deep[:, :, ::-1]))[1].tobytes()
    elif kind in ("exif", "jpeg"):
        options = {"format": "JPEG", "quality": int(rng.choice([75, 90, 95]))}
        if kind == "exif":
            options["exif"] = Image.Exif()
            options["exif"][0x0112] = int(rng.integers(1, 9))
    elif kind == "bmp":
        options = {"format": "BMP"}
    file = io.BytesIO()
    image.save(file, **options)
    return kind, file.getvalue()


def pipeline(rng: np.random.Generator, picture: np.ndarray, kind: str = "colour") -> tuple[Any, Preprocess]:
    """torchvision's evaluation transform with drawn sizes and filter, and what we read from it.

    kind: "colour" and "grey" resize with Pillow, "tensor" resizes a uint8 tensor.
    """
    import torch
    from torchvision import transforms
    from torchvision.transforms import v2

    size = int(rng.choice([7, 24, 64, 97, 160, 224]))
    edge = int(rng.choice([size, size * 256 // 224, size + 1]))
    too_long = max(picture.shape[:2]) / min(picture.shape[:2]) * edge > 6000
    edges = (edge, edge + 3) if too_long or rng.random() < 0.3 else edge
    interpolation = transforms.InterpolationMode(str(rng.choice(FILTER_NAMES)))
    if kind == "tensor":
        word = v2.InterpolationMode(str(rng.choice(["nearest", "bilinear", "bicubic"])))
        resize = v2.Resize(edges, word, antialias=bool(rng.random() < 0.5))
        last = [v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)]
        theirs = v2.Compose([v2.ToImage(), resize, v2.CenterCrop(size), *last])
    else:
        first = [transforms.Grayscale()] if kind == "grey" else []
        last = [transforms.ToTensor(), transforms.Normalize(MEAN[: 4 - len(first) * 3], STD[: 4 - len(first) * 3])]
        resize = transforms.Resize(edges, interpolation)
        theirs = transforms.Compose([*first, resize, transforms.CenterCrop(size), *last])
    found = Preprocess.from_transform(theirs, shape=(1, 1 if kind == "grey" else 3, size, size))
    return theirs, Preprocess.from_dict({**found.to_dict(), "pillow": PILLOW})


def letterboxed(bgr: np.ndarray, height: int, width: int) -> np.ndarray:
    """Ultralytics' steps in plain cv2: float32 (1, 3, height, width)."""
    import cv2

    ratio = min(height / bgr.shape[0], width / bgr.shape[1])
    rows, columns = max(round(bgr.shape[0] * ratio), 1), max(round(bgr.shape[1] * ratio), 1)
    small = (
        bgr if bgr.shape[:2] == (rows, columns) else cv2.resize(bgr, (columns, rows), interpolation=cv2.INTER_LINEAR)
    )
    above, before = (height - rows) // 2, (width - columns) // 2
    grey = (114, 114, 114)
    sides = (above, height - rows - above, before, width - columns - before)
    padded = cv2.copyMakeBorder(small, *sides, cv2.BORDER_CONSTANT, value=grey)
    return (padded[:, :, ::-1].transpose(2, 0, 1)[None].astype(np.float32) / np.float32(255)).copy()


def here(count: int, seed: int) -> dict[str, Any]:
    """One drawn picture after the other, through everything."""
    import torch

    from converter.deploy_runtime.sources import read_image

    rng, photos = np.random.default_rng(seed), photographs()
    tally: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])  # compared, different, worst
    with tempfile.TemporaryDirectory(prefix="torch2cv-") as folder:
        for number in range(count):
            rgb = photos[number] if number < len(photos) else drawn(rng, photos, 2000)
            kind, content = in_mode(rng, rgb)
            file = Path(folder) / "picture"
            file.write_bytes(content)
            with Image.open(file) as opened:
                image = opened.convert("RGB")
            bgr = read_image(str(file))
            pixels = np.asarray(image)
            note(tally[f"file {kind}"], bgr[:, :, ::-1], pixels)

            height, width = (int(n) for n in rng.integers(1, 600, 2))
            name = str(rng.choice(FILTER_NAMES))
            theirs = np.asarray(image.resize((width, height), Image.Resampling[name.upper()]))
            planes = pixels.transpose(2, 0, 1)
            note(tally[f"Pillow {name}"], resample(planes, height, width, name, PILLOW).transpose(1, 2, 0), theirs)

            word, on = str(rng.choice(["bilinear", "bicubic"])), bool(rng.random() < 0.5)
            tensor = torch.from_numpy(planes.copy())[None]
            wanted = torch.nn.functional.interpolate(
                tensor, (height, width), mode=word, antialias=on, align_corners=False
            )
            title = f"PyTorch uint8 {word}{' antialias' if on else ''}"
            note(tally[title], torch_resample(planes, height, width, word, on), wanted[0].numpy())

            kind = ("colour", "grey", "tensor")[number % 3]
            transform, spec = pipeline(rng, pixels, kind)
            blob = apply_preprocess(np.ascontiguousarray(pixels[:, :, ::-1]), spec.to_dict())
            note_ulps(tally[f"torchvision {kind} blob, ulp"], blob[0], transform(image).numpy())

            box = Preprocess.parse("letterbox", shape=(1, 3, height, width)).to_dict()
            note_ulps(tally["letterbox blob, ulp"], apply_preprocess(bgr, box), letterboxed(bgr, height, width))
    return dict(sorted(tally.items()))


def note(entry: list[int], found: np.ndarray, wanted: np.ndarray) -> None:
    off = np.abs(found.astype(int) - wanted)
    entry[0], entry[1], entry[2] = entry[0] + 1, entry[1] + int(np.count_nonzero(off)), max(entry[2], int(off.max()))


def note_ulps(entry: list[int], found: np.ndarray, wanted: np.ndarray) -> None:
    entry[0], entry[1] = entry[0] + 1, entry[1] + int(np.count_nonzero(found != wanted))
    entry[2] = max(entry[2], int(ulps(found, wanted)))


def write_cases(path: Path, count: int, seed: int) -> None:
    """Pictures, specifications, the blobs that Pillow, torchvision and PyTorch make of them, files and their pixels."""
    rng, photos = np.random.default_rng(seed), photographs()
    arrays: dict[str, Any] = {}
    specs = []
    for number in range(count):
        pixels = drawn(rng, photos, 500)
        if number % 4 == 3:  # cv2's own resize: what the newest cv2 makes of it, which is the same in all
            height, width = (int(n) for n in rng.integers(8, 300, 2))
            spec, bgr = Preprocess.parse("letterbox", shape=(1, 3, height, width)), pixels[:, :, ::-1]
            wanted = letterboxed(np.ascontiguousarray(bgr), height, width)
        else:
            transform, spec = pipeline(rng, pixels, ("colour", "grey", "tensor")[number % 4])
            wanted = transform(Image.fromarray(pixels)).numpy()[None]
        specs.append(spec.to_dict())
        arrays[f"image:{number}"], arrays[f"blob:{number}"] = np.ascontiguousarray(pixels[:, :, ::-1]), wanted
        kind, content = in_mode(rng, pixels)
        name = f"file:{kind}:{number}"
        arrays[name] = np.frombuffer(content, np.uint8)
        arrays["pixels:" + name] = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))[:, :, ::-1]
    np.savez(path, specs=json.dumps(specs), **arrays)


def on_target(python: Path, cases: Path) -> dict[str, Any]:
    """What the target's interpreter finds with the code that deploy.py carries."""
    from converter.deploy_runtime.sources import read_image

    with tempfile.TemporaryDirectory(prefix="torch2cv-") as folder:
        pasted = paste([apply_preprocess, read_image, ulps])
        (Path(folder) / "deployed.py").write_text("\n".join([*pasted.imports, pasted.body]), encoding="utf-8")
        command = [str(python), "-c", ON_TARGET, folder, str(cases)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1800)
    if done.returncode != 0:
        return {"error": done.stderr.strip()[-300:]}
    return dict(json.loads(done.stdout))


def fast_cost() -> dict[str, list[float]]:
    """Mean and largest difference in grey levels of the fast mode, on the photographs shrunk 2 to 3 times, by filter."""
    found: dict[str, list[float]] = {}
    for name in FILTER_NAMES[1:]:
        off = []
        for size in ((224, 336), (224, 224), (320, 480)):
            spec = Preprocess(size=size, resize="stretch", resize_size=size, interpolation=name, scale=1, fast=True)
            exact = Preprocess.from_dict({**spec.to_dict(), "fast": False})
            off += [np.abs(spec.apply(photo) - exact.apply(photo)) for photo in photographs()]
        found[name] = [round(float(np.mean([a.mean() for a in off])), 2), float(max(a.max() for a in off))]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000, help="pictures compared here")
    parser.add_argument("--cases", type=int, default=240, help="cases for the targets")
    parser.add_argument(
        "--target", action="append", default=[], help="an OpenCV version; repeatable; all: every installed one"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    report: dict[str, Any] = {"here": here(options.count, options.seed), "fast": fast_cost(), "targets": {}}
    for name, (compared, different, worst) in report["here"].items():
        print(f"{name:32} {compared:5} pictures, {different} numbers differ, by {worst} at most", flush=True)
    for name, (mean, worst) in report["fast"].items():
        print(f"fast {name:27} {mean:.2f} grey levels off on average, {worst:.0f} at most")
    if options.target:
        from converter.targets import Target, environments, python_for

        known = {name: python for name, python in environments().items() if python is not None}
        chosen = (
            known if options.target == ["all"] else {name: python_for(Target.parse(name)) for name in options.target}
        )
        with tempfile.TemporaryDirectory(prefix="torch2cv-") as folder:
            cases = Path(folder) / "cases.npz"
            write_cases(cases, options.cases, options.seed + 1)
            for name, python in chosen.items():
                report["targets"][name] = found = on_target(python, cases)
                print(f"OpenCV {name}: {json.dumps(found)}", flush=True)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    decoders = ("file jpeg", "file exif")  # their decoder is another library's affair
    wrong = [name for name, entry in report["here"].items() if entry[1 if "ulp" not in name else 2] > ("ulp" in name)]
    wrong = [name for name in wrong if name not in decoders]
    wrong += [name for name, found in report["targets"].items() if "error" in found or found["ulp"] > 1]
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
