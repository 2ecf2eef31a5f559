"""The page of the tables in a real browser: typing finds, clicking shows evidence, and nothing is loaded from elsewhere."""

from __future__ import annotations

import base64
import json
import os
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from converter.errors import OutputError
from converter.support import page
from converter.support.table import CaseInfo, MeasuredTable

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

META = {"opencv": "4.10.0.84", "numpy": "2.2.6", "onnx": "1.23.2", "onnxruntime": "1.31.1", "measured": "2026-11-21"}

ROWS = [
    ("unit/Relu/4", "Relu", "Relu(fvn)[]", "Relu(fv1)[]"),
    ("unit/Resize/cubic <b>", "Resize", "Resize(fvnnnn)[cubic]", "Resize(fv4)[mode=cubic]"),
    ("unit/Resize/linear", "Resize", "Resize(fvnnnn)[linear]", "Resize(fv4)[mode=linear]"),
    ("unit/Resize/linear, odd", "Resize", "Resize(fv1nnn)[linear]", "Resize(fv4)[mode=linear]"),
    ("unit/Add/4", "Add", "Add(fvn,fvn)[]", "Add(fv1,fv1)[]"),
    ("pattern/gate/1", "pattern:gate", "pattern:gate", "pattern:gate"),
    ("pattern/attention/1", "pattern:attention", "pattern:attention", "pattern:attention"),
]
CASES = [CaseInfo(*row, digest="") for row in ROWS]
TABLES = [
    MeasuredTable("4.10.0", META, "olwrowo", {2: 0.03}, ["Can't create <layer> of type Resize"], {1: 0}),
    MeasuredTable("5.0.0", {**META, "opencv": "5.0.0.93"}, "onocoww", {5: 1.5}, ["Assertion failed"], {1: 0}),
]


# --- what stands in the file ---


def test_equal_tables_give_equal_bytes():
    assert page.page(CASES, TABLES) == page.page(CASES, TABLES)


def test_nothing_is_loaded_from_elsewhere():
    html = page.page(CASES, TABLES)
    assert re.findall(r"(?i)https?:|//\w+\.|@import|url\(|\bsrc=", html) == []
    assert [link for link in re.findall(r'href="([^"]*)"', html) if link != "data:,"] == []


def test_every_op_has_its_row_and_its_shares():
    html = page.page(CASES, TABLES)
    rows = dict(re.findall(r'<tr data-op="([^"]+)">(.*?)</tr>', html, re.S))
    assert list(rows) == ["Add", "Relu", "Resize", "pattern:attention", "pattern:gate"]
    assert re.findall(r">([\d/]+)</button>", rows["Resize"]) == ["1/3", "1/3"]
    assert re.findall(r'title="([^"]+)"', rows["Resize"]) == [
        "1 reshaped, 1 wrong, 1 fails",
        "1 ok, 1 fails, 1 crashes",
    ]
    assert 'style="--a:0%;--b:33.33%;--c:66.67%;--d:100%;--e:100%"' in rows["Resize"]


def test_the_evidence_is_all_there():
    data = page.unpack(page.page(CASES, TABLES))
    assert data == {
        "targets": ["4.10.0", "5.0.0"],
        "ops": [
            ["Add", [["Add(fv1,fv1)[]", 1]]],
            ["Relu", [["Relu(fv1)[]", 1]]],
            ["Resize", [["Resize(fv4)[mode=cubic]", 1], ["Resize(fv4)[mode=linear]", 2]]],
            ["pattern:attention", [["pattern:attention", 1]]],
            ["pattern:gate", [["pattern:gate", 1]]],
        ],
        "names": [CASES[i].name for i in (4, 0, 1, 2, 3, 6, 5)],
        "codes": ["oolwrow", "oonocww"],
        "errors": [{"3": 0.03}, {"6": 1.5}],
        "texts": ["Can't create <layer> of type Resize", "Assertion failed"],
        "why": [{"2": 0}, {"2": 1}],
        "unsaid": "the size differs, NaN or infinity stand in other places, or the numbers change from run to run",
    }


def test_a_table_that_is_older_than_a_case_says_unmeasured():
    older = MeasuredTable("4.8.1", META, "ool", {}, [], {})
    html = page.page(CASES, [older])
    assert page.unpack(html)["codes"] == ["-ool---"]
    assert 'title="1 wrong' not in html
    assert 'title="1 unmeasured">-</button>' in html


def test_a_place_that_cannot_be_written_to(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "all_tables", lambda targets: (CASES, TABLES))
    assert page.write_page(tmp_path / "new" / "support.html").read_text("utf-8") == page.page(CASES, TABLES)
    with pytest.raises(OutputError, match="the page cannot be written to"):
        page.write_page(tmp_path)


