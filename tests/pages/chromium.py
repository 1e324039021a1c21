"""A headless Chromium, driven by the DevTools protocol over two pipes: nothing but Python's own library is needed.

A `Page` collects everything that a page must not do: dialogs, exceptions, messages on the console, violations of the
content security policy.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")

# The longest that Chromium may take to answer, in seconds.
PATIENCE = 30.0


class BrowserError(Exception):
    """Chromium did not do what it was told."""


def find() -> str | None:
    """Returns the path of the browser, if there is one."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


class Browser:
    """A Chromium with a profile of its own, which is removed at the end."""

    def __init__(self, program: str) -> None:
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        commands, self._to = os.pipe()
        self._from, answers = os.pipe()
        # Chromium reads commands from descriptor 3 and answers on 4.
        shell = 'exec 3<&"$1" 4>&"$2"; shift 2; exec "$@"'
        flags = [
            "--headless=new",
            "--remote-debugging-pipe",
            f"--user-data-dir={self._profile.name}",
            "--no-first-run",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--hide-scrollbars",
            "--force-color-profile=srgb",
            "--no-proxy-server",
            "about:blank",
        ]
        self._process = subprocess.Popen(
            ["bash", "-c", shell, "bash", str(commands), str(answers), program, *flags],
            pass_fds=(commands, answers),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(answers)
        self._buffer = b""
        self._next = 0
        self._pages: dict[str, Page] = {}

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._to)
        os.close(self._from)
        self._profile.cleanup()

    def page(self, width: int = 1280, height: int = 900, is_dark: bool = False) -> Page:
        """Opens a page of this size."""
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        page = Page(self, session, target)
        self._pages[session] = page
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.call(f"{domain}.enable")
        page.size(width, height)
        scheme = "dark" if is_dark else "light"
        page.call("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
        return page

    def call(self, method: str, params: dict[str, Any] | None = None, session: str | None = None) -> dict[str, Any]:
        """Sends a command and waits for its answer. Events that come before it are collected."""
        self._next += 1
        number = self._next
        message: dict[str, Any] = {"id": number, "method": method, "params": params or {}}
        if session:
            message["sessionId"] = session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            answer = self.receive()
            if answer.get("id") == number:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error']}")
                result: dict[str, Any] = answer["result"]
                return result
        raise BrowserError(f"{method}: no answer")

    def receive(self) -> dict[str, Any]:
        """Waits for the next message, and hands events to their pages."""
        while b"\0" not in self._buffer:
            read = os.read(self._from, 1 << 20)
            if not read:
                raise BrowserError("Chromium has ended")
            self._buffer += read
        text, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        page = self._pages.get(message.get("sessionId", ""))
        if page and "method" in message:
            page.note(message["method"], message["params"])
        return message


class Page:
    """One page, and what it did that it must not."""

    def __init__(self, browser: Browser, session: str, target: str) -> None:
        self._browser = browser
        self._session = session
        self._target = target
        self._loaded = False
        self.sins: list[str] = []
        self.requests: list[str] = []

    def close(self) -> None:
        """Closes the page."""
        self._browser.call("Target.closeTarget", {"targetId": self._target})

    def call(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Sends a command to the page."""
        return self._browser.call(method, params, self._session)

    def note(self, event: str, params: dict[str, Any]) -> None:
        """Takes an event of the page."""
        if event == "Page.loadEventFired":
            self._loaded = True
        elif event == "Page.javascriptDialogOpening":
            self.sins.append(f"dialog: {params['message']}")
        elif event == "Runtime.exceptionThrown":
            self.sins.append(f"exception: {params['exceptionDetails'].get('text')}")
        elif event == "Runtime.consoleAPICalled":
            self.sins.append(f"console: {params['args']}")
        elif event == "Log.entryAdded":
            self.sins.append(f"log: {params['entry']['text']} {params['entry'].get('url', '')}")
        elif event == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])

    def size(self, width: int, height: int) -> None:
        """Gives the page a size; a narrow one is a telephone's."""
        is_phone = width < 600
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_phone}
        self.call("Emulation.setDeviceMetricsOverride", metrics)

    def go(self, url: str) -> None:
        """Loads an address, and waits until it is there."""
        self._loaded = False
        self.requests.clear()
        self.call("Page.navigate", {"url": url})
        self._wait_for_load()

    def _wait_for_load(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while not self._loaded:
            if time.monotonic() > deadline:
                raise BrowserError("the page does not load")
            self._browser.receive()

    def run(self, script: str) -> Any:
        """Returns the value of an expression in the page."""
        params = {"expression": script, "returnByValue": True, "awaitPromise": True}
        answer = self.call("Runtime.evaluate", params)
        if "exceptionDetails" in answer:
            raise BrowserError(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def until(self, script: str) -> None:
        """Waits until an expression is true."""
        deadline = time.monotonic() + PATIENCE
        while not self.run(script):
            if time.monotonic() > deadline:
                raise BrowserError(f"never true: {script}")
            time.sleep(0.1)

    def press(self, key: str, code: int) -> None:
        """Presses a key."""
        for kind in ("rawKeyDown", "keyUp"):
            params = {"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code}
            self.call("Input.dispatchKeyEvent", params)
        if key == "Enter":
            self.call("Input.dispatchKeyEvent", {"type": "char", "text": "\r", "key": key})

    def follow(self, script: str) -> None:
        """Runs a script that leads to another page, and waits for that."""
        self._loaded = False
        self.run(script)
        self._wait_for_load()

    def picture(self, file: Path, height: int | None = None) -> None:
        """Takes a picture of the page, from its top."""
        params: dict[str, Any] = {"format": "png"}
        if height:
            width = self.run("innerWidth")
            params["clip"] = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
            params["captureBeyondViewport"] = True
        file.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", params)["data"]))
