"""Teams of processes: the same bytes as alone, and whatever happens to one of them."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from converter.numpy_runtime import plan, team
from converter.numpy_runtime.running import Blas, processors
from tests.numpy_runtime.judge import draw
from tests.numpy_runtime.one_of_each import model
from tests.onnx_text import ort_run

SIDE = 40

pytestmark = pytest.mark.skipif(
    not (team.can_team({}) and Blas().can_be_told), reason="teams need Linux and a NumPy with an OpenBLAS"
)


@pytest.fixture
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    plan(model(SIDE), half=getattr(request, "param", False)).save(tmp_path)
    return tmp_path


@pytest.fixture
def load(folder: Path) -> Iterator[Callable[..., Any]]:
    """load(threads, ready=True, trials=0) from the folder; all teams end with the test."""
    loaded: list[Any] = []

    def load(threads: int = 2, ready: bool = True, trials: int = 0) -> Any:
        spec = importlib.util.spec_from_file_location("numpy_model", folder / "numpy_model.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module._TRIALS = trials  # 0: always together
        loaded.append(module.load(threads=threads))
        if ready:
            wait(loaded[-1].ready)
        return loaded[-1]

    yield load
    for found in loaded:
        if found._team is not None:
            found._team.close()


def wait(until: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not until():
        assert time.monotonic() < end, "waited a minute"
        time.sleep(0.01)


X = {"x": draw(np.random.default_rng(1), 1, 16, SIDE, SIDE)}


@pytest.mark.parametrize("threads", [2, 3])
def test_a_team_gives_the_bytes_that_one_process_gives_for_it(load: Callable[..., Any], threads: int) -> None:
    runner = load(threads)
    together = [runner.run(X)["y"].tobytes() for _ in range(5)]
    helpers = runner._team._helpers
    assert [helper.poll() for helper in helpers] == [None] * (threads - 1)
    alone = runner._run_alone(X)["y"]
    assert set(together) == {alone.tobytes()}
    wanted = ort_run(model(SIDE), X)[0]
    np.testing.assert_allclose(alone, wanted, rtol=0, atol=1.5e-5 * np.abs(wanted).max())  # as for winograd alone


@pytest.mark.parametrize("folder", [True], indirect=True, ids=["half weights"])
def test_weights_that_are_widened_are_shared(load: Callable[..., Any]) -> None:
    runner = load()
    assert any(runner._weights[name].dtype == np.float32 for name in runner._made)
    np.testing.assert_array_equal(runner.run(X)["y"], runner._run_alone(X)["y"])


@pytest.mark.parametrize(("slow", "told"), [("_run_alone", "processes: 2"), ("_run_together", "process: 1, faster")])
def test_the_profile_says_how_it_runs(load: Callable[..., Any], slow: str, told: str) -> None:
    runner = load(trials=3)
    run = getattr(runner, slow)

    def slowed(feeds: Any) -> Any:
        time.sleep(0.05)
        return run(feeds)

    setattr(runner, slow, slowed)
    text = runner.profile(X)
    assert told in text
    assert "winograd" in text


def test_the_faster_way_is_kept_to(load: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    runner = load(trials=3)
    ways: list[str] = []

    def watched(name: str, seconds: float) -> None:
        run = getattr(runner, name)

        def slowed(feeds: Any) -> Any:
            ways.append(name)
            time.sleep(seconds)
            return run(feeds)

        monkeypatch.setattr(runner, name, slowed)

    watched("_run_together", 0.05)
    watched("_run_alone", 0)
    results = {runner.run(X)["y"].tobytes() for _ in range(9)}
    assert ways == ["_run_together", "_run_alone"] * 3 + ["_run_alone"] * 3
    assert len(results) == 1
    runner.run({"x": np.concatenate([X["x"]] * 2)})
    assert ways[-1] == "_run_together"  # other inputs, another trial


def test_the_first_runs_do_not_wait_for_the_helpers(load: Callable[..., Any]) -> None:
    """And who runs once has none."""
    runner = load(ready=False)
    first = runner.run(X)["y"]
    assert runner._team is None
    np.testing.assert_array_equal(runner.run(X)["y"], first)
    assert runner._team is not None
    wait(runner.ready)
    np.testing.assert_array_equal(runner.run(X)["y"], first)


def test_any_batch(load: Callable[..., Any]) -> None:
    runner = load()
    one = runner.run(X)["y"]
    many = np.concatenate([X["x"], X["x"] * 2, X["x"]])
    for _ in range(2):
        got = runner.run({"x": many})["y"]
        np.testing.assert_allclose(got[[0, 2]], np.repeat(one, 2, 0), rtol=0, atol=1e-5)
        np.testing.assert_array_equal(runner.run(X)["y"], one)


def test_a_helper_that_dies_is_replaced(load: Callable[..., Any]) -> None:
    runner = load()
    wanted = runner.run(X)["y"]
    first = runner._team
    first._helpers[0].kill()
    first._helpers[0].wait()
    np.testing.assert_array_equal(runner.run(X)["y"], wanted)
    assert runner._team is not first
    wait(runner.ready)
    np.testing.assert_array_equal(runner.run(X)["y"], wanted)


def test_a_helper_that_dies_in_a_run_is_noticed(load: Callable[..., Any]) -> None:
    runner = load()
    wanted = runner.run(X)["y"]
    helper = runner._team._helpers[0]
    helper.send_signal(signal.SIGSTOP)  # it will not come to the next meeting
    threading.Timer(0.3, helper.kill).start()
    np.testing.assert_array_equal(runner.run(X)["y"], wanted)


def test_after_too_many_losses_blas_has_the_threads(load: Callable[..., Any]) -> None:
    runner = load()
    wanted = runner.run(X)["y"]
    for _ in range(3):
        assert runner.ways == 2
        runner.run(X)
        runner._team._helpers[0].kill()
        runner._team._helpers[0].wait()
        runner.run(X)
    assert runner._team is None
    assert runner.ways == 1
    assert runner.ready()
    np.testing.assert_allclose(runner.run(X)["y"], wanted, rtol=0, atol=1e-5)


def test_a_team_that_is_dropped_in_a_run_touches_no_other_file(load: Callable[..., Any], tmp_path: Path) -> None:
    """Another caller may find a helper dead and drop the team: its descriptor must not become some other file's."""
    runner = load()
    wanted = runner.run(X)["y"]
    forward, found = runner._forward, []

    def dropped(weights: Any, feeds: Any, work: Any) -> Any:
        if work.crew is not None and not found:
            runner._drop(runner._team)
            found.append(os.open(tmp_path / "mine", os.O_RDWR | os.O_CREAT))
            work.slot(99, 1000)  # more shared memory
        return forward(weights, feeds, work)

    runner._forward = dropped
    np.testing.assert_array_equal(runner.run(X)["y"], wanted)
    assert os.fstat(found[0]).st_size == 0
    os.close(found[0])