# --- in a browser ---


@dataclass
class Browser:
    """Chromium, driven through its DevTools protocol on a pair of pipes."""

    process: subprocess.Popen[bytes]
    send: int
    receive: int
    session: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    _buffer: bytes = b""
    _last: int = 0

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command, and its answer. Events that arrive meanwhile are kept."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.send, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._last:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def _next(self) -> dict[str, Any]:
        deadline = time.monotonic() + 60
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self.receive], [], [], max(0, deadline - time.monotonic()))
            assert ready, "the browser does not answer"
            got = os.read(self.receive, 1 << 20)
            assert got, "the browser ended"
            self._buffer += got
        line, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(line)

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression, awaited."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def open(self, url: str) -> None:
        """Load the page and wait until its evidence is unpacked."""
        self.events.clear()
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=url)
        self.until("document.documentElement?.dataset.ready === 'true'")

    def until(self, script: str) -> None:
        for _ in range(200):
            if self.run(script):
                return
            time.sleep(0.05)
        raise AssertionError(f"never true: {script}")

    def type(self, text: str) -> None:
        self.call("Input.insertText", text=text)

    def press(self, key: str) -> None:
        text = {"text": "\r"} if key == "Enter" else {}  # a button hears Enter by its character
        code = {"Enter": 13, "Escape": 27, "ArrowRight": 39, "ArrowDown": 40, "/": 191}[key]
        common = {"key": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", **common, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def click(self, script: str) -> None:
        """A real click in the middle of the element that the expression gives."""
        x, y = self.run(
            f"(e => {{ e.scrollIntoView({{block: 'center'}}); const r = e.getBoundingClientRect();"
            f" return [r.x + r.width / 2, r.y + r.height / 2]; }})({script})"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))

    @property
    def complaints(self) -> list[Any]:
        """Console messages, uncaught exceptions and log entries."""
        self.run("1")  # what is under way arrives before its answer
        kinds = {"Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"}
        return [event for event in self.events if event.get("method") in kinds]

    @property
    def requests(self) -> list[str]:
        """Addresses that the page asked for."""
        sent = [event for event in self.events if event.get("method") == "Network.requestWillBeSent"]
        return [event["params"]["request"]["url"] for event in sent]


EXEC = "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execv(sys.argv[3], sys.argv[3:])"
"""Chromium expects its pipes to be the descriptors 3 and 4."""

FLAGS = (
    "--headless", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
    "--window-size=1400,900",
)  # fmt: skip


@pytest.fixture(scope="module")
def browser(tmp_path_factory) -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium is installed here (Debian: apt-get install chromium)")
    to_read, send = os.pipe()
    receive, to_write = os.pipe()
    profile = f"--user-data-dir={tmp_path_factory.mktemp('profile')}"
    command = [sys.executable, "-c", EXEC, str(to_read), str(to_write), CHROMIUM, *FLAGS, profile, "about:blank"]
    process = subprocess.Popen(
        command, pass_fds=sorted({3, 4, to_read, to_write}), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    os.close(to_read)
    os.close(to_write)
    driven = Browser(process, send, receive)
    try:
        target = next(t for t in driven.call("Target.getTargets")["targetInfos"] if t["type"] == "page")
        attached = driven.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        driven.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            driven.call(f"{domain}.enable")
        yield driven
    finally:
        os.close(send)
        os.close(receive)
        process.terminate()
        process.wait(timeout=30)


@pytest.fixture(scope="module")
def url(tmp_path_factory) -> str:
    file = tmp_path_factory.mktemp("page") / "support.html"
    file.write_text(page.page(CASES, TABLES), encoding="utf-8")
    return file.as_uri()


ROWS_SHOWN = "[...document.querySelectorAll('tr[data-op]:not([hidden])')].map(r => r.dataset.op).filter(Boolean)"
CELL = "document.querySelectorAll('tr[data-op=\"{}\"] .c')[{}]"
PANEL = "document.getElementById('panel')"


def test_typing_shows_the_row_and_hides_the_others(browser, url):
    browser.open(url)
    assert len(browser.run(ROWS_SHOWN)) == 5
    browser.press("/")
    browser.type("resi")
    assert browser.run(ROWS_SHOWN) == ["Resize"]
    assert browser.run("document.getElementById('shown').textContent") == "1 of 3 ops, 0 of 2 patterns"
    assert browser.run("location.hash") == "#q=resi"
    browser.open(url)
    browser.click("document.getElementById('q')")
    browser.type("cubic <B")  # of the name of a case; every word counts
    assert browser.run(ROWS_SHOWN) == ["Resize"]
    browser.type("zzz")
    assert browser.run(ROWS_SHOWN) == []
    browser.click("document.querySelector('[data-reset]')")
    assert len(browser.run(ROWS_SHOWN)) == 5
    assert browser.complaints == []


def test_a_click_on_a_cell_shows_its_evidence(browser, url):
    browser.open(url)
    assert browser.run(f"{PANEL}.hidden") is True
    browser.click(CELL.format("Resize", 0))
    assert browser.run(f"{PANEL}.querySelector('h2').textContent") == "Resize on OpenCV 4.10.0"
    text = browser.run(f"{PANEL}.innerText")
    assert "unit/Resize/cubic <b>" in text
    assert "at load: Can't create <layer> of type Resize" in text
    assert "relative difference 3e-2" in text
    browser.click(f"[...{PANEL}.querySelectorAll('.versions button')].find(b => b.textContent === '5.0.0')")
    text = browser.run(f"{PANEL}.innerText")
    assert "at run: Assertion failed" in text
    assert "crashes" in text
    browser.click(f"[...{PANEL}.querySelectorAll('.counts button')].find(b => b.textContent === '1 fails')")
    assert "Assertion failed" not in browser.run(f"{PANEL}.innerText")
    browser.click(f"{PANEL}.querySelector('.close')")
    assert browser.run(f"{PANEL}.hidden") is True
    assert browser.complaints == []


def test_the_keyboard_alone_is_enough(browser, url):
    browser.open(url)
    browser.run(f"{CELL.format('Add', 0)}.focus()")
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "Enter"):
        browser.press(key)
    assert browser.run(f"{PANEL}.querySelector('h2').textContent") == "Resize on OpenCV 5.0.0"
    assert browser.run("document.activeElement.id") == "panel-title"
    browser.press("Escape")
    assert browser.run(f"{PANEL}.hidden") is True
    assert browser.run(f"document.activeElement === {CELL.format('Resize', 1)}") is True
    assert browser.complaints == []


