"""What pages tell of executors while they run: threads, sampled stacks, what they write; and spans that are sent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from test_cluster import standalone

__all__ = ["standalone"]

PATIENCE_SECONDS = 60.0


def ask(url: str) -> str:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=90) as answer:
        text: str = answer.read().decode()
        return text


def having(text: str, *parts: str) -> str:
    """Returns the text if it has all of these parts, and nothing otherwise."""
    return text if all(part in text for part in parts) else ""


def wait_for(look: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := look()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return found


def busy_until() -> Callable[[str], int]:
    """Makes a function that computes until a file is there, by way of two calls."""

    def step(value: int) -> int:
        return (value * 31 + 7) % 1009

    def compute_until(path: str) -> int:
        value = 1
        while not os.path.exists(path):
            for _ in range(1000):
                value = step(value)
        return 1

    return compute_until


def test_samples_show_the_lines_in_which_workers_compute(fresh_context: Any, tmp_path: Path) -> None:
    sc = fresh_context("local[2]", {"spark.ui.enabled": "true", "spark.ui.port": "0"})
    url, path = sc.uiWebUrl.rstrip("/"), str(tmp_path / "go-on")
    sums: list[int] = []
    job = threading.Thread(target=lambda: sums.append(sc.parallelize([path] * 2, 2).map(busy_until()).sum()))
    job.start()
    try:
        flame = f"{url}/executors/flameGraph/?seconds=1"
        folded = wait_for(lambda: having(ask(f"{flame}&format=folded"), "compute_until (", "step ("))
        page = ask(flame)
        threads = wait_for(lambda: having(ask(f"{url}/executors/threadDump/?executorId=1"), "step"))
        samples = {}
        for line in ask(f"{flame}&executorId=1&stage=0&format=folded").splitlines():
            stack, _, count = line.rpartition(" ")
            samples[stack] = int(count)
    finally:
        Path(path).touch()
        job.join()
    assert sums == [2], "sampling changes no result"
    assert "compute_until (test_looking_into.py:" in folded and "step (test_looking_into.py:" in folded
    assert 'class="flame"' in page and "compute_until (test_looking_into.py:" in page
    assert "partition" in threads and "of stage 0), for " in threads
    assert 1 <= sum(samples.values()) <= 21, samples
    assert all(stack.startswith("stage 0: ") for stack in samples), samples
    assert "writes to this program" in ask(f"{url}/executors/log/?executorId=1&which=stdout")
    driver = ask(f"{url}/executors/threadDump/?executorId=driver")
    assert "firesteel-ui" in driver and "waits in " in driver


def test_what_python_workers_of_a_cluster_write_is_on_a_page(standalone: list[str], tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(
        "import sys, urllib.request\n"
        "from firesteel import SparkContext\n"
        "sc = SparkContext()\n"
        "def tell(x):\n"
        "    print(f'partition {x} was here', flush=True)\n"
        "    print(f'and said so of {x}', file=sys.stderr, flush=True)\n"
        "    return x\n"
        "assert sc.parallelize(range(4), 4).map(tell).sum() == 6\n"
        "get = urllib.request.build_opener(urllib.request.ProxyHandler({})).open\n"
        "page = get(f'{sc.uiWebUrl}/executors/log/?executorId=0&which=stderr').read().decode()\n"
        "assert all(f'partition {x} was here' in page and f'and said so of {x}' in page for x in range(4)), page\n"
        "assert 'Bytes 0 to ' in get(f'{sc.uiWebUrl}/executors/log/?executorId=0&which=stdout').read().decode()\n"
        "open(sys.argv[1], 'w').write('all of it')\n"
        "sc.stop()\n"
    )
    submit = [sys.executable, "-m", "firesteel.cli", "submit", *standalone, "--conf", "spark.ui.port=0"]
    program = [*submit, "--conf", "spark.ui.enabled=true", str(tmp_path / "app.py"), str(tmp_path / "done")]
    subprocess.run(program, check=True, timeout=PATIENCE_SECONDS)
    assert (tmp_path / "done").read_text() == "all of it"


@pytest.fixture
def collector() -> Iterator[tuple[str, list[Any]]]:
    """A collector of spans: its address, and the requests that it has taken, each with its headers."""
    taken: list[Any] = []

    class Take(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            taken.append((self.path, dict(self.headers), json.loads(body)))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Take)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", taken
    server.shutdown()
    thread.join()
    server.server_close()


def test_spans_go_where_the_environment_says_if_the_setting_asks(
    fresh_context: Any, collector: tuple[str, list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, taken = collector
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "api-key=never%20shown")
    sc = fresh_context("local[1]")
    assert sc.parallelize([1, 2]).count() == 2
    sc.stop()
    assert taken == [], "the setting does not ask"
    sc = fresh_context("local[1]", {"firesteel.otel.endpoint": "env"})
    assert sc.parallelize([1, 2]).map(lambda x: x + 1).sum() == 5
    sc.stop()
    [(path, headers, body)] = taken
    assert path == "/v1/traces" and headers["api-key"] == "never shown"
    [spans] = [scope["spans"] for scope in body["resourceSpans"][0]["scopeSpans"]]
    names = sorted(span["name"].split(" ")[0] for span in spans)
    assert names == ["fresh", "job", "stage", "task"]
    [job] = [span for span in spans if span["name"].startswith("job")]
    attributes = {attribute["key"]: attribute["value"] for attribute in job["attributes"]}
    assert attributes["code.filepath"]["stringValue"].endswith("test_looking_into.py")
    assert int(attributes["code.lineno"]["intValue"]) > 100
