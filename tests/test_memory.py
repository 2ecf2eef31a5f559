"""What is free goes back to the system, where the C library can do that."""

import platform
import subprocess
import sys

import pytest

SCRIPT = """
from converter.memory import give_back

def resident():
    return int(next(line for line in open("/proc/self/status") if line.startswith("VmRSS")).split()[1]) / 1024

chunks = [bytearray(b"x" * 100_000) for _ in range(3000)]  # small enough for the heap: the last one holds all the others' pages
kept = chunks[-1]
del chunks
before = resident()
give_back()
print(before - resident())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has malloc_trim")
def test_free_memory_is_given_back():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert float(done.stdout) > 200


def test_other_c_libraries_have_nothing_to_give(monkeypatch):
    import converter.memory as memory

    class Other:
        pass

    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: Other())
    assert memory.give_back() is None
