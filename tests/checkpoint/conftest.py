"""What the tests of loading share: a small architecture in a file, and a network of it."""

import pytest

from tests.checkpoint.files import NET, tiny


@pytest.fixture
def arch(tmp_path):
    path = tmp_path / "net.py"
    path.write_text(NET)
    return f"{path}:net"


@pytest.fixture
def net():
    return tiny().eval()
