"""What every test may use: a seeded generator, interpreters with other OpenCVs, a torchvision that imports."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from converter import registered, targets

REPO = Path(__file__).resolve().parent.parent
SHIM = Path(__file__).resolve().parent / "shims" / "torchvision_cpu" / "sitecustomize.py"


def _run_shim() -> None:
    """In this process, what PYTHONPATH does in a child. It acts only when torchvision's own ops do not load."""
    spec = importlib.util.spec_from_file_location("torchvision_cpu_shim", SHIM)
    assert spec is not None and spec.loader is not None
    spec.loader.exec_module(importlib.util.module_from_spec(spec))


_run_shim()  # before a test module may import torchvision


@pytest.fixture(scope="session", autouse=True)
def torchvision_for_children() -> Iterator[None]:
    """Child processes that inherit our environment can import torchvision too."""
    with pytest.MonkeyPatch.context() as patch:
        inherited = os.environ.get("PYTHONPATH")
        patch.setenv("PYTHONPATH", os.pathsep.join([str(SHIM.parent), *([inherited] if inherited else [])]))
        yield


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Random weights are the same in every run and in every order of tests; torch is not loaded for it."""
    if (torch := sys.modules.get("torch")) is not None:
        torch.manual_seed(0)


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator seeded the same for every test."""
    return np.random.default_rng(0)


@pytest.fixture(scope="session", autouse=True)
def targets_root() -> Iterator[Path]:
    """Where environments with other OpenCVs are kept from one run to the next: in the checkout, not in the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(targets, "cache_root", lambda: REPO / ".cache" / "torch2cv" / "targets")
        patch.setenv("XDG_CACHE_HOME", str(REPO / ".cache"))  # child processes find the same place
        yield targets.cache_root()


@pytest.fixture(scope="session", autouse=True)
def config_of_the_tests(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """No test, nor a child process of one, reads or writes what the user registered: the directory is the run's own."""
    folder = tmp_path_factory.mktemp("config")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(folder))
        if sys.platform != "linux":  # only there is it asked for certain
            patch.setattr(registered, "config_file", lambda: folder / "torch2cv" / "targets.json")
        yield folder


@pytest.fixture(scope="session")
def target_env(targets_root: Path) -> Callable[[str], Path]:
    """version -> an interpreter that has that opencv-python-headless, NumPy and nothing else; made on first use.

    `target_env("4.10.0")`. The installed version gets an environment too.
    """

    def installed(version: str) -> Path:
        from filelock import FileLock  # comes with torch

        targets_root.mkdir(parents=True, exist_ok=True)
        with FileLock(targets_root / f"{version}.lock"):  # two workers must not download the same wheel
            return targets.install(version, root=targets_root)

    return installed
