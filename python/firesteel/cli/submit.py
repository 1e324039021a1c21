"""``firesteel submit``: runs a program with settings and files, as ``spark-submit`` does."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from firesteel.cli import options

if TYPE_CHECKING:
    _Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_EXAMPLES = """examples:
  firesteel submit app.py input.txt
  firesteel submit --master 'local[4]' --conf spark.task.maxFailures=1 app.py
  firesteel submit --py-files helpers.py,lib.zip --files model.bin app.py
  firesteel submit --requirements requirements.txt app.py
  firesteel submit --as-pyspark app.py        a program whose imports say pyspark
  firesteel submit --master slurm --deploy-mode cluster --num-executors 8 --dry-run app.py
  firesteel submit --master yarn --deploy-mode cluster --py-files helpers.py app.py

Arguments after the program are the program's own, except --py-files, which may stand there, too.
The program's own settings are stronger than flags, flags than --properties-file, and that than spark-defaults.conf.
"""


def add_parser(commands: _Commands) -> None:
    """Adds the command to the parser."""
    parser = commands.add_parser(
        "submit",
        help="run a program",
        description="Run a Python program with a SparkContext of its own.",
        usage="firesteel submit [options] app.py [argument ...]",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    options.add_options(parser)
    parser.add_argument("app", nargs="?", help="the program: a .py file, or a folder or .zip file with a __main__.py")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="its arguments")
    parser.set_defaults(parser=parser)


def arranged(words: Sequence[str]) -> list[str]:
    """Returns the arguments with ``--py-files FILES`` right behind the program moved in front of it."""
    words = list(words)
    if words[:1] != ["submit"]:
        return words
    place = _place_of_program(words)
    moved: list[str] = []
    while place is not None and words[place + 1 : place + 2] == ["--py-files"] and len(words) > place + 2:
        moved += words[place + 1 : place + 3]
        del words[place + 1 : place + 3]
    return ["submit", *moved, *words[1:]]


def _place_of_program(words: Sequence[str]) -> int | None:
    """Returns the position of the first argument that is neither an option nor an option's value."""
    place = 1
    while place < len(words):
        word = words[place]
        if not word.startswith("-"):
            return place
        place += 1 if word in options.flags() or "=" in word and word.startswith("--") else 2
    return None


def _use_environment(chosen: argparse.Namespace) -> None:
    """Gives executors, and this process, the packages that the program asks for."""
    from firesteel.cli.requirements import environment_of

    said = dict(chosen.conf).get("spark.pyspark.python") or os.environ.get("PYSPARK_PYTHON")
    if said:
        raise options.UsageError(f"--requirements makes the Python of executors, and another one is set: {said}")
    environment = environment_of(chosen.requirements)
    chosen.archives = [*(chosen.archives or []), f"{environment.archive}#{environment.name}"]
    master = chosen.master or dict(chosen.conf).get("spark.master") or os.environ.get("FIRESTEEL_MASTER") or "local"
    chosen.conf.append(("spark.pyspark.python", environment.python(master)))
    # Behind the program's own folder, which is the first.
    sys.path.insert(1, environment.packages)


def run(chosen: argparse.Namespace) -> int:
    """Runs the program; returns its exit code."""
    from firesteel.cli import cluster
    from firesteel.cli.run import run_program

    parser: argparse.ArgumentParser = chosen.parser
    asks = chosen.kill or chosen.status
    if (asks or chosen.deploy_mode == "cluster") and not cluster.is_named(chosen):
        what = "--kill" if chosen.kill else "--status" if chosen.status else "--deploy-mode cluster"
        parser.error(f"{what} needs a cluster: --master firesteel://HOST:7077, yarn, slurm or k8s://URL")
    if asks:
        return cluster.ask(chosen)
    if chosen.app is None:
        parser.error("no program given; write its file, and its arguments after it")
    if not os.path.exists(chosen.app) and not chosen.app.startswith("local://"):
        parser.error(f"there is no program {chosen.app} (in {os.getcwd()})")
    if chosen.app.endswith((".jar", ".R", ".r")):
        parser.error(f"{chosen.app} is not a Python program; Firesteel runs Python (and Rust) programs")
    if chosen.dry_run and chosen.deploy_mode != "cluster":
        parser.error("--dry-run shows the job of a whole program: add --deploy-mode cluster")
    try:
        if chosen.deploy_mode == "cluster":
            return cluster.submit(chosen)
        if chosen.requirements:
            _use_environment(chosen)
        options.apply(chosen, default_name=os.path.basename(chosen.app))
    except options.UsageError as error:
        parser.error(str(error))
    if chosen.as_pyspark:
        from firesteel import as_pyspark

        as_pyspark.install()
    return run_program(chosen.app, chosen.arguments)
