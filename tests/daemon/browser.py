"""A real browser, driven over its pipe by the DevTools protocol: no driver, no port, no library."""

from __future__ import annotations

import base64
import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.daemon.servers import program, stop

PATIENCE = 120.0  # seconds for anything that a page or the browser is waited for
_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--force-device-scale-factor=1", "--remote-debugging-pipe",
)  # fmt: skip
# The browser reads its commands from 3 and answers on 4.
_START = "import os, sys; a, b, *line = sys.argv[1:]; os.dup2(int(a), 3); os.dup2(int(b), 4); os.execv(line[0], line)"
_KEYS = {"Enter": 13, "Tab": 9, "Escape": 27}


class Failed(Exception):
    """The browser could not do it: the page has gone elsewhere, mostly."""


class Browser:
    """One process; every profile in it knows nothing of the others."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers = commands, answers
        self._read = b""
        self._last = 0
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        """What a command of the protocol gives. Raises Failed."""
        self._last += 1
        said = {"id": self._last, "method": method, "params": params}
        os.write(
            self._commands,
            json.dumps(said | ({"sessionId": session} if session else {})).encode() + b"\0",
        )
        while True:
            heard = self._next()
            if heard.get("id") != self._last:
                self.events.append(heard)
                continue
            if "error" in heard:
                raise Failed(f"{method}: {heard['error']}")
            found: dict[str, Any] = heard["result"]
            return found

    def _next(self) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE
        while b"\0" not in self._read:
            ready, _, _ = select.select([self._answers], [], [], deadline - time.monotonic())
            assert ready, "the browser says nothing"
            piece = os.read(self._answers, 2**20)
            assert piece, "the browser has ended"
            self._read += piece
        one, _, self._read = self._read.partition(b"\0")
        found: dict[str, Any] = json.loads(one)
        return found

    def profile(self, language: str = "en", beside: Tab | None = None) -> Tab:
        """A new profile with one page open; or one more page in that of another."""
        context = (
            beside.profile
            if beside
            else self.call("Target.createBrowserContext")["browserContextId"]
        )
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)
        facts = {"targetId": target["targetId"], "flatten": True}
        return Tab(
            self, self.call("Target.attachToTarget", **facts)["sessionId"], language, context
        )


class Tab:
    """A page that is open; scripts see the chat's inside as `chat`."""

    def __init__(self, browser: Browser, session: str, language: str, profile: str) -> None:
        self._browser, self._session, self.profile = browser, session, profile
        for domain in ("Page", "Runtime", "Log", "Network", "DOM"):
            self.call(f"{domain}.enable")
        agent = self.run("navigator.userAgent")
        self.call("Network.setUserAgentOverride", userAgent=agent, acceptLanguage=language)
        self.look()

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        return self._browser.call(method, self._session, **params)

    def _ask(self, script: str, **more: Any) -> dict[str, Any]:
        inside = "const chat = document.querySelector('#madoguchi')?.shadowRoot;"
        body = script if script.startswith(("return ", "for ")) else f"return {script}"
        code = f"(async () => {{ {inside} {body} }})()"
        facts = {"expression": code, "awaitPromise": True, "userGesture": True}
        answer = self.call("Runtime.evaluate", **facts, **more)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        found: dict[str, Any] = answer["result"]
        return found

    def run(self, script: str) -> Any:
        """The value of an expression."""
        return self._ask(script, returnByValue=True).get("value")

    def until(self, script: str) -> Any:
        """The value of an expression, once it is true; an element is just that."""
        deadline = time.monotonic() + PATIENCE
        known = f"(found => found instanceof Node || found)({script})"
        while not (found := self._try(known)):
            assert time.monotonic() < deadline, f"never true: {script}\n{self.page()}"
            time.sleep(0.02)
        return found

    def _try(self, script: str) -> Any:
        try:
            return self.run(script)
        except Failed:  # between two pages there is nowhere to ask
            return None

    def page(self) -> str:
        return f"{self.run('document.body?.innerText')}\n--\n{self.texts()}\n{self.complaints()}"

    def texts(self) -> list[str]:
        """The messages in the chat, as they are read."""
        found: list[str] = self.run(
            "[...chat?.querySelectorAll('.text') ?? []].map(e => e.textContent)"
        )
        return found

    def go(self, url: str) -> None:
        with self.leaving():
            self.call("Page.navigate", url=url)

    def reload(self) -> None:
        with self.leaving():
            self.call("Page.reload")

    @contextmanager
    def leaving(self) -> Iterator[None]:
        """What leads to another page; that is there afterwards, whole."""
        self.run("void (window.before = true)")
        yield
        self.until("!window.before && document.readyState === 'complete'")

    def type(self, text: str) -> None:
        """As an input method puts it in where the focus is."""
        self.call("Input.insertText", text=text)

    def press(self, key: str, *, shift: bool = False) -> None:
        code = _KEYS[key]
        facts: dict[str, Any] = {
            "key": key,
            "code": key,
            "windowsVirtualKeyCode": code,
            "modifiers": 8 * shift,
        }
        text = {"text": "\r"} if key == "Enter" else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", **facts, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **facts)

    def choose(self, element: str, *files: Path) -> None:
        """Files for an input, as its dialog would."""
        found = self._ask(element)
        self.call("DOM.setFileInputFiles", files=list(map(str, files)), objectId=found["objectId"])

    def offline(self, is_off: bool) -> None:
        facts = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        self.call("Network.emulateNetworkConditions", offline=is_off, **facts)

    def look(self, *, dark: bool = False, width: int = 1000, height: int = 800) -> None:
        """As it is seen on a screen of that size."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        screen = {"screenWidth": width, "screenHeight": height}
        self.call("Emulation.setDeviceMetricsOverride", **size, **screen)
        # The page hears of either a moment later.
        self.until(f"screen.width === {width} && screen.height === {height}")
        self.until(f"matchMedia('(prefers-color-scheme: dark)').matches === {json.dumps(dark)}")

    def picture(self, path: Path) -> None:
        path.write_bytes(
            base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])
        )

    def complaints(self) -> list[str]:
        """What stands in the console that should not."""
        self.run("1")
        return [
            json.dumps(event["params"])
            for event in self._browser.events
            if event.get("sessionId") == self._session and _is_bad(event)
        ]


def _is_bad(event: dict[str, Any]) -> bool:
    params = event["params"]
    match event["method"]:
        case "Runtime.exceptionThrown":
            return True
        case "Log.entryAdded":
            return bool(params["entry"]["level"] == "error")
        case "Runtime.consoleAPICalled":
            return params["type"] in {"error", "warning", "assert"}
    return False


@contextmanager
def browser() -> Iterator[Browser]:
    """Chromium without a window, with a folder of its own."""
    binary = program("chromium")
    theirs_in, commands = os.pipe()
    answers, theirs_out = os.pipe()
    with tempfile.TemporaryDirectory(
        prefix="madoguchi-browser-", ignore_cleanup_errors=True
    ) as folder:
        process = subprocess.Popen(
            [sys.executable, "-c", _START, str(theirs_in), str(theirs_out), str(binary), *_FLAGS,
             f"--user-data-dir={folder}/profile"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            pass_fds=(theirs_in, theirs_out),
            env=os.environ | {"HOME": folder, "XDG_CONFIG_HOME": folder, "XDG_CACHE_HOME": folder},
        )  # fmt: skip
        os.close(theirs_in)
        os.close(theirs_out)
        try:
            yield Browser(commands, answers)
        finally:
            stop(process)
            os.close(commands)
            os.close(answers)
