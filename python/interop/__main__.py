"""``python python/interop``: Hadoop's formats in Spark and in Firesteel, written by both, and read by the other, too.

``cargo xtask interop --only spark`` makes the environment that this wants and calls it.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "differential"))

import probe  # noqa: E402
import reading  # noqa: E402
import writing  # noqa: E402
from answers import FAILED  # noqa: E402
from case import Case  # noqa: E402
from sides import Side  # noqa: E402
from verdicts import Outcome, Row, Verdict, unused, verdict  # noqa: E402

GENERATORS = (
    *(writing.sequences, writing.asked_classes, writing.lines, writing.options, writing.others),
    *(reading.encodings, reading.listings, reading.settings, reading.sequence_files, reading.writables),
)

#: How much of an outcome a line of the table shows.
SHOWN = 160


def main() -> int:
    """Runs all; 1 where a row differs without a reason, or a reason without a row is left."""
    parser = argparse.ArgumentParser(prog="interop", description=__doc__)
    parser.add_argument("--only", default="", help="cases whose names begin so")
    parser.add_argument("--different", action="store_true", help="print only the rows that differ")
    chosen = parser.parse_args()
    cases = [case for generate in GENERATORS for case in generate() if case.name.startswith(chosen.only)]
    root, start = Path(tempfile.mkdtemp(prefix="interop-")), time.monotonic()
    try:
        rows = Exchange(root).rows(cases)
    finally:
        shutil.rmtree(root)
    left = [] if chosen.only else unused(rows)
    seconds = time.monotonic() - start
    return report(rows, [f"{known.rows}: {known.reason}" for known in left], chosen.different, seconds)


class Exchange:
    """Both sides, and the folder that they write into."""

    def __init__(self, root: Path) -> None:
        self.root = root
        #: Set when one side cannot go on, or nobody wants it to: the other one then stops at its next case.
        self.given_up = False
        self.sides = {package: Side(package, script=Path(__file__).parent / "side.py") for package in PACKAGES}

    def rows(self, cases: list[Case]) -> list[Row]:
        """The table. Cases of the same settings share a context, which is what takes time."""
        rows: list[Row] = []
        try:
            numbered = sorted(enumerate(cases), key=lambda pair: (pair[1].settings, pair[0]))
            for settings, group in groupby(numbered, key=lambda pair: pair[1].settings):
                batch = list(group)
                print(f"{len(batch)} cases with {dict(settings) or 'no settings'}", file=sys.stderr, flush=True)
                rows += self._batch(batch)
        finally:
            self.given_up = True
            for side in self.sides.values():
                side.stop()
        return rows

    def _batch(self, batch: list[tuple[int, Case]]) -> list[Row]:
        """First all is written by both at once, then all is read by both at once."""
        with ThreadPoolExecutor(len(PACKAGES)) as pool:
            try:
                wrote = list(pool.map(lambda package: [self._write(package, *each) for each in batch], PACKAGES))
                read = list(pool.map(lambda package: [self._reads(package, *each) for each in batch], PACKAGES))
            except BaseException:
                self.given_up = True
                raise
        rows: list[Row] = []
        for index, (_, case) in enumerate(batch):
            spark, firesteel = wrote[0][index], wrote[1][index]
            if spark is not None and firesteel is not None:
                rows.append(Row(f"{case.name}", (spark,), (firesteel,)))
            for (reader, _), ours, theirs in zip(case.reads, read[1][index], read[0][index], strict=True):
                if ours:
                    rows.append(Row(f"{case.name} > {reader}", theirs, ours))
        return rows

    def _write(self, package: str, number: int, case: Case) -> Outcome | None:
        """What one side's writing gives; None where it is not its turn, or there is nothing to write."""
        folder = self.root / package / str(number)
        folder.parent.mkdir(exist_ok=True)
        if case.write is None:
            _lay_out(folder, case)
            return None
        if case.by_spark and package != "pyspark":
            return None
        done = self._run(package, case, case.write, folder)
        if case.by_spark:
            return None
        left = probe.written(str(folder))
        if done.good:
            return Outcome(True, left)
        return Outcome(False, f"{done.text} [leaves {left}]") if "_SUCCESS" not in left else Outcome(True, left)

    def _reads(self, package: str, number: int, case: Case) -> list[tuple[Outcome, ...]]:
        """What one side reads of what is there, its own copy of it, or what each side wrote."""
        return [tuple(self._read(package, number, case, text)) for _, text in case.reads]

    def _read(self, package: str, number: int, case: Case, text: str) -> Iterator[Outcome]:
        writers = (package,) if case.write is None else PACKAGES
        for writer in writers:
            folder = self.root / writer / str(number)
            if case.write is None or _has_data(folder):
                yield self._run(package, case, f"answer = records({text})", folder)

    def _run(self, package: str, case: Case, program: str, folder: Path) -> Outcome:
        if self.given_up:
            raise SystemExit("interop: given up")
        settings = [list(pair) for pair in case.settings]
        good, text = self.sides[package].answer({"settings": settings, "program": program, "path": str(folder)})
        if good == FAILED:
            self.given_up = True
            raise SystemExit(f"interop: {package} came to {text} at the case {case.name!r}:\n{program}")
        return Outcome(good, str(text).replace(str(folder), "PATH").replace(str(self.root), "ROOT"))


PACKAGES = ("pyspark", "firesteel")


def _has_data(folder: Path) -> bool:
    """Whether anything was written there that a reader would look at."""
    return any(file.is_file() and not file.name.startswith(("_", ".")) for file in folder.rglob("*"))


def _lay_out(folder: Path, case: Case) -> None:
    """Files, folders and links of a case that reads, for one side alone: some programs change them."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, contents in case.files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if contents is None:
            file.mkdir()
        elif isinstance(contents, str):
            file.symlink_to(contents.removeprefix("->"))
        else:
            file.write_bytes(contents)


def report(rows: list[Row], left: list[str], only_different: bool, seconds: float) -> int:
    """Prints the table and the counts."""
    counts: Counter[Verdict] = Counter()
    for row in rows:
        kind, reason = verdict(row)
        counts[kind] += 1
        if only_different and kind is not Verdict.DIFFERENT:
            continue
        print(f"{kind.value:<22} {row.name}" + (f": {reason}" if reason else ""))
        if kind is Verdict.DIFFERENT:
            for side, outcomes in (("Spark", row.spark), ("Firesteel", row.firesteel)):
                for whose, outcome in zip(("Spark's", "Firesteel's"), outcomes):
                    print(f"    {side} ({whose}): {outcome.shown[:SHOWN]}" if len(outcomes) > 1
                          else f"    {side}: {outcome.shown[:SHOWN]}")  # fmt: skip
    for each in left:
        print(f"no row bears out any more: {each}")
    counted = ", ".join(f"{counts[kind]} {kind.value}" for kind in Verdict)
    print(f"interop: {len(rows)} rows in {seconds:.0f} s: {counted}")
    return 1 if counts[Verdict.DIFFERENT] or left else 0


if __name__ == "__main__":
    sys.exit(main())
