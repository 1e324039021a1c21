"""``python python/edges``: programs that read tables, work with RDDs and write tables, in Spark and in Firesteel.

Each program runs unchanged on both over the same input, and what they leave is compared: names, bytes, rows. Then each
side reads what the other has written, type by type and format by format. ``cargo xtask interop --only tables`` makes
the environment that this wants and calls it.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "differential"))

import inputs  # noqa: E402
import matrix  # noqa: E402
from answers import FAILED  # noqa: E402
from outputs import differences  # noqa: E402
from sides import Side  # noqa: E402

PACKAGES = ("pyspark", "firesteel")

#: Settings of both sides, which both take from where `spark-submit` leaves them. The tables are small: compiling takes
#: Spark longer than what is compiled.
SETTINGS = " ".join([
    "--master local[2]",
    "--conf spark.ui.enabled=false --conf spark.ui.showConsoleProgress=false",
    "--conf spark.sql.codegen.wholeStage=false --conf spark.sql.codegen.factoryMode=NO_CODEGEN",
    "--conf spark.driver.extraJavaOptions=-XX:TieredStopAtLevel=1",
    "pyspark-shell",
])  # fmt: skip

#: The zone of both sides' clocks: one with summer time, and not UTC.
ZONE = "Europe/Berlin"

#: How much of a difference is shown.
SHOWN = 500


class Failed(Exception):
    """A side cannot go on."""


class Pair:
    """Both sides, which are asked at the same time."""

    def __init__(self) -> None:
        os.environ.update(PYSPARK_SUBMIT_ARGS=SETTINGS, TZ=ZONE)
        #: How long each has worked.
        self.seconds = dict.fromkeys(PACKAGES, 0.0)
        self.sides = {package: Side(package, script=HERE / "side.py") for package in PACKAGES}

    def both(self, of_spark: object, of_firesteel: object) -> list[tuple[bool, str]]:
        """The outcomes of two requests."""
        with ThreadPoolExecutor(2) as pool:
            return list(pool.map(self._ask, PACKAGES, (of_spark, of_firesteel)))

    def _ask(self, package: str, request: object) -> tuple[bool, str]:
        start = time.monotonic()
        good, text = self.sides[package].answer(request)
        self.seconds[package] += time.monotonic() - start
        if good == FAILED:
            raise Failed(f"edges: {package} came to {text} at {request}")
        return bool(good), str(text)

    def stop(self) -> None:
        """Ends both."""
        for side in self.sides.values():
            side.stop()


def run_program(pair: Pair, program: Path, source: Path, root: Path) -> list[str]:
    """Where the two runs of a program differ."""
    folders = [root / package / program.stem for package in PACKAGES]
    for folder in folders:
        folder.mkdir(parents=True)
    requests = [{"program": str(program), "arguments": [str(source), str(folder)]} for folder in folders]
    spark, firesteel = pair.both(*requests)
    if not spark[0]:
        return [f"Spark fails, so that there is nothing to compare: {spark[1]}"]
    if not firesteel[0]:
        return [f"Firesteel fails: {firesteel[1]}"]
    printed = [] if spark == firesteel else [f"printed\n{_beside(spark[1], firesteel[1])}"]
    return printed + differences(*folders)


def _beside(theirs: str, ours: str) -> str:
    import difflib

    lines = difflib.unified_diff(theirs.splitlines(), ours.splitlines(), "Spark", "Firesteel", lineterm="", n=1)
    return "\n".join(f"        {line}" for line in lines)


def main() -> int:
    """Runs all; 1 where something differs without a reason."""
    parser = argparse.ArgumentParser(prog="edges", description=__doc__)
    parser.add_argument("--only", default="", help="programs and cases whose names begin so")
    parser.add_argument("--different", action="store_true", help="print only what differs")
    parser.add_argument("--keep", type=Path, help="a folder for what is written, which stays")
    chosen = parser.parse_args()
    root, start = chosen.keep or Path(tempfile.mkdtemp(prefix="edges-")), time.monotonic()
    inputs.make(root / "input")
    programs = [each for each in sorted((HERE / "programs").glob("*.py")) if each.stem.startswith(chosen.only)]
    cases = [case for case in matrix.cases() if case.name.startswith(chosen.only)]
    pair, counts = Pair(), {"equal": 0, "differ on purpose": 0, "DIFFERENT": 0}
    try:
        for program in programs:
            report(program.stem, run_program(pair, program, root / "input", root), chosen.different, counts)
        for name, found in matrix.rows(cases, pair.both, root / "matrix"):
            report(name, found, chosen.different, counts)
    finally:
        pair.stop()
        if not chosen.keep:
            shutil.rmtree(root)
    left = [] if chosen.only else [each.rows for each in matrix.KNOWN if each not in matrix.seen]
    for each in left:
        print(f"no row bears out any more: {each}")
    counted = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    seconds = ", ".join(f"{package} {took:.0f} s" for package, took in pair.seconds.items())
    took = f"{time.monotonic() - start:.0f} s ({seconds})"
    print(f"edges: {len(programs)} programs, {sum(counts.values())} rows in {took}: {counted}")
    return 1 if counts["DIFFERENT"] or left else 0


def report(name: str, found: list[str], only_different: bool, counts: dict[str, int]) -> None:
    """Prints one row."""
    reason = matrix.reason_for(name, found) if found else ""
    kind = "equal" if not found else "differ on purpose" if reason else "DIFFERENT"
    counts[kind] += 1
    if only_different and kind != "DIFFERENT":
        return
    print(f"{kind:<20} {name}" + (f": {reason}" if reason else ""), flush=True)
    if kind == "DIFFERENT":
        for each in found:
            print(f"    {each[:SHOWN]}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
