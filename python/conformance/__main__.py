"""``python python/conformance``: PySpark's own examples and programs against Firesteel, and a table of what came out.

``cargo xtask conformance`` makes the environment that this wants (PySpark and Firesteel side by side) and calls it.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import sys
import time
from pathlib import Path

from cases import MODULES, pyspark_home
from names import names
from programs import PROGRAMS, run_program
from published import section_of, with_section
from runner import Outcome, run_module
from surface import surface
from table import Results, counts, render


def main() -> int:
    """Runs what is asked for; 1 where something that should pass did not."""
    parser = argparse.ArgumentParser(prog="conformance", description=__doc__)
    parser.add_argument("--only", action="append", default=[], help="surface, a module (core.rdd) or a program (pi)")
    parser.add_argument("--reference", action="store_true", help="run PySpark itself: to see that the runner is right")
    parser.add_argument("--master", help="where tasks run, instead of where PySpark's own run of the examples has them")
    parser.add_argument("--table", type=Path, help="where to write the table")
    chosen = parser.parse_args()
    known = [module.name for module in MODULES] + [program.name for program in PROGRAMS] + ["surface"]
    for name in chosen.only:
        if name not in known:
            parser.error(f"no module or program {name}; there are {', '.join(known)}")
    home = pyspark_home()
    results = Results(importlib.metadata.version("pyspark"), {}, {})
    if not chosen.only or "surface" in chosen.only:
        results.names, results.other_names = surface(chosen.reference)
        print(f"surface: {results.names} names, {len(results.other_names)} missing or different")
        print("".join(f"  {sentence}\n" for sentence in results.other_names), end="", flush=True)
        if not chosen.reference:
            found = results.module_names = names()
            print(f"names of modules: {found.here} here, {found.refused} refused, {len(found.neither)} neither")
            print("".join(f"  {name}\n" for name in found.neither), end="", flush=True)
    for module in MODULES:
        if not chosen.only or module.name in chosen.only:
            start = time.monotonic()
            outcomes = run_module(module.name, home, chosen.reference, chosen.master)
            results.modules[module.name] = outcomes
            print(f"{module.name}: {counts(outcomes)} in {time.monotonic() - start:.1f} s", flush=True)
            for outcome in outcomes:
                _show(outcome)
    for program in PROGRAMS:
        if not chosen.only or program.name in chosen.only:
            trouble = run_program(program, home, chosen.reference, chosen.master)
            results.programs[program] = trouble
            print(f"{program.name}: {trouble or 'passes'}", flush=True)
    if chosen.table and not (chosen.only or chosen.reference or chosen.master):
        packages = section_of(chosen.table.read_text(encoding="utf-8")) if chosen.table.exists() else ""
        written = render(results)
        chosen.table.write_text(with_section(written, packages) if packages else written, encoding="utf-8")
        print(f"table: {chosen.table}")
    print(f"\n{counts(results.outcomes)}; {len(results.failures)} should pass and do not")
    return 1 if results.failures else 0


def _show(outcome: Outcome) -> None:
    if outcome.is_whole:
        return
    why = f"needs a JVM: {outcome.jvm}" if outcome.jvm else outcome.for_good or "DIFFERS"
    print(f"  {outcome.case.module}.{outcome.case.name}: {outcome.passed} of {outcome.examples}; {why}")
    if not outcome.jvm or outcome.passed * 2 > outcome.examples:
        for difference in outcome.differences[:3]:
            print("      " + difference.replace("\n", "\n      "))


if __name__ == "__main__":
    sys.exit(main())
