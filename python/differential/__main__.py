"""``python python/differential``: random programs in PySpark and in Firesteel, answers compared.

``cargo xtask differential`` makes the environment that this wants and calls it. ``--record`` keeps programs with
PySpark's answers for the tests that run without PySpark (``python/tests/test_recorded_programs.py``).
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from answers import same
from grammar import Program, generate
from sides import Side

#: A recorded program whose answer makes its line longer than this is left out.
LONGEST_RECORDED = 1500

#: How often a differing program is cut down further.
MOST_CUTS = 40


def main() -> int:
    """Compares; 1 where an answer differs."""
    parser = argparse.ArgumentParser(prog="differential", description=__doc__)
    parser.add_argument("--seeds", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--master", default="local[2]", help="where Firesteel's tasks run")
    parser.add_argument("--native", default="off", help="off, or auto: functions run without the interpreter")
    parser.add_argument("--record", type=Path, help="write the programs with PySpark's answers, run nothing else")
    chosen = parser.parse_args()
    programs = [generate(seed) for seed in range(chosen.seed, chosen.seed + chosen.seeds)]
    theirs = Side("pyspark")
    try:
        if chosen.record:
            record(programs, theirs, chosen.record)
            return 0
        return compare(programs, theirs, Side("firesteel", chosen.master, native=chosen.native))
    finally:
        theirs.stop()


def compare(programs: list[Program], theirs: Side, ours: Side) -> int:
    """Runs all on both sides, and prints what differs, cut down."""
    differing = 0
    try:
        for program in programs:
            if differs(program, theirs, ours):
                differing += 1
                show(shrink(program, theirs, ours), theirs, ours)
    finally:
        ours.stop()
    print(f"differential: {len(programs) - differing} of {len(programs)} programs answer the same")
    return 1 if differing else 0


def differs(program: Program, theirs: Side, ours: Side) -> bool:
    """Whether both sides answer otherwise than they must."""
    return not same(theirs.answer(program.text), ours.answer(program.text), program.compare)


def shrink(program: Program, theirs: Side, ours: Side) -> Program:
    """A program of fewer steps that still differs."""
    cuts, index = 0, len(program.steps) - 1
    while index >= 0 and cuts < MOST_CUTS:
        smaller = program.without(index)
        cuts += 1
        if smaller is not None and differs(smaller, theirs, ours):
            program = smaller
        index = min(index, len(program.steps)) - 1
    return program


def show(program: Program, theirs: Side, ours: Side) -> None:
    """A program and both answers."""
    print(f"\nseed {program.seed} ({program.compare.value}):")
    print("    " + program.text.replace("\n", "\n    ").rstrip())
    print(f"  PySpark:   {str(theirs.answer(program.text))[:1500]}")
    print(f"  Firesteel: {str(ours.answer(program.text))[:1500]}", flush=True)


def record(programs: list[Program], theirs: Side, path: Path) -> None:
    """One line of JSON for each program: its text, how to compare, the answer."""
    lines = []
    for program in programs:
        answer = theirs.answer(program.text)
        line = json.dumps({"program": program.text, "compare": program.compare.name, "answer": answer})
        if len(line) <= LONGEST_RECORDED:
            lines.append(line)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"recorded {len(lines)} programs in {path}")


if __name__ == "__main__":
    sys.exit(main())
