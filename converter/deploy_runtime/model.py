"""The network as a Python object: preprocess, forward, postprocess, and the choice of a backend that is right here."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from converter.deploy_runtime.about import About, CannotRunError
from converter.deploy_runtime.backends import NumPyBackend, OpenCVBackend, opencv_version, require_cv2, verified_target
from converter.deploy_runtime.feeds import check_feeds
from converter.deploy_runtime.golden import Golden, measure, probe_in_child, require_match
from converter.preprocess.execute import apply_preprocess, seen_region
from converter.tasks._settings import check_setting


class DeployedModel:
    """A verified network.

    backend: "opencv", "numpy", or "auto": OpenCV when it gives PyTorch's numbers for the first golden input, else
    NumPy, and a line on standard error that says why. settings: of the task, instead of the recorded ones.
    Raises CannotRunError when the backend cannot run the network (with "auto": neither can), ValueError for another
    backend or a setting's value, TypeError for an unknown setting. May be shared by threads; one of them runs at a time.
    """

    def __init__(self, about: About, folder: Path, script: Path, backend: str = "auto", **settings: Any) -> None:
        if unknown := sorted(set(settings) - set(about.settings)):
            known = ", ".join(about.settings) or "none"
            raise TypeError(f"unknown setting {', '.join(unknown)}; this network's task has: {known}")
        for name, value in settings.items():
            check_setting(name, value, about.rules.get(name, "any"))
        self.about = about
        self.settings = {**about.settings, **settings}
        self._lock = threading.Lock()
        if backend == "auto":
            self.runner = choose(about, folder, script)
        elif backend == "opencv":
            self.runner = OpenCVBackend(about, folder)
        elif backend == "numpy":
            self.runner = NumPyBackend(about, folder)
        else:
            raise ValueError(f"backend is {backend!r}, not auto, opencv or numpy")

    @property
    def backend(self) -> str:
        """The backend in use: "opencv" or "numpy"."""
        return str(self.runner.name)

    def preprocess(self, image: np.ndarray) -> np.ndarray:
        """uint8 (H, W, 3) BGR, as cv2.imread gives it, (H, W) or (H, W, 4) BGRA to the blob, float32 (1, C, h, w)."""
        if self.about.preprocess is None:
            raise ValueError("this network was converted without preprocessing: give arrays to forward()")
        return apply_preprocess(image, self.about.preprocess)

    def forward(self, blob: Any) -> dict[str, np.ndarray]:
        """The outputs by name for an array, or for {input name: array}.

        Raises ValueError when name, dtype or shape is not what the network takes. Where axis 0 is the batch, any number
        of samples may be given; they run in portions of the size that was verified.
        """
        size = self.batch_size()
        feeds = check_feeds(blob, self.about.inputs, size is not None)
        with self._lock:
            if size is None or all(len(array) == size for array in feeds.values()):
                return dict(self.runner.run(feeds))
            return self._in_portions(feeds, size)

    def postprocess(self, outputs: Mapping[str, np.ndarray], image: np.ndarray | None = None) -> Any:
        """The task's result for the outputs of one sample: plain dicts, lists and numbers, and arrays for pictures and maps."""
        region = None
        if image is not None and self.about.preprocess is not None:
            region = seen_region(image.shape[0], image.shape[1], self.about.preprocess)
        size = self.input_size()
        return self.about.postprocess(
            outputs, image, labels=self.about.labels, region=region, input_size=size, **self.settings
        )

    def draw(self, image: np.ndarray, result: Any) -> np.ndarray:
        """A new picture that shows the result, uint8 (H, W, 3) BGR; small ones are enlarged. Needs cv2."""
        require_cv2("a drawing")
        return np.asarray(self.about.draw(image, result))

    def __call__(self, image: Any) -> Any:
        """The result for a picture; for arrays where the network was converted without preprocessing."""
        if self.about.preprocess is None:
            return self.postprocess(self.forward(image))
        return self.postprocess(self.forward(self.preprocess(image)), image)

    def results(self, images: Sequence[np.ndarray]) -> list[Any]:
        """The result for each picture. They run together where the network was verified with a batch."""
        if self.about.preprocess is None or self.batch_size() is None:
            return [self(image) for image in images]
        outputs = self.forward(np.concatenate([self.preprocess(image) for image in images]))
        return [
            self.postprocess({name: array[number : number + 1] for name, array in outputs.items()}, image)
            for number, image in enumerate(images)
        ]

    def input_size(self) -> tuple[int, int] | None:
        """(height, width) of the network's input, or None where it takes no picture or any size."""
        if self.about.preprocess is not None and self.about.preprocess.get("size"):
            height, width = self.about.preprocess["size"]
            return int(height), int(width)
        for _, shape, _ in self.about.inputs:
            if shape is not None and len(shape) == 4 and shape[2] is not None and shape[3] is not None:
                return int(shape[2]), int(shape[3])
        return None

    def batch_size(self) -> int | None:
        """The verified batch size where axis 0 is known to be the batch: pictures, or 1 everywhere."""
        sizes = set()
        for _, shape, _ in (*self.about.inputs, *self.about.outputs):
            if not shape:
                return None
            sizes.add(1 if shape[0] is None else int(shape[0]))  # an open length was verified with 1
        if len(sizes) == 1 and (self.about.preprocess is not None or sizes == {1}):
            return sizes.pop()
        return None

    def _in_portions(self, feeds: Mapping[str, np.ndarray], size: int) -> dict[str, np.ndarray]:
        count = len(next(iter(feeds.values())))
        parts = []
        for start in range(0, count, size):
            rows = np.minimum(
                np.arange(start, start + size), count - 1
            )  # the last portion is filled with the last sample
            parts.append(self.runner.run({name: array[rows] for name, array in feeds.items()}))
        return {name: np.concatenate([part[name] for part in parts])[:count] for name in self.about.output_names}


def choose(about: About, folder: Path, script: Path) -> Any:
    """OpenCV where it gives PyTorch's numbers, else NumPy. Raises CannotRunError when neither does."""
    golden = Golden(about, folder)
    first = golden.numbers[:1]
    try:
        backend = matching_opencv(about, folder, script, golden)
    except CannotRunError as error:
        print(f"{opencv_title()}: {error}; using NumPy", file=sys.stderr, flush=True)
    else:
        return backend
    fallback = NumPyBackend(about, folder)
    try:
        require_match(measure(fallback, golden, first), about.numpy_tolerance)
    except CannotRunError as error:
        raise CannotRunError(f"NumPy cannot stand in for OpenCV: {error}") from error
    return fallback


def matching_opencv(about: About, folder: Path, script: Path, golden: Golden) -> OpenCVBackend:
    """The OpenCV that is there, tried on the first golden input. Raises CannotRunError when it is not right."""
    target = verified_target(about, opencv_version())
    if target is not None and target["backend"] != "opencv":
        raise CannotRunError(
            f"this network does not run right there ({target['reason'] or 'measured when it was converted'})"
        )
    if target is None:
        require_match(probe_in_child(script, folder, "first"), about.tolerance)
    backend = OpenCVBackend(about, folder)
    require_match(measure(backend, golden, golden.numbers[:1]), about.tolerance)
    return backend


def opencv_title() -> str:
    """ "OpenCV 4.10.0", or "OpenCV" where there is none."""
    try:
        return f"OpenCV {opencv_version()}"
    except CannotRunError:
        return "OpenCV"