def test_a_closed_team_is_not_entered(load: Callable[..., Any]) -> None:
    runner = load()
    team = runner._team
    runner._drop(team)
    assert not team.enter()


@pytest.mark.parametrize("wakes", [True, False])
def test_a_pipe_that_another_caller_closed_is_a_loss(load: Callable[..., Any], wakes: bool) -> None:
    runner = load()
    wanted = runner.run(X)["y"]
    if wakes:
        wait(lambda: runner._team._crew.state(1) == 2)
    runner._team._helpers[0].stdin.close()
    np.testing.assert_array_equal(runner.run(X)["y"], wanted)


def test_an_error_is_raised_once_and_the_next_run_is_right(load: Callable[..., Any]) -> None:
    runner = load()
    wanted = runner.run(X)["y"]
    forward, calls = runner._forward, []

    def failing(*arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            raise ZeroDivisionError
        return forward(*arguments)

    runner._forward = failing
    with pytest.raises(ZeroDivisionError):
        runner.run(X)
    np.testing.assert_array_equal(runner.run(X)["y"], wanted)
    assert runner._lost == 0, "the network failed, not the team"


def test_several_callers(load: Callable[..., Any]) -> None:
    """One of them has the team, the others compute alone meanwhile."""
    runner = load()
    inputs = [{"x": draw(np.random.default_rng(n), 1, 16, 40, 40)} for n in range(4)]
    wanted = [runner.run(feeds)["y"] for feeds in inputs]
    wrong: list[int] = []

    def call(number: int) -> None:
        for _ in range(8):
            if not np.array_equal(runner.run(inputs[number])["y"], wanted[number]):
                wrong.append(number)

    callers = [threading.Thread(target=call, args=(number,)) for number in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert wrong == []


def test_a_helper_sleeps_between_runs_and_wakes(load: Callable[..., Any]) -> None:
    runner = load()
    wanted = runner.run(X)["y"]
    wait(lambda: runner._team._crew.state(1) == 2)
    np.testing.assert_array_equal(runner.run(X)["y"], wanted)


def test_files_that_changed_meanwhile_are_not_mixed(load: Callable[..., Any], folder: Path, capfd: Any) -> None:
    """A helper that finds other files than its caller read does not help."""
    runner = load(ready=False)
    runner.ready()
    os.utime(folder / "weights.npz", ns=(1, 1))
    wanted = runner.run(X)["y"]
    helper = runner._team._helpers[0]
    assert helper.wait(60) == 1
    np.testing.assert_array_equal(runner.run(X)["y"], wanted)
    assert "was replaced" in capfd.readouterr().err


SCRIPT = """
    import os, sys, time
    import numpy as np
    sys.path.insert(0, {folder!r})
    import numpy_model
    runner = numpy_model.load(threads=2)
    while not runner.ready():
        time.sleep(0.01)
    runner.run({{"x": np.zeros((1, 16, 40, 40), np.float32)}})
    print(runner._team._helpers[0].pid, flush=True)
"""


def run_script(folder: Path, end: str) -> int:
    """The helper of a process that ended in some way."""
    text = textwrap.dedent(SCRIPT.format(folder=str(folder))) + end
    done = subprocess.run([sys.executable, "-W", "error", "-c", text], capture_output=True, text=True, timeout=120)
    assert done.stderr == ""
    return int(done.stdout.split()[0])


def is_running(process: int) -> bool:
    stat = Path(f"/proc/{process}/stat")
    return stat.is_file() and stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"


@pytest.mark.parametrize("end", ["", "os.kill(os.getpid(), 9)", "os._exit(0)", "del runner; import gc; gc.collect()"])
def test_helpers_end_with_their_process(folder: Path, end: str) -> None:
    helper = run_script(folder, end)
    wait(lambda: not is_running(helper))


def test_a_fork_has_a_team_of_its_own(folder: Path) -> None:
    end = """
x = {"x": np.ones((1, 16, 40, 40), np.float32)}
wanted, before = runner.run(x)["y"], runner._team
child = os.fork()
if child == 0:
    np.testing.assert_array_equal(runner.run(x)["y"], wanted)
    while not runner.ready():
        time.sleep(0.01)
    assert runner._team is not before
    np.testing.assert_array_equal(runner.run(x)["y"], wanted)
    sys.exit(0)  # runs what is to be run at exit: not for the helper of the other process
assert os.waitpid(child, 0)[1] == 0
np.testing.assert_array_equal(runner.run(x)["y"], wanted)
assert runner._team is before and runner._team.ready()
"""
    helper = run_script(folder, end)
    wait(lambda: not is_running(helper))


def test_no_team_where_none_is_possible(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not team.can_team({"x": ("str", ())})
    monkeypatch.setattr(sys, "executable", "/opt/robot/controller")
    assert not team.can_team({})


@pytest.mark.parametrize("when", ["before", "when they start", "in a run"])
def test_without_memory_to_share_blas_has_the_threads(
    load: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    def refuse(*_: Any) -> int:
        raise OSError("no")

    if when == "before":
        monkeypatch.setattr(os, "memfd_create", refuse)
    runner = load(ready=False)
    if when == "in a run":
        wait(runner.ready)
    if when != "before":
        monkeypatch.setattr(os, "posix_fallocate", refuse)
    for _ in range(5):
        assert runner.run(X)["y"].shape == (1, 40, 40, 24)
    assert (runner._team, runner.ways, runner.threads) == (None, 1, 2)


def test_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    assert processors() == 3
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert 1 <= processors() <= (os.cpu_count() or 1)
    monkeypatch.setattr(Path, "read_text", lambda *_, **__: "50000 100000\n")
    assert processors() == 1
