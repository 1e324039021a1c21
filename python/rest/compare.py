"""Two servers are asked the same, and their answers compared field by field."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Iterator

#: Questions about all applications.
GENERAL = [
    "version",
    "applications",
    "applications?status=completed",
    "applications?status=running",
    "applications?limit=1",
    "applications?minDate=2020-01-01",
    "applications?minDate=3000-01-01",
    "applications?maxDate=2020-01-01",
    "applications?minEndDate=2020-01-01T00:00:00.000GMT",
    "applications?maxEndDate=2000-01-01",
    "applications?limit=x",
    "applications?status=foo",
    "applications?minDate=foo",
    "applications/nope",
    "applications/nope/jobs",
    "applications/nope/1/jobs",
    "foo",
]

#: Questions about one application.
OF_ONE = [
    "",
    "/jobs?status=failed",
    "/jobs?status=succeeded&status=running",
    "/jobs?status=foo",
    "/jobs/999",
    "/jobs/abc",
    "/nope",
    "/stages?status=failed",
    "/stages?status=complete&withSummaries=true",
    "/stages?details=true",
    "/stages?withSummaries=true&quantiles=0.1,0.5,0.99",
    "/stages?details=true&taskStatus=failed",
    "/stages?details=true&taskStatus=success&taskStatus=killed",
    "/stages?status=foo",
    "/stages/999",
    "/stages/0/9",
    "/stages/999/0",
    "/executors",
    "/allexecutors",
    "/executors/driver/threads",
    "/executors/x/threads",
    "/storage/rdd",
    "/storage/rdd/999",
    "/environment",
    "/allmiscellaneousprocess",
    "/1/jobs",
    "/1",
    "/streaming/statistics",
    "/sql",
]

#: Questions about one stage, and about one attempt at it.
OF_STAGE = ["", "?details=false", "?withSummaries=true&quantiles=0.5"]
OF_ATTEMPT = [
    "",
    "?details=true&withSummaries=true",
    "?taskStatus=failed",
    "/taskSummary",
    "/taskSummary?quantiles=0.01,0.5,0.99",
    "/taskSummary?quantiles=a",
    "/taskList",
    "/taskList?sortBy=runtime",
    "/taskList?sortBy=-runtime&length=2",
    "/taskList?offset=1&length=2",
    "/taskList?status=failed",
    "/taskList?sortBy=foo",
]

#: Differences that are meant, by what is asked and what differs: see docs/rest.md.
MEANT = [
    # Of a log that is written, Spark's server takes the time at which it looked for the time of the last change.
    (r"RUNNING.*", r"\.(lastUpdated|lastUpdatedEpoch|duration|totalDuration)$"),
    (r"RUNNING.*", r"\.(duration|schedulerDelay)\[\d+\]$"),
]


class Server:
    """One of the servers."""

    def __init__(self, name: str, port: int) -> None:
        self.name = name
        self.url = f"http://127.0.0.1:{port}"

    def get(self, path: str) -> tuple[int, str, str]:
        """Return status, type and text of an answer."""
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}", timeout=60) as answer:  # noqa: S310
                return answer.status, answer.headers["content-type"], answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers.get("content-type", ""), error.read().decode("utf8", "replace")

    def json(self, path: str) -> object:
        status, _, text = self.get(path)
        if status != 200:
            raise ValueError(f"{self.name}: {path} gave {status}: {text[:200]}")
        return json.loads(text)


def differences(theirs: object, ours: object, at: str = "") -> Iterator[tuple[str, str]]:
    """Yield where two values differ, and how."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in sorted(theirs.keys() | ours.keys()):
            if key not in theirs:
                yield f"{at}.{key}", f"only Firesteel has it: {ours[key]!r:.100}"
            elif key not in ours:
                yield f"{at}.{key}", f"only Spark has it: {theirs[key]!r:.100}"
            else:
                yield from differences(theirs[key], ours[key], f"{at}.{key}")
    elif isinstance(theirs, list) and isinstance(ours, list):
        if len(theirs) != len(ours):
            yield at, f"{len(theirs)} and {len(ours)} values"
        for index, (one, other) in enumerate(zip(theirs, ours)):
            yield from differences(one, other, f"{at}[{index}]")
    elif theirs != ours:
        yield at, f"Spark {theirs!r:.150}, Firesteel {ours!r:.150}"


class Comparison:
    """What was asked, and what differed."""

    def __init__(self, spark: Server, firesteel: Server) -> None:
        self.spark, self.firesteel = spark, firesteel
        self.asked = 0
        self.meant = 0
        self.wrong: list[str] = []

    def everything(self) -> None:
        """Ask everything that there is to ask."""
        for path in GENERAL:
            self.check(path)
        for application in self.spark.json("applications"):
            runs = not application["attempts"][0]["completed"]
            self.of_one("applications/" + application["id"], "RUNNING " if runs else "")

    def of_one(self, base: str, mark: str) -> None:
        for path in OF_ONE:
            self.check(base + path, mark)
        for job in self.spark.json(f"{base}/jobs"):
            self.check(f"{base}/jobs/{job['jobId']}", mark)
        for rdd in self.spark.json(f"{base}/storage/rdd"):
            self.check(f"{base}/storage/rdd/{rdd['id']}", mark)
        for stage in self.spark.json(f"{base}/stages"):
            path = f"{base}/stages/{stage['stageId']}"
            for more in OF_STAGE:
                self.check(path + more, mark)
            for more in OF_ATTEMPT:
                self.check(f"{path}/{stage['attemptId']}{more}", mark)

    def check(self, path: str, mark: str = "") -> None:
        self.asked += 1
        (status, kind, text), (own_status, own_kind, own_text) = self.spark.get(path), self.firesteel.get(path)
        mark = mark or ("RUNNING " if path.startswith("applications") and path.count("/") == 0 else "")
        if status != own_status:
            self.wrong.append(f"{path}: Spark says {status}, Firesteel {own_status}: {own_text[:150]}")
        elif status != 200:
            # What Spark leaves to its web server is a page, of which the status is enough.
            if not text.startswith("<html") and text != own_text:
                self.wrong.append(f"{path}: Spark says {text[:150]!r}, Firesteel {own_text[:150]!r}")
        elif kind != own_kind:
            self.wrong.append(f"{path}: Spark sends {kind}, Firesteel {own_kind}")
        else:
            for at, how in differences(json.loads(text), json.loads(own_text)):
                if any(re.match(asked, mark + path) and re.search(where, at) for asked, where in MEANT):
                    self.meant += 1
                else:
                    self.wrong.append(f"{path} at {at}: {how}")
