"""Writes what passed and what did not as a table for people: docs/conformance.md.

Names and counts only: nothing of the examples' text.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from names import Names
from programs import Program
from runner import Outcome


@dataclass
class Results:
    """What one run found: by module, and by program."""

    version: str
    modules: dict[str, list[Outcome]]
    programs: dict[Program, str | None]
    names: int = 0
    other_names: list[str] = field(default_factory=list)
    module_names: Names = field(default_factory=Names)

    @property
    def outcomes(self) -> list[Outcome]:
        """All docstrings."""
        return [outcome for outcomes in self.modules.values() for outcome in outcomes]

    @property
    def failures(self) -> list[str]:
        """What should have passed and did not."""
        failed = [
            f"{outcome.case.module}.{outcome.case.name}"
            for outcome in self.outcomes
            if not outcome.is_whole and not outcome.jvm and not outcome.for_good
        ]
        failed += self.other_names + self.module_names.neither
        return failed + [program.name for program, trouble in self.programs.items() if trouble]


def counts(outcomes: list[Outcome]) -> str:
    """Docstrings and examples in one line."""
    whole = sum(outcome.is_whole for outcome in outcomes)
    passed = sum(outcome.passed + outcome.skipped for outcome in outcomes)
    examples = sum(outcome.examples for outcome in outcomes)
    return f"{whole} of {len(outcomes)} docstrings, {passed} of {examples} examples"


def render(results: Results) -> str:
    """The whole document."""
    applying = [outcome for outcome in results.outcomes if not outcome.jvm or outcome.is_whole]
    lines = [
        f"# PySpark {results.version}'s own examples, run on Firesteel",
        "",
        "Written by `cargo xtask conformance`, which takes the examples from the docstrings of the installed PySpark",
        "package and runs them with Firesteel in PySpark's place. Here are names and counts; the examples themselves",
        "stay in that package.",
        "",
        f"- Passed: {counts(results.outcomes)}.",
        f"- Of those that need no JVM: {counts(applying)}.",
        f"- Example programs, unchanged: {sum(not trouble for trouble in results.programs.values())} of "
        f"{len(results.programs)}.",
        f"- Public names (classes, methods, functions) that exist here with the same parameters: "
        f"{results.names - len(results.other_names)} of {results.names}.",
        f"- Names at the top of PySpark's core modules (all but SQL, ML, pandas and streaming): "
        f"{results.module_names.here} are here, {results.module_names.refused} are refused with a sentence that says "
        f"what to use, {len(results.module_names.neither)} are neither.",
        "",
        "| program | |",
        "| --- | --- |",
    ]
    for program, trouble in results.programs.items():
        setting = f", with `{program.settings}`" if program.settings else ""
        lines.append(f"| {program.name} | {_cell(trouble or 'passes' + setting)} |")
    lines += ["", "## What differs", "", "| where | passed | why |", "| --- | ---: | --- |"]
    differing = [outcome for outcome in results.outcomes if not outcome.is_whole]
    lines += [
        f"| {_name(outcome)} | {outcome.passed + outcome.skipped} of {outcome.examples} | {_why(outcome)} |"
        for outcome in differing
    ]
    lines += [f"| {name} | | {_cell(trouble)} |" for name, trouble in _split(results.other_names)]
    lines += [f"| {name} | | missing |" for name in results.module_names.neither]
    if not differing and not results.other_names:
        lines.append("| nothing | | |")
    for module, outcomes in results.modules.items():
        lines += ["", f"## pyspark.{module}", "", counts(outcomes) + ".", ""]
        lines += ["| | examples | |", "| --- | ---: | --- |"]
        lines += [
            f"| {outcome.case.name or '(module)'} | {outcome.examples} | {_verdict(outcome)} |" for outcome in outcomes
        ]
    return "\n".join(lines) + "\n"


def _split(sentences: list[str]) -> list[tuple[str, str]]:
    return [(name, trouble) for name, _, trouble in (sentence.partition(": ") for sentence in sentences)]


def _name(outcome: Outcome) -> str:
    return f"{outcome.case.module}.{outcome.case.name}".rstrip(".")


def _why(outcome: Outcome) -> str:
    if outcome.jvm:
        return f"needs a JVM: {outcome.jvm}"
    return outcome.for_good or "not yet as there"


def _verdict(outcome: Outcome) -> str:
    if outcome.is_whole:
        return "passes"
    return "needs a JVM" if outcome.jvm else "differs"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")[:200]
