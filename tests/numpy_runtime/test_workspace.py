"""What the fast forms share: pieces of work, and the threads that take them."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from converter.numpy_runtime.fast.workspace import Helper, Workspace, parts


@pytest.mark.parametrize(
    ("total", "most", "threads"), [(1, 5, 2), (7, 3, 1), (7, 3, 2), (100, 1000, 2), (5, 1, 4), (0, 3, 2)]
)
def test_parts(total: int, most: int, threads: int) -> None:
    found = parts(total, most, threads)
    assert [n for start, stop in found for n in range(start, stop)] == list(range(total))
    assert max(stop - start for start, stop in found) <= max(most, 1)


def test_an_error_of_another_thread_is_raised() -> None:
    def job(number: int, _: Any) -> None:
        raise ZeroDivisionError(str(number))

    with pytest.raises(ZeroDivisionError):
        Workspace(2).spread(job, 4)


def test_a_task_that_its_thread_has_not_begun_is_taken_back() -> None:
    helper, started, go_on = Helper(), threading.Event(), threading.Event()

    def slow() -> None:
        started.set()
        go_on.wait(10)

    done: list[int] = []
    first = helper.begin(slow)
    assert started.wait(10)
    helper.finish(helper.begin(lambda: done.append(1)))  # the thread is busy: this returns at once
    go_on.set()
    helper.finish(first)
    last = helper.begin(lambda: done.append(2))
    while last:  # until the thread has taken it
        time.sleep(0.001)
    helper.finish(last)
    assert done == [2]


def test_a_thread_ends_with_its_helper() -> None:
    before = set(threading.enumerate())
    helper = Helper()
    (started,) = set(threading.enumerate()) - before
    assert started.is_alive()
    del helper
    started.join(10)
    assert not started.is_alive()


def test_each_call_of_a_run_settles_for_the_faster_way() -> None:
    """Small tasks stay on one thread; tasks that wait do not."""
    work = Workspace(2)
    seen: dict[str, set[int]] = {}

    def run() -> None:
        seen.update(small=set(), slow=set())
        work.begin()
        work.spread(lambda number, _: seen["small"].add(threading.get_ident()), 2)

        def waits(number: int, _: Any) -> None:
            seen["slow"].add(threading.get_ident())
            time.sleep(0.02)

        work.spread(waits, 2)

    for _ in range(8):
        run()
    assert seen["small"] == {threading.get_ident()}
    assert len(seen["slow"]) == 2