def test_filters_by_op_state_and_version(browser, url):
    choose = (
        "(() => {{ const s = document.getElementById('{}'); s.value = '{}'; s.dispatchEvent(new Event('input')); }})()"
    )
    browser.open(url)
    browser.run(choose.format("status", "wrong"))
    assert sorted(browser.run(ROWS_SHOWN)) == ["Resize", "pattern:attention", "pattern:gate"]
    browser.run(choose.format("on", "5.0.0"))
    assert sorted(browser.run(ROWS_SHOWN)) == ["pattern:attention", "pattern:gate"]
    browser.run(choose.format("status", ""))
    browser.run(choose.format("op", "Relu"))
    assert browser.run(ROWS_SHOWN) == ["Relu"]
    assert browser.complaints == []


def test_what_is_shown_can_be_linked_to(browser, url):
    browser.open(f"{url}?q=Resize#cell=Resize@4.10.0")
    assert browser.run(ROWS_SHOWN) == ["Resize"]
    assert "Can't create <layer>" in browser.run(f"{PANEL}.innerText")
    browser.open(f"{url}#cell=pattern:gate@5.0.0")
    assert "relative difference 2e+0" in browser.run(f"{PANEL}.innerText")
    browser.open(f"{url}#cell=Nothing@1.2.3")  # a link from another time
    assert browser.run(f"{PANEL}.hidden") is True
    assert browser.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_light_and_dark_are_readable(browser, url, scheme):
    """Contrast of text on every colour of a cell, by the formula of WCAG 2; 4.5 is what it asks for."""
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.open(url)
    colours = browser.run(
        f"Object.fromEntries({json.dumps(['ink', 'soft', 'page', 'card', *page.LEGEND])}"
        ".map(n => [n, getComputedStyle(document.documentElement).getPropertyValue('--' + n).trim()]))"
    )
    browser.call("Emulation.setEmulatedMedia", features=[])
    pairs = [("ink", other) for other in colours if other not in ("ink", "soft")] + [("soft", "page"), ("soft", "card")]
    low = {pair: ratio for pair in pairs if (ratio := _contrast(*(colours[name] for name in pair))) < 4.5}
    assert low == {}


def _contrast(first: str, second: str) -> float:
    def luminance(colour: str) -> float:
        digits = colour.lstrip("#") if len(colour) == 7 else "".join(c * 2 for c in colour.lstrip("#"))
        channels = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_page_asks_for_nothing_but_itself(browser, url):
    browser.open(url)
    assert {request.split("#")[0] for request in browser.requests} - {"about:blank", url, "data:,"} == set()
