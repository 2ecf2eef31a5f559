"""Lets torchvision be imported beside a torch that its compiled ops were not built for. For tests only.

The common torchvision wheel is built for a CUDA torch. Beside a CPU build of torch its compiled library does not load,
which torchvision forgives, but then it registers fake kernels for two of the ops that the library would have brought,
and that stops the import. Here the two ops get a name and a signature, and nothing else: the models work, and calling
the ops still fails with torchvision's own message. Where the compiled library loads, nothing is changed.

On PYTHONPATH, Python runs this file at start-up. It then costs nothing until torchvision is asked for.
"""

import importlib.abc
import importlib.machinery
import sys

OPS_WITH_FAKE_KERNELS = ("nms", "qnms")


class BeforeTorchvision(importlib.abc.MetaPathFinder):
    """Finds no module; it is asked just before torchvision is, once, and sees to the ops."""

    def __init__(self):
        self.library = None  # the ops live as long as this does

    def find_spec(self, fullname, path=None, target=None):
        if fullname == "torchvision" and self.library is None:
            compiled = importlib.machinery.PathFinder.find_spec("torchvision._C", _package_folders())
            if compiled is not None and not _loads(compiled.origin):
                self.library = _define_ops()


def _package_folders():
    spec = importlib.machinery.PathFinder.find_spec("torchvision")
    return list(spec.submodule_search_locations) if spec is not None else []


def _loads(library):
    import torch

    try:
        torch.ops.load_library(library)
    except OSError:
        return False
    return True


def _define_ops():
    import torch

    library = torch.library.Library("torchvision", "FRAGMENT")
    for op in OPS_WITH_FAKE_KERNELS:
        if not hasattr(torch.ops.torchvision, op):
            library.define(op + "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return library


def install():
    """Put the finder just before the one that would find torchvision; others that were there first stay first."""
    if not any(type(finder).__name__ == BeforeTorchvision.__name__ for finder in sys.meta_path):
        sys.meta_path.insert(sys.meta_path.index(importlib.machinery.PathFinder), BeforeTorchvision())


install()
