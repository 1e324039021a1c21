"""The API of a cluster of tests, as its administrator or with a token: a few calls over the standard library.

`cluster.py` and `run.py` call it. What is tested speaks to the API by itself.
"""

from __future__ import annotations

import base64
import json
import ssl
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

# The most time for anything that a test waits for.
PATIENCE = 120.0


class Api:
    """Requests to an API server."""

    def __init__(self, kubeconfig: Path) -> None:
        config = json.loads(kubeconfig.read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self.server = cluster["server"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        self._context = ssl.create_default_context(cadata=authority)
        self._token = user.get("token")
        if self._token is None:
            with tempfile.NamedTemporaryFile() as both:
                both.write(base64.b64decode(user["client-certificate-data"]))
                both.write(base64.b64decode(user["client-key-data"]))
                both.flush()
                self._context.load_cert_chain(both.name)

    def ask(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> tuple[int, Any]:
        """Returns the status and the answer."""
        return self.ask_text(method, path, None if body is None else json.dumps(body), kind)

    def ask_text(self, method: str, path: str, body: str | None, kind: str) -> tuple[int, Any]:
        """Returns the status and the answer for a body that is text."""
        data = None if body is None else body.encode()
        request = urllib.request.Request(self.server + path, data, {"Content-Type": kind}, method=method)
        if self._token is not None:
            request.add_header("Authorization", f"Bearer {self._token}")
        try:
            with urllib.request.urlopen(request, context=self._context, timeout=30) as answer:
                text = answer.read().decode()
                status = answer.status
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read().decode()
        return status, json.loads(text) if text.startswith("{") else text

    def get(self, path: str) -> Any:
        """Returns what is at a path."""
        return self.must("GET", path)

    def must(self, method: str, path: str, body: Any = None, kind: str = "application/json") -> Any:
        """Asks, and returns the answer; an error if the request is refused."""
        status, answer = self.ask(method, path, body, kind)
        if status >= 300:
            raise RuntimeError(f"{method} {path}: {status} {answer}")
        return answer

    def items(self, path: str) -> list[Any]:
        """Returns the objects of a list."""
        items: list[Any] = self.get(path)["items"]
        return items


def wait_until(what: str, check: Callable[[], Any], within: float = PATIENCE) -> Any:
    """Waits until a check returns something true, and returns it."""
    end = time.monotonic() + within
    while True:
        try:
            found = check()
        except (OSError, RuntimeError) as error:
            found, what = None, f"{what.split(' (last: ')[0]} (last: {error})"
        if found:
            return found
        if time.monotonic() > end:
            raise RuntimeError(f"waited {within:.0f} s in vain for {what}")
        time.sleep(0.05)
