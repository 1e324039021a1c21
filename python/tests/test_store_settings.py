"""Stores as each context's settings reach them: a context inherits neither endpoint nor keys of one before it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

CONTENTS = b"one line\n"


class _Store(ThreadingHTTPServer):
    """A store that speaks as S3 does, as far as reading goes: every name is an object with the same contents."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Request)
        self.keys: set[str] = set()


class _Request(BaseHTTPRequestHandler):
    """One request for an object, or for a range of it."""

    def _answer(self, body: bool) -> None:
        assert isinstance(self.server, _Store)
        self.server.keys.add(self.headers.get("authorization", "=").split("=")[1].split("/")[0])
        wanted = self.headers.get("range", "").removeprefix("bytes=").split("-")
        first, last = (int(wanted[0]), int(wanted[1])) if len(wanted) == 2 else (0, len(CONTENTS) - 1)
        part = CONTENTS[first : last + 1]
        self.send_response(206 if len(wanted) == 2 else 200)
        self.send_header("ETag", '"1"')
        self.send_header("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT")
        self.send_header("Content-Length", str(len(part)))
        if len(wanted) == 2:
            self.send_header("Content-Range", f"bytes {first}-{first + len(part) - 1}/{len(CONTENTS)}")
        self.end_headers()
        if body:
            self.wfile.write(part)

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


@pytest.fixture
def stores() -> Iterator[tuple[_Store, _Store]]:
    both = (_Store(), _Store())
    for store in both:
        threading.Thread(target=store.serve_forever, daemon=True).start()
    yield both
    for store in both:
        store.shutdown()
        store.server_close()


def _settings(store: _Store, **more: str) -> dict[str, str]:
    settings = {"endpoint": f"http://127.0.0.1:{store.server_port}", **more}
    return {f"spark.hadoop.fs.s3a.{key.replace('_', '.')}": value for key, value in settings.items()}


def test_a_context_has_its_own_endpoint_and_keys(fresh_context: Any, stores: tuple[_Store, _Store]) -> None:
    first, second = stores
    with fresh_context(settings=_settings(first, access_key="key-one", secret_key="secret")) as sc:
        assert sc.textFile("s3a://bucket/a").collect() == ["one line"]
    assert (first.keys, second.keys) == ({"key-one"}, set())
    with fresh_context(settings=_settings(second, aws_credentials_provider="Anonymous")) as sc:
        assert sc.textFile("s3a://bucket/a").collect() == ["one line"]
    assert (first.keys, second.keys) == ({"key-one"}, {""})
