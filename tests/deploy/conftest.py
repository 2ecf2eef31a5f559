"""One bundle for all tests of deploy.py, copies of it to break, and a picture."""

from __future__ import annotations

import shutil

import cv2
import numpy as np
import pytest

from tests.deploy_bundle import HERE, verified, write_bundle


@pytest.fixture(scope="session")
def bundle(tmp_path_factory):
    return write_bundle(tmp_path_factory.mktemp("proven") / "bundle", opencv=[verified(HERE)])


@pytest.fixture
def copied(bundle, tmp_path):
    return shutil.copytree(bundle, tmp_path / "bundle")


@pytest.fixture
def picture(tmp_path, rng):
    path = tmp_path / "picture.png"
    cv2.imwrite(str(path), rng.integers(0, 256, (30, 40, 3), dtype=np.uint8))
    return path
