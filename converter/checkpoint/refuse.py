"""What to say about a file that holds no network that we can load, kind by kind."""

from __future__ import annotations

from converter.checkpoint.inspect import CheckpointInfo, Kind
from converter.errors import CheckpointError

AGAIN = "copy or download it again, and compare its size and checksum with the original"
_GIVE = "give the checkpoint itself: a .pth, .pt, .ckpt, .bin or .safetensors file"

_SAY: dict[Kind, tuple[str, str, tuple[str, ...]]] = {
    "missing": ("does not exist", "there is no file of that name", ("check the path and the folder you are in",)),
    "unreadable": ("cannot be opened", "the system refuses", ("check the permissions of the file and of its folder",)),
    "directory": ("is a folder, not a checkpoint", "a folder", (_GIVE,)),
    "special": ("is not a regular file", "a device, pipe or socket", (_GIVE,)),
    "empty": ("is empty", "0 bytes", (AGAIN,)),
    "text": ("is a text file, not a checkpoint", "text", (_GIVE,)),
    "html": (
        "is a web page, not a checkpoint: the download went wrong",
        "HTML or XML",
        ("download the file itself: its page has a link of its own for that; then check the size",),
    ),
    "lfs-pointer": (
        "is a Git LFS pointer: a note where the checkpoint is, not the checkpoint",
        "a pointer of Git LFS",
        ("fetch the file in its repository: git lfs install, then git lfs pull",),
    ),
    "image": (
        "is an image, not a checkpoint",
        "a picture",
        (_GIVE, "pictures are for deploy.py, after the conversion"),
    ),
    "archive": (
        "is packed, or is an archive of another kind than a checkpoint",
        "an archive",
        ("unpack it, and give the checkpoint in it",),
    ),
    "other": ("is not a checkpoint", "a file of another kind", (_GIVE,)),
    "unknown": ("is in no format that is known here", "unknown bytes", (_GIVE, AGAIN)),
    "truncated-zip": ("is cut off: the end of the file is missing", "a zip archive without an end", (AGAIN,)),
    "truncated-pickle": ("is cut off or damaged", "a pickle that stops before its end", (AGAIN,)),
    "truncated-safetensors": ("is cut off or damaged", "a safetensors file", (AGAIN,)),
    "truncated-onnx": ("is an ONNX model that is cut off", "an ONNX model without its end", (AGAIN,)),
    "onnx": (
        "is an ONNX model already, not a PyTorch checkpoint",
        "an ONNX model",
        ("ask which nodes OpenCV runs: convert check {path}", "or give the checkpoint that it came from"),
    ),
    "torch7": (
        "is a Lua Torch7 file, not a PyTorch checkpoint",
        "Lua Torch7's own format",
        (
            "run it in OpenCV 4.x as it is: cv2.dnn.readNetFromTorch reads it there; OpenCV 5.0 has no such function",
            "give a PyTorch version of the model; converting Torch7 files is not possible yet",
        ),
    ),
    "numpy": (
        "holds NumPy arrays, not a PyTorch checkpoint",
        "NumPy's format",
        ("make a state dict of it: torch.save({name: torch.from_numpy(a) for name, a in npz.items()}, 'weights.pth')",),
    ),
    "keras": (
        "is a Keras or HDF5 file, not a PyTorch checkpoint",
        "a file of Keras",
        ("export it with tf2onnx; this tool reads PyTorch only",),
    ),
    "tensorflow": (
        "is a TensorFlow graph, not a PyTorch checkpoint",
        "a protobuf of TensorFlow",
        ("export it with tf2onnx; this tool reads PyTorch only",),
    ),
    "other-framework": (
        "belongs to another framework than PyTorch",
        "a model of another framework",
        ("give the PyTorch checkpoint of the model; this tool reads PyTorch only",),
    ),
}  # fmt: skip


def refusal(info: CheckpointInfo) -> CheckpointError | None:
    """The error for a file that cannot be loaded; None when its kind can be."""
    if info.kind not in _SAY:
        return None
    what, measured, do = _SAY[info.kind]
    size = f", {info.size:,} bytes" if info.size else ""
    if info.detail:
        measured += ("; " if info.kind in ("missing", "directory") else ": ") + info.detail
    return CheckpointError(
        f"{info.path} {what}",
        measured=measured + size,
        do=tuple(step.replace("{path}", str(info.path)) for step in do),
    )
