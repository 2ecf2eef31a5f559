"""Frames: video files, cameras, and the window that shows them."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from converter.deploy_runtime.about import UsageError
from converter.deploy_runtime.backends import brief, require_cv2
from converter.deploy_runtime.sources import Source

# ruff: noqa: B905 - deployments run on Python 3.8, whose zip has no strict


class Window:
    """A window for pictures. Raises UsageError where none can be opened."""

    def __init__(self) -> None:
        require_cv2("--show")
        import cv2

        self.title = "deploy.py"
        self.ended = False  # the user has seen enough
        if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            raise UsageError("--show needs a display, and DISPLAY is not set")  # some builds of cv2 abort without one
        try:
            cv2.namedWindow(self.title)
        except cv2.error as error:
            raise UsageError(f"--show needs an OpenCV with windows, not a headless one ({brief(error)})") from error

    def show(self, picture: np.ndarray, wait: bool) -> None:
        """Show it; `wait` for a key. `ended` is true when that was q or Esc."""
        import cv2

        cv2.imshow(self.title, picture)
        self.ended = cv2.waitKey(0 if wait else 1) & 0xFF in (ord("q"), 27)


def run_video(
    model: Any, source: Source, path: Path | None, printer: Any, window: Window | None, limit: Any, batch: int
) -> None:
    """Each frame of a video or camera, until its end, Ctrl-C, or q in the window; then the frame rate.

    limit: frames a second at most, or None. batch: how many frames of a file run together; a camera's run one by one.
    Raises ValueError when it cannot be opened or holds no frame.
    """
    require_cv2(f"a {source.kind}")
    import cv2

    camera = source.kind == "camera"
    capture = cv2.VideoCapture(int(source.text) if camera else source.text)
    if not capture.isOpened():
        raise ValueError(f"OpenCV cannot open the {source.kind} {source.text}")
    rate = capture.get(cv2.CAP_PROP_FPS)
    rate = rate if 0 < rate < 1000 else 25.0  # cameras often tell none
    length = 0 if camera else int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    printer.bar.start(length if length > 0 else None)
    writer: Any = None
    shape: tuple[int, ...] = ()
    count, busy, started = 0, 0.0, time.perf_counter()
    try:
        while window is None or not window.ended:
            frames = read_frames(capture, 1 if camera or window is not None else batch)
            if not frames:
                break
            begun = time.perf_counter()
            results = model.results(frames) if len(frames) > 1 else [model(frames[0])]
            busy += time.perf_counter() - begun
            for frame, result in zip(frames, results):
                printer.result(model.about, source.text, result, count)
                printer.bar.advance()
                count += 1
                if path is not None or window is not None:
                    picture = model.draw(frame, result)
                    if path is not None:
                        if writer is None:
                            writer, shape = open_writer(path, rate, picture), picture.shape
                        writer.write(in_frame(picture, shape))
                    if window is not None:
                        window.show(picture, wait=False)
            if limit is not None:
                time.sleep(max(0.0, started + count / limit - time.perf_counter()))
    except KeyboardInterrupt:  # how a camera is stopped: what was recorded stays
        printer.note("stopped")
    finally:
        capture.release()
        if writer is not None:
            writer.release()
    if count == 0:
        raise ValueError(f"the {source.kind} {source.text} gave no frame")
    total = time.perf_counter() - started
    printer.bar.start(None)
    printer.note(
        f"{source.text}: {count} frames in {total:.1f} s, {count / total:.1f} frames/s; "
        f"preprocessing, network and result alone {count / busy:.1f} frames/s"
    )


def read_frames(capture: Any, count: int) -> list[np.ndarray]:
    """The next frames, at most `count`; none at the end."""
    frames: list[np.ndarray] = []
    while len(frames) < count:
        good, frame = capture.read()
        if not good:
            break
        frames.append(frame)
    return frames


def in_frame(picture: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The picture at the size of a video's first one: a legend may have more lines or fewer than there. Else it is lost."""
    if picture.shape == shape:
        return picture
    framed = np.full(shape, 32, np.uint8)
    height, width = min(picture.shape[0], shape[0]), min(picture.shape[1], shape[1])
    framed[:height, :width] = picture[:height, :width]
    return framed


def open_writer(path: Path, rate: float, picture: np.ndarray) -> Any:
    """A cv2.VideoWriter for pictures of this size. Raises ValueError when OpenCV cannot write that format."""
    import cv2

    code = {".avi": "MJPG", ".webm": "VP80"}.get(path.suffix.lower(), "mp4v")
    four = sum(ord(letter) << 8 * place for place, letter in enumerate(code))
    writer = cv2.VideoWriter(str(path), four, rate, (picture.shape[1], picture.shape[0]))
    if not writer.isOpened():
        raise ValueError(f"OpenCV cannot write the video {path}")
    return writer
